"""What the venue would let us trade now, and how far an ageing answer may be believed.

Source: `activeAssetData`. `maxTradeSzs` are coins an order may have (buy, sell); `availableToTrade`
is the margin behind them in USD: maxTradeSzs = availableToTrade * leverage / markPx (the venue's
own example, APT at 3x, fits to 1e-9). So `maxTradeSzs` is the size limit and needs no conversion
but to lots. Both are net of what our resting orders hold: the caller adds those lots back, or a
ladder that rests would shrink its own limit and flap.

Promises: an age up to 120 s counts in full, up to 300 s half, beyond that nothing may be added.
Only the adding part of a position shrinks, so the way out stays open (F-27). A missing, empty,
NaN, infinite or negative answer neither opens nor refreshes anything: a side that never had a
valid answer has the local cap, flagged degraded (F-26). Zero is a valid answer.
"""

from math import floor
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import NS_PER_S

AGE_FULL_NS = 120 * NS_PER_S
AGE_HALF_NS = 300 * NS_PER_S
LOTS_MISSING = -1
LOTS_MAX = 1 << 53  # lots above this are not exact as floats; no venue has so many

SIDE_LIMIT = record(
    ("known", "i8"),  # 1 once a valid answer has come
    ("lots", "i8"),  # of the last valid answer, our own resting orders included
    ("position_lots", "i8"),  # ours when it came: fills since then use the answer up
    ("received_ns", "i8"),
)
EXCHANGE_LIMITS = record(
    ("buy", SIDE_LIMIT),
    ("sell", SIDE_LIMIT),
    ("degraded", "i8"),  # 1 while the latest answer lacks a side, and before the first
)
Rec = Any
"""A record of this module (one element of an array of it)."""


@kernel
def lots_or_missing(size_coin: float, lots_per_coin: float) -> int:
    """Return a size in whole lots (down), LOTS_MISSING when it is no finite size >= 0."""
    lots = size_coin * lots_per_coin
    if not (0.0 <= lots < LOTS_MAX):
        return LOTS_MISSING
    return int(floor(lots))


@kernel
def reset(rec: Rec) -> None:
    """Forget every answer: the local cap rules and the limits are flagged degraded."""
    rec.buy.known, rec.sell.known = 0, 0
    rec.degraded = 1


@kernel
def on_limits(
    rec: Rec, buy_lots_max: int, sell_lots_max: int, position_lots: int, received_ns: int
) -> None:
    """Take an answer of the venue: sizes it lets us have in buys and in sells [lots].

    A negative size means that side of the answer was missing or unreadable.
    """
    _on_side(rec.buy, buy_lots_max, position_lots, received_ns)
    _on_side(rec.sell, sell_lots_max, position_lots, received_ns)
    rec.degraded = 1 if buy_lots_max < 0 or sell_lots_max < 0 else 0


@kernel
def _on_side(side: Rec, lots: int, position_lots: int, received_ns: int) -> None:
    if lots < 0:
        return
    side.known, side.lots = 1, min(lots, LOTS_MAX)
    side.position_lots, side.received_ns = position_lots, received_ns


@kernel
def age_ns(side: Rec, now_ns: int) -> int:
    """Return the age of a side's last valid answer, never negative; meaningless until `known`."""
    return int(max(0, now_ns - side.received_ns))


@kernel
def _believed(side: Rec, remaining_lots: int, now_ns: int) -> int:
    age = age_ns(side, now_ns)
    if age <= AGE_FULL_NS:
        return max(0, remaining_lots)
    if age <= AGE_HALF_NS:
        return max(0, remaining_lots) // 2
    return 0


@kernel
def long_lots(rec: Rec, position_lots: int, local_lots: int, now_ns: int) -> int:
    """Return how long the venue lets us be, in [0, local cap]; at least the position we have."""
    if rec.buy.known == 0:
        return local_lots
    remaining = rec.buy.lots - (position_lots - rec.buy.position_lots)
    reach = position_lots + _believed(rec.buy, remaining, now_ns)
    return min(local_lots, max(0, reach))


@kernel
def short_lots(rec: Rec, position_lots: int, local_lots: int, now_ns: int) -> int:
    """Return how short the venue lets us be (>= 0), in [0, local cap]; mirror of `long_lots`."""
    if rec.sell.known == 0:
        return local_lots
    remaining = rec.sell.lots + (position_lots - rec.sell.position_lots)
    reach = -position_lots + _believed(rec.sell, remaining, now_ns)
    return min(local_lots, max(0, reach))


@kernel
def is_stale(rec: Rec, now_ns: int) -> bool:
    """Return whether either known side is older than 120 s."""
    return _older_than(rec, now_ns, AGE_FULL_NS)


@kernel
def is_critically_stale(rec: Rec, now_ns: int) -> bool:
    """Return whether either known side is older than 300 s: nothing may be added there."""
    return _older_than(rec, now_ns, AGE_HALF_NS)


@kernel
def _older_than(rec: Rec, now_ns: int, limit_ns: int) -> bool:
    buy = rec.buy.known == 1 and age_ns(rec.buy, now_ns) > limit_ns
    sell = rec.sell.known == 1 and age_ns(rec.sell, now_ns) > limit_ns
    return bool(buy or sell)
