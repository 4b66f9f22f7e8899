"""`python -m supply` writes `constraints.txt` and `sbom.json` anew; wants `pip install -e ".[supply]"`.

One resolution for Python 3.11 to 3.13, Linux and Windows; the zip for Windows pins what stands here.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS, SBOM = ROOT / "constraints.txt", ROOT / "sbom.json"
EXTRAS = ("bench", "channels", "relay", "report", "test")
_HEAD = """\
# Every package that was tested, with its hashes, for Python 3.11 to 3.13 on Linux and Windows.
# Written by `python -m supply`. Installed as it is:
#   pip install --require-hashes -r constraints.txt && pip install --no-deps .
"""


def main() -> None:
    """The command."""
    CONSTRAINTS.write_text(_HEAD + _resolved(), encoding="utf-8", newline="\n")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "sbom.json"
        asked = ["requirements", str(CONSTRAINTS), "--pyproject", str(ROOT / "pyproject.toml"), "--sv", "1.6"]
        command = [sys.executable, "-m", "cyclonedx_py", *asked, "--output-reproducible", "-o", str(path)]
        subprocess.run(command, check=True)  # noqa: S603  # the standard tool, with names of ours
        bill = json.loads(path.read_text(encoding="utf-8"))
    for tool in bill["metadata"]["tools"]["components"]:
        tool.pop("externalReferences", None)
    for component in bill["components"]:
        # The line it was read from, and where this machine would fetch it, say nothing to anybody else.
        component.pop("externalReferences", None)
        component.pop("description", None)
        component["bom-ref"] = component["purl"]
    bill["dependencies"] = [{"ref": component["purl"]} for component in bill["components"]]
    SBOM.write_text(json.dumps(bill, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _resolved() -> str:
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    how = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *extras, *how]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8", cwd=ROOT)  # noqa: S603
    return done.stdout


if __name__ == "__main__":
    main()
