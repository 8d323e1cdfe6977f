"""Which actions make it into which block, and in what order they run there.

An action waits for the first block whose time is not before its own (GTC and IOC a little longer:
a maker's cancel usually beats a taker sent at the same moment). Inside a block: actions that place
nothing but ALO first, cancels second, takers last; first come first served inside each.
Source: venue docs, "Order book" and "Optimizing latency".
"""

import msgspec
import numpy as np

from hypermaker.core.units import NS_PER_MS
from hypermaker.exchange.config import BlockConfig
from hypermaker.exchange.gateway import TAKING, SignedAction, category


class Waiting(msgspec.Struct, frozen=True):
    """An action on its way into a block; ticket names its answer."""

    ticket: int
    eligible_ns: int
    category: int
    signed: SignedAction


class Mempool:
    """Actions that were received and are in no block yet."""

    def __init__(self, config: BlockConfig) -> None:
        self._config = config
        self._waiting: list[Waiting] = []

    def add(self, ticket: int, signed: SignedAction, now_ns: int) -> None:
        """Receive an action."""
        kind = category(signed.request.action)
        delay_ns = self._config.taker_delay_ns if kind == TAKING else 0
        self._waiting.append(Waiting(ticket, now_ns + delay_ns, kind, signed))

    def take(self, block_ns: int) -> list[Waiting]:
        """Remove and return the actions of the block of this time, in the order they run."""
        chosen = [waiting for waiting in self._waiting if waiting.eligible_ns <= block_ns]
        if chosen:
            self._waiting = [w for w in self._waiting if w.eligible_ns > block_ns]
            chosen.sort(key=lambda waiting: waiting.category)
        return chosen


class BlockClock:
    """When blocks are made: a gap of at least the minimum, exponential above it."""

    def __init__(self, config: BlockConfig, random: np.random.Generator) -> None:
        self._config, self._random = config, random

    def gap_ns(self) -> int:
        """Return the time to the next block."""
        config = self._config
        spread = config.interval_ms_mean - config.interval_ms_min
        gap = config.interval_ms_min + self._random.exponential(spread)
        return int(min(gap, config.interval_ms_max) * NS_PER_MS)
