"""Who may do what at a relay: strategies with their relay keys, PCs with their accounts. One private file."""

import json
import secrets
from pathlib import Path
from typing import Self

import nkeys
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jqfollow.meant import ACCOUNT, PC, no_such
from jqfollow.relay.errors import RelayError
from jqfollow.relay.words import PC_NAME
from jqfollow.vocabulary import Pair
from jqfollow.wire.private_file import write_private

FILE_NAME = "relay-book.json"
FOLLOWED: Pair = ("电脑在跟的策略", "strategy that a PC follows:")
MOST_PCS = 12
"""A strategy's; the client reads 4 KiB of an answer, receipts and all."""


def new_seed() -> str:
    """A new user's secret."""
    return bytes(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)).decode()


def public_of(seed: str) -> str:
    """What the engine knows that user by."""
    return str(nkeys.from_seed(bytearray(seed.encode())).public_key.decode())


class Pc(BaseModel):
    """One PC: its public key, the broker accounts that are its own, the strategies that it follows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public: str
    accounts: tuple[str, ...]
    strategies: tuple[str, ...]
    moved: tuple[str, ...] = ()
    """Accounts that it has from another PC."""


class Book(BaseModel):
    """The whole of it. Secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    admin: str = Field(repr=False)
    gateway: str = Field(repr=False)
    strategies: dict[str, str] = Field(default_factory=dict, repr=False)
    """Relay keys, hex, by strategy."""
    pcs: dict[str, Pc] = Field(default_factory=dict)
    seed: tuple[str, ...] = ()
    """Strategies whose original client may store by an address alone: weak."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The book of the folder; a new one where none is.

        Raises:
            RelayError: unreadable.
        """
        path = folder / FILE_NAME
        if not path.exists():
            book = cls(admin=new_seed(), gateway=new_seed())
            book.save(folder)
            return book
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise RelayError(f"{path} 读不了，请从备份放回 / unreadable: put it back from a copy") from error

    def save(self, folder: Path) -> None:
        """Writes it whole, or not at all."""
        write_private(folder / FILE_NAME, json.dumps(self.model_dump(), indent=1).encode())

    def relay_key(self, strategy: str) -> bytes | None:
        """The key that lets the strategy store."""
        text = self.strategies.get(strategy)
        return None if text is None else bytes.fromhex(text)

    def followers(self, strategy: str) -> list[str]:
        """The PCs that follow it."""
        return [name for name, pc in self.pcs.items() if strategy in pc.strategies]

    def with_pc(self, name: str, accounts: tuple[str, ...], strategies: tuple[str, ...]) -> tuple[Self, str]:
        """The book with a new PC, or the same with a new secret (the old one is revoked), and that secret.

        Raises:
            RelayError: a name that cannot be, or an account that another PC has.
        """
        if not PC_NAME.fullmatch(name) or name in {"admin", "gateway"}:
            raise RelayError(f"电脑名 {name!r} 只能用 A-Z a-z 0-9 _ - / a PC's name is of these letters")
        for other, pc in self.pcs.items():
            both = sorted(set(pc.accounts) & set(accounts))
            if other != name and both:
                raise RelayError(
                    f"账户 {both[0]} 已属于电脑 {other}，两台电脑会下两次单；要搬请用 jqfollow relay move / "
                    f"account {both[0]} belongs to {other}: two PCs would trade twice; see jqfollow relay move"
                )
        for strategy in strategies:
            if len({*self.followers(strategy), name}) > MOST_PCS:
                raise RelayError(f"策略 {strategy} 最多跟到 {MOST_PCS} 台电脑 / at most {MOST_PCS} PCs a strategy")
        seed = new_seed()
        keys = {kid: self.strategies.get(kid) or secrets.token_hex(32) for kid in strategies}
        before = self.pcs.get(name)
        moved = tuple(account for account in before.moved if account in accounts) if before else ()
        pc = Pc(public=public_of(seed), accounts=accounts, strategies=strategies, moved=moved)
        return self.model_copy(update={"strategies": self.strategies | keys, "pcs": self.pcs | {name: pc}}), seed

    def without(self, name: str) -> Self:
        """The book without a PC: its file opens nothing any more. Raises `RelayError`: there is no such PC."""
        if name not in self.pcs:
            raise RelayError(" / ".join(no_such(PC, name, self.pcs)))
        return self.model_copy(update={"pcs": {other: pc for other, pc in self.pcs.items() if other != name}})

    def with_seed(self, strategy: str) -> Self:
        """The book in which the strategy's original client may store. Raises `RelayError`: no PC follows it."""
        if strategy not in self.strategies:
            raise RelayError(" / ".join(no_such(FOLLOWED, strategy, self.strategies)))
        return self.model_copy(update={"seed": tuple(sorted({*self.seed, strategy}))})

    def moved(self, account: str, to: str) -> Self:
        """The book with the account at another PC. The files of both open nothing until they are written anew.

        Raises:
            RelayError: no such account or PC.
        """
        owner = next((name for name, pc in self.pcs.items() if account in pc.accounts), None)
        if owner is None:
            accounts = {number for pc in self.pcs.values() for number in pc.accounts}
            raise RelayError(" / ".join(no_such(ACCOUNT, account, accounts)))
        if to not in self.pcs:
            raise RelayError(" / ".join(no_such(PC, to, self.pcs)))
        if owner == to:
            raise RelayError(f"账户 {account} 已经是电脑 {to} 的 / account {account} is {to}'s already")
        taken, given = self.pcs[owner], self.pcs[to]
        pcs = self.pcs | {
            owner: taken.model_copy(
                update={
                    "public": public_of(new_seed()),
                    "accounts": tuple(a for a in taken.accounts if a != account),
                    "moved": tuple(a for a in taken.moved if a != account),
                }
            ),
            to: given.model_copy(
                update={
                    "public": public_of(new_seed()),
                    "accounts": (*given.accounts, account),
                    "moved": (*given.moved, account),
                }
            ),
        }
        return self.model_copy(update={"pcs": pcs})
