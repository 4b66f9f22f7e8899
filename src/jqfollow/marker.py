"""What must be in the data folder, remembered beside it: a ledger or keys that are gone are never begun anew.

A ledger that is missing where there was one would be made without a word, beside orders that stand at the broker; new
keys would lock out every strategy. The marker is a small file of the data folder; who wants to begin anew removes it.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from jqfollow.domain import JqfollowError
from jqfollow.ledger.errors import LedgerDamagedError
from jqfollow.ledger.tx import Tx
from jqfollow.wire.private_file import write_private

FILE_NAME = "jqfollow.mark"
_LEDGER_ID = "ledger_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What stood there at the last start."""

    ledger: str = ""
    """The ledger's own id; copies of it have the same."""
    keys: bool = False
    """There were keys."""


class KeysLostError(LedgerDamagedError):
    """`keys.toml` is gone, or holds nothing, where there were keys."""


def read_mark(data_dir: Path) -> Mark:
    """The marker; an empty one where there is none.

    Raises:
        JqfollowError: it cannot be read.
    """
    path = data_dir / FILE_NAME
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Mark(ledger=str(told["ledger"]), keys=bool(told["keys"]))
    except FileNotFoundError:
        return Mark()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JqfollowError(
            f"{path} 不能读取（{type(error).__name__}）；确认账本和密钥都在之后删除它 / cannot be read: remove it once "
            "ledger and keys are there"
        ) from error


def write_mark(data_dir: Path, mark: Mark) -> None:
    """Remembers what stands there now; raises `OSError`."""
    if read_mark(data_dir) != mark:
        write_private(data_dir / FILE_NAME, json.dumps(asdict(mark)).encode())


def refuse_lost_ledger(mark: Mark, ledger: Path) -> None:
    """Before the ledger is opened.

    Raises:
        LedgerDamagedError: it is gone.
    """
    if mark.ledger and not ledger.exists():
        raise LedgerDamagedError(
            f"the ledger {ledger} is gone; put a copy from {ledger.parent / 'backups'} back. Only who really wants to "
            f"begin with an empty ledger removes {ledger.parent / FILE_NAME}",
            f"账本 {ledger} 不见了：请把 {ledger.parent / 'backups'} 里最近的备份放回来。"
            f"确实要从空账本重新开始，才删除 {ledger.parent / FILE_NAME}",
        )


def refuse_other_ledger(mark: Mark, ledger_id: str, ledger: Path) -> None:
    """After it was opened.

    Raises:
        LedgerDamagedError: it is not the one that was there.
    """
    if mark.ledger and mark.ledger != ledger_id:
        raise LedgerDamagedError(
            f"{ledger} is another ledger than the one that was here; put the right one back, or remove "
            f"{ledger.parent / FILE_NAME} if this one is meant",
            f"{ledger} 不是原来那个账本：请放回原来的；确实要用这一个，才删除 {ledger.parent / FILE_NAME}",
        )


def refuse_lost_keys(mark: Mark, keys_file: Path, *, found: bool) -> None:
    """Before keys are made for strategies that have none.

    Raises:
        KeysLostError: there were keys, and now there are none at all.
    """
    if mark.keys and not found:
        raise KeysLostError(
            f"the keys {keys_file} are gone; put the file back from a copy. New keys would lock out every strategy; "
            f"who wants them all the same removes {keys_file.parent / FILE_NAME}, and writes every client file anew",
            f"密钥文件 {keys_file} 不见了或是空的：请从备份放回来。换新密钥会让所有策略的信号都通不过；"
            f"确实要换，才删除 {keys_file.parent / FILE_NAME}，并重新生成每个客户端文件",
        )


def ledger_id(tx: Tx) -> str:
    """The ledger's own id, made when it has none."""
    known = tx.meta.get(_LEDGER_ID)
    if known is None:
        known = secrets.token_hex(16)
        tx.meta.set(_LEDGER_ID, known)
    return known
