"""What is kept beside the work: losing the newest of it loses no money."""

import asyncio
from datetime import datetime

from jqfollow import restored
from jqfollow.parts import Parts
from jqfollow.restored import HighWater


class Beside:
    """Writes down what stands in memory, and reads what people will ask for."""

    def __init__(self, parts: Parts, high_water: HighWater) -> None:
        self._parts = parts
        self._ledger = parts.ledger
        self._high_water = high_water

    async def keep_stages(self, _: datetime) -> None:
        """How long orders took, and names of securities."""
        orders, names = self._parts.stages.changed(), self._parts.names.changed()
        if orders:
            await self._ledger.write(lambda tx: tx.latencies.put(orders))
        if names:
            await self._ledger.write(lambda tx: tx.security_names.put(names))

    async def keep_high_water(self, _: datetime) -> None:
        """How far the ledger has come, outside of its folder."""
        reach = await self._ledger.read(restored.reach)
        if reach is not None:
            await asyncio.to_thread(self._high_water.keep, reach)

    async def learn_drift(self, _: datetime) -> None:
        """Whoever asks first need not wait until all that was kept is read."""
        await self._ledger.read(self._parts.drift.read)
