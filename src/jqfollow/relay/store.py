"""What the engine holds: the stream of signals, the stream of receipts, a durable consumer a PC."""

from nats.aio.client import Client
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from jqfollow.relay.book import Book
from jqfollow.relay.words import FOLDERS, KEPT_S, RECEIPTS, SIGNALS, signal_subject

_DUPLICATES_S = 86_400.0
_ACK_WAIT_S = 10.0
"""What was on its way when a PC was lost comes again after this; the ledger knows what it has."""


async def ensure_streams(connection: Client, most_bytes: int) -> None:
    """Makes or adapts both streams; what is full refuses the newest and never drops the oldest signal."""
    signals = StreamConfig(
        name=SIGNALS,
        subjects=["sig.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=KEPT_S,
        max_bytes=most_bytes * 3 // 4,
        duplicate_window=_DUPLICATES_S,
        deny_delete=True,
        deny_purge=True,
    )
    receipts = StreamConfig(
        name=RECEIPTS,
        subjects=["rcpt.>"],
        storage=StorageType.FILE,
        max_age=KEPT_S,
        max_bytes=most_bytes // 8,
        max_msgs_per_subject=1,
        allow_direct=True,
    )
    folders = StreamConfig(
        name=FOLDERS,
        subjects=["here.>"],
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,  # the first stays: the engine itself refuses the second
        max_msgs_per_subject=1,
        max_bytes=most_bytes // 16,
        allow_direct=True,
    )
    js = connection.jetstream()
    for stream in (signals, receipts, folders):
        try:
            await js.stream_info(str(stream.name))
        except NotFoundError:
            await js.add_stream(stream)
        else:
            await js.update_stream(stream)


async def ensure_consumers(connection: Client, book: Book) -> None:
    """A durable consumer for every PC of the book; those of PCs that are gone are deleted."""
    js = connection.jetstream()
    standing = {info.name for info in await js.consumers_info(SIGNALS)}
    for name in standing - set(book.pcs):
        await js.delete_consumer(SIGNALS, str(name))
    for name, pc in book.pcs.items():
        config = ConsumerConfig(
            durable_name=name,
            deliver_policy=DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_S,
            max_ack_pending=1000,
            filter_subjects=[signal_subject(strategy) for strategy in pc.strategies],
        )
        await js.add_consumer(SIGNALS, config)
