"""The call log proves, after a kill of the process alone, which intents were never handed over."""

from pathlib import Path

import pytest

from jqfollow.domain import BrokerDownError
from jqfollow.execution.calls import CallLog
from jqfollow.ledger.ledger import Ledger


def run(path: Path, ledger: Ledger, boot: str, *remarks: str) -> None:
    """A run of the service that is killed after these calls were begun."""
    log = CallLog(path, boot=lambda: boot)
    ledger.write_now(log.begin)
    for remark in remarks:
        log.calling(remark)
    log.close()  # the lines are with the system already: `calling` buffers nothing


def handed_over(path: Path, ledger: Ledger, boot: str, remark: str) -> bool:
    log = CallLog(path, boot=lambda: boot)
    return ledger.read_now(lambda tx: log.handed_over(tx, remark))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "ledger.db")


def test_what_has_no_line_was_never_handed_over(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "calls.log"
    run(path, ledger, "boot-1", "jqAAAAA-1")
    assert handed_over(path, ledger, "boot-1", "jqAAAAA-1")
    assert not handed_over(path, ledger, "boot-1", "jqAAAAA-2")
    ledger.close_now()


def test_nothing_is_proved_after_the_machine_began_anew_or_without_its_file(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "calls.log"
    assert handed_over(path, ledger, "boot-1", "jqAAAAA-1")
    run(path, ledger, "boot-1")
    assert handed_over(path, ledger, "boot-2", "jqAAAAA-1")
    assert handed_over(path, ledger, "", "jqAAAAA-1")
    path.write_bytes(b"boot boot-1\nru")
    assert handed_over(path, ledger, "boot-1", "jqAAAAA-1")
    path.unlink()
    assert handed_over(path, ledger, "boot-1", "jqAAAAA-1")
    ledger.close_now()


def test_another_runs_file_proves_nothing(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "calls.log"
    run(path, ledger, "boot-1")
    older = path.read_bytes()
    run(path, ledger, "boot-1", "jqAAAAA-1")
    path.write_bytes(older)  # put back from a copy
    assert handed_over(path, ledger, "boot-1", "jqAAAAA-1")
    ledger.close_now()


def test_without_its_line_a_call_is_not_made(tmp_path: Path, ledger: Ledger) -> None:
    log = CallLog(tmp_path / "calls.log", boot=lambda: "boot-1")
    ledger.write_now(log.begin)
    log.close()
    with pytest.raises(BrokerDownError, match="not sent"):
        log.calling("jqAAAAA-1")
    ledger.close_now()
