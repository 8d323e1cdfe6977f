"""Where the price is: the micro-price, which leans towards the thinner side and stays in the touch.

    fair = mid + c * I * half_spread,   I = (bid_lots - ask_lots)/(bid_lots + ask_lots)

c = 1 is the weighted mid. Here c is learned: the slope of the next second's move of the mid on
I * half_spread, with forgetting, a prior of 0 (plain mid) and an error bar. As |c I| can exceed 1
only when the data say so, the one bound is the touch itself: fair never leaves [bid, ask], which is
what a fair price is (the predecessor's stood 200 bps off; F-29, T-96).

A book that is crossed, one-sided, no number or older than the last is ignored. A mid that jumps
by more than 25 % in one message is not believed (T-97) until five books in a row agree with it;
meanwhile the last fair price stands and `ready` is false.

Units: prices in ticks (floats allowed), sizes in lots, times ns.
Source: quant-models 6.2; Stoikov 2018, to first order in the imbalance.
"""

from math import exp, inf
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.estimate import slope

HORIZON_NS = 1_000_000_000
"""How far ahead the mid is predicted: about the life of a quote."""
TAU_S = 1800.0
"""Time constant of forgetting."""
JUMP_MAX = 0.25
JUMP_CONFIRMATIONS = 5
PRIOR_PAIRS = 20.0
"""Pairs of |x| = one half-spread that the prior slope of 0 is worth."""
NS = 1e-9

FAIR_PRICE = record(
    ("bid_ticks", "f8"),
    ("ask_ticks", "f8"),
    ("fair_ticks", "f8"),  # 0 before the first book
    ("imbalance", "f8"),
    ("last_ns", "i8"),
    ("pivot_ns", "i8"),  # when, where and with which lean the open prediction was made
    ("pivot_ticks", "f8"),
    ("pivot_half", "f8"),
    ("pivot_imbalance", "f8"),
    ("lean", slope.SLOPE),
    ("doubted_ticks", "f8"),  # a mid that jumped, and how many books in a row agreed with it
    ("doubts", "i8"),
    ("rejected", "i8"),  # books that were crossed, one-sided, no number, or older than the last
)

Rec = Any
"""One element of a FAIR_PRICE array: a record with attribute access."""


@kernel
def reset(rec: Rec) -> None:
    """Forget everything."""
    rec.bid_ticks = 0.0
    rec.ask_ticks = 0.0
    rec.fair_ticks = 0.0
    rec.imbalance = 0.0
    rec.last_ns = 0
    rec.pivot_ns = 0
    rec.pivot_ticks = 0.0
    rec.pivot_half = 0.0
    rec.pivot_imbalance = 0.0
    rec.doubted_ticks = 0.0
    rec.doubts = 0
    rec.rejected = 0
    slope.reset(rec.lean, 0.0, PRIOR_PAIRS)


@kernel
def weighted_mid(bid_ticks: float, bid_lots: float, ask_ticks: float, ask_lots: float) -> float:
    """Return the mid weighted by the sizes of the opposite sides (MIC-1); sizes not both 0."""
    return (bid_ticks * ask_lots + ask_ticks * bid_lots) / (bid_lots + ask_lots)


@kernel
def update(rec: Rec, venue_ns: int, bid: tuple[float, float], ask: tuple[float, float]) -> bool:
    """Learn from a best bid and ask, each (ticks, lots); return whether the book was believed."""
    bid_ticks, bid_lots = bid
    ask_ticks, ask_lots = ask
    sound = 0.0 < bid_ticks < ask_ticks < inf and 0.0 < bid_lots < inf and 0.0 < ask_lots < inf
    if not sound or venue_ns < rec.last_ns:
        rec.rejected += 1
        return False
    mid = 0.5 * (bid_ticks + ask_ticks)
    if rec.fair_ticks > 0.0 and not _believes(rec, mid):
        return False
    _learn(rec, venue_ns, mid)
    half = 0.5 * (ask_ticks - bid_ticks)
    rec.imbalance = (bid_lots - ask_lots) / (bid_lots + ask_lots)
    rec.bid_ticks = bid_ticks
    rec.ask_ticks = ask_ticks
    rec.last_ns = venue_ns
    if rec.pivot_ticks == 0.0:
        rec.pivot_ns = venue_ns
        rec.pivot_ticks = mid
        rec.pivot_half = half
        rec.pivot_imbalance = rec.imbalance
    micro = mid + slope.slope(rec.lean) * rec.imbalance * half
    rec.fair_ticks = min(max(micro, bid_ticks), ask_ticks)
    return True


@kernel
def _believes(rec: Rec, mid: float) -> bool:
    """Return whether a mid is near the last one, or confirmed by enough books that agree."""
    last = 0.5 * (rec.bid_ticks + rec.ask_ticks)
    if abs(mid - last) <= JUMP_MAX * last:
        rec.doubts = 0
        return True
    if rec.doubts > 0 and abs(mid - rec.doubted_ticks) <= JUMP_MAX * rec.doubted_ticks:
        rec.doubts += 1
    else:
        rec.doubts = 1
    rec.doubted_ticks = mid
    if rec.doubts < JUMP_CONFIRMATIONS:
        return False
    rec.doubts = 0
    rec.pivot_ticks = 0.0
    return True


@kernel
def _learn(rec: Rec, venue_ns: int, mid: float) -> None:
    """Close the open prediction when its horizon has passed; the next book opens another.

    Both legs are in half-spreads of the moment of prediction, so that one wide moment does not
    outweigh an hour.
    """
    waited_ns = venue_ns - rec.pivot_ns
    if rec.pivot_ticks == 0.0 or waited_ns < HORIZON_NS:
        return
    moved = (mid - rec.pivot_ticks) / rec.pivot_half
    slope.update(rec.lean, rec.pivot_imbalance, moved, exp(-waited_ns * NS / TAU_S))
    rec.pivot_ticks = 0.0


@kernel
def interrupt(rec: Rec) -> None:
    """Say that the feed was broken: drop the open prediction."""
    rec.pivot_ticks = 0.0


@kernel
def fair_ticks(rec: Rec) -> float:
    """Return the fair price, ticks, inside the touch; 0 before the first book."""
    return float(rec.fair_ticks)


@kernel
def mid_ticks(rec: Rec) -> float:
    """Return the middle of the touch, ticks; 0 before the first book."""
    return float(0.5 * (rec.bid_ticks + rec.ask_ticks))


@kernel
def half_spread_bps(rec: Rec) -> float:
    """Return half the touch in bps of the mid; 0 before the first book."""
    mid = mid_ticks(rec)
    return float(0.5e4 * (rec.ask_ticks - rec.bid_ticks) / mid) if mid > 0.0 else 0.0


@kernel
def lean(rec: Rec) -> float:
    """Return c, in half-spreads per unit of imbalance: 0 is the mid, 1 the weighted mid."""
    return slope.slope(rec.lean)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether there is a fair price and the newest book does not contradict it."""
    return bool(rec.fair_ticks > 0.0 and rec.doubts == 0)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of the lean c from its predictions alone; inf without any."""
    return slope.stderr(rec.lean)
