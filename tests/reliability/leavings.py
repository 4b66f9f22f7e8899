"""Secrets in what a run leaves behind: logs, ledger, copies, exports, what was printed, cores, tracebacks."""

import base64
import re
import tomllib
from pathlib import Path
from urllib.parse import quote

from .served import Served

_OWN = frozenset({"keys.toml", "console.token", "relay.json"})
"""Where a secret is at home, for its owner only."""
_LINK = re.compile(rb"http://127\.0\.0\.1:\d+/\?token=\S+")
"""Shown by the very first start, once."""


def secrets_of(served: Served, *more: str) -> dict[bytes, str]:
    """Every form in which a secret may be written, and what it is; `more`: robots' keys and passwords."""
    keys = tomllib.loads((served.data / "keys.toml").read_text(encoding="utf-8"))
    texts = {f"key of {name}": entry["key"] for name, entry in keys.items()}
    texts["console's token"] = served.token()
    texts |= {f"secret {place}": text for place, text in enumerate(more)}
    found: dict[bytes, str] = {}
    for what, text in texts.items():
        forms = {text, text.removeprefix("jqf1_"), quote(text), base64.b64encode(text.encode()).decode().rstrip("=")}
        for form in forms:
            for encoding in ("utf-8", "utf-16-le"):
                found[form.encode(encoding)] = what
        if text.startswith("jqf1_"):
            raw = base64.urlsafe_b64decode(text[5:] + "=" * (-len(text[5:]) % 4))
            forms_of_raw = (raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"="), repr(raw)[2:-1].encode())
            found |= dict.fromkeys(forms_of_raw, f"{what}, its bytes")
    return found


def looked_through(folder: Path, secrets: dict[bytes, str], *also: Path) -> tuple[int, int, list[str]]:
    """How many files and bytes were searched, and where a secret stands that has no business there."""
    files = bytes_ = 0
    wrong: list[str] = []
    paths = [path for place in (folder, *also) for path in ([place] if place.is_file() else place.rglob("*"))]
    for path in paths:
        if not path.is_file() or path.name in _OWN or path.suffix == ".toml":
            continue
        content = _LINK.sub(b"", path.read_bytes()) if path.name == "out.txt" else path.read_bytes()
        files, bytes_ = files + 1, bytes_ + len(content)
        wrong += [f"{what} in {path}" for secret, what in secrets.items() if secret in content]
    return files, bytes_, wrong
