"""Fills move the position, each exactly once, in whatever order and however often they arrive.

The key of a fill is (block time, trade id) on one coin (X20: the trade id alone is a 50-bit hash).
The last RING keys are remembered. A fill older than the oldest key remembered, once the ring is
full, was either counted or belongs to a gap that only a position snapshot can close: it is not
counted again (T-72, F08, F39).
"""

from typing import Any

from hypermaker.core.kernel import kernel, record

RING = 512

FILLS = record(
    ("position_lots", "i8"),
    ("count", "i8"),
    ("duplicates", "i8"),
    ("too_late", "i8"),
    ("unknown_orders", "i8"),  # fills of orders the table does not hold
    ("newest_venue_ns", "i8"),
    ("evicted_venue_ns", "i8"),  # nothing at or before this time can be new
    ("start_venue_ns", "i8"),  # fills before the session's position snapshot are history
    ("write", "i8"),
    ("venue_ns", "i8", (RING,)),
    ("tid", "i8", (RING,)),
    ("volume_usd_micro", "i8"),
    ("position_lots_max_abs", "i8"),
)
Rec = Any


@kernel
def is_unseen(fills: Rec, venue_ns: int, tid: int) -> bool:
    """Return whether this fill has not been counted yet, and remember it if so."""
    if venue_ns < fills.start_venue_ns or venue_ns <= fills.evicted_venue_ns:
        fills.too_late += 1
        return False
    for i in range(RING):
        if fills.tid[i] == tid and fills.venue_ns[i] == venue_ns:
            fills.duplicates += 1
            return False
    at = fills.write % RING
    if fills.write >= RING:
        fills.evicted_venue_ns = max(fills.evicted_venue_ns, fills.venue_ns[at])
    fills.venue_ns[at], fills.tid[at] = venue_ns, tid
    fills.write += 1
    fills.newest_venue_ns = max(fills.newest_venue_ns, venue_ns)
    return True


@kernel
def move(fills: Rec, side: int, price_ticks: int, size_lots: int) -> None:
    """Move the position by a new fill; ticks times lots are 10^-6 USD."""
    fills.count += 1
    fills.position_lots += side * size_lots
    fills.volume_usd_micro += price_ticks * size_lots
    fills.position_lots_max_abs = max(fills.position_lots_max_abs, abs(fills.position_lots))


@kernel
def adopt(fills: Rec, position_lots: int, venue_ns: int) -> None:
    """Take the exchange's position as the truth; fills before it are already in it."""
    fills.position_lots = position_lots
    fills.start_venue_ns = venue_ns
    fills.position_lots_max_abs = max(fills.position_lots_max_abs, abs(position_lots))
