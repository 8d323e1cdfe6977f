"""The last step: prices and sizes that the venue takes, and why they are not those we wanted.

Bids go down to the grid and asks up, never at or through the touch (post-only) nor at or through
the fair price. Levels that fall on one price become one; a level too small for the venue joins
the next one outwards, so the cumulative profile never stands nearer than the model put it. The
ROUNDING term then makes the terms of a level sum to exactly where it stands.
"""

from typing import Any

from hypermaker.core.kernel import kernel
from hypermaker.core.ladder import TERMS, Ladder, Term
from hypermaker.core.market import Market
from hypermaker.core.units import (
    BPS,
    NOTIONAL_MIN_USD,
    USD_MICRO,
    ceil_to_grid,
    floor_to_grid,
    grid_step_ticks,
)

Levels = Any
"""One side of a ladder: an array of LEVEL records."""
Level = Any
"""One LEVEL record."""

TICKS_MAX = 1e15
"""No price is this high: beyond it a raw price is a fault and its level is dropped."""


@kernel
def next_below(price_ticks: float, decimals: int) -> int:
    """Return the highest valid price strictly below a price, in ticks."""
    price = floor_to_grid(price_ticks, decimals)
    return price if price < price_ticks else floor_to_grid(price - 1.0, decimals)


@kernel
def next_above(price_ticks: float, decimals: int) -> int:
    """Return the lowest valid price strictly above a price, in ticks."""
    price = ceil_to_grid(price_ticks, decimals)
    return price if price > price_ticks else price + grid_step_ticks(price, decimals)


@kernel
def nearest_allowed(market: Market, sign: int) -> int:
    """Return the best price this side may show: behind the fair price and the other side's touch.

    sign   +1 for bids, -1 for asks; an empty side of the book (0 ticks) forbids nothing.
    """
    if sign > 0:
        empty = market.ask_ticks <= 0
        wall = market.fair_ticks if empty else min(market.fair_ticks, float(market.ask_ticks))
        return next_below(wall, market.price_decimals)
    return next_above(max(market.fair_ticks, float(market.bid_ticks)), market.price_decimals)


@kernel
def _snap(market: Market, raw_ticks: float, sign: int, nearest: int) -> int:
    """Return a wanted price on the grid, no nearer than `nearest`; 0 when there is none."""
    if not 0.0 < raw_ticks < TICKS_MAX:
        return 0
    if sign > 0:
        return min(floor_to_grid(raw_ticks, market.price_decimals), nearest)
    return max(ceil_to_grid(raw_ticks, market.price_decimals), nearest)


@kernel
def _is_small(level: Level) -> bool:
    """Return whether the venue would refuse the order; ticks times lots are 10^-6 USD."""
    return bool(level.price_ticks * level.size_lots < NOTIONAL_MIN_USD * USD_MICRO)


@kernel
def _join(outer: Level, inner: Level) -> None:
    """Move the coins of `inner` to `outer`; the reasons are averaged by size."""
    share = inner.size_lots / (inner.size_lots + outer.size_lots)
    for term in range(TERMS):
        outer.terms_bps[term] += share * (inner.terms_bps[term] - outer.terms_bps[term])
    outer.raw_ticks += share * (inner.raw_ticks - outer.raw_ticks)
    outer.size_lots += inner.size_lots
    outer.reduce_only = min(outer.reduce_only, inner.reduce_only)


@kernel
def terms_sum_bps(level: Level) -> float:
    """Return the sum of a level's terms: its distance from fair in bps.

    Two accumulators halve the length of the chain of additions; the order is fixed.
    """
    even, odd = 0.0, 0.0
    for term in range(0, TERMS - 1, 2):
        even += level.terms_bps[term]
        odd += level.terms_bps[term + 1]
    if TERMS % 2 == 1:
        even += level.terms_bps[TERMS - 1]
    return float(even + odd)


@kernel
def _explain(market: Market, levels: Levels, count: int, sign: int) -> None:
    """Set ROUNDING so that the terms of each level sum to its distance from fair."""
    bps_per_tick = sign * BPS / market.fair_ticks
    for index in range(count):
        level = levels[index]
        level.terms_bps[Term.ROUNDING] = 0.0
        distance = (market.fair_ticks - level.price_ticks) * bps_per_tick
        level.terms_bps[Term.ROUNDING] = distance - terms_sum_bps(level)


@kernel
def _gather(market: Market, levels: Levels, count: int, sign: int) -> int:
    """Snap every level and merge equal prices and small sizes outwards; return how many remain.

    Only the outermost of what remains can still be too small for the venue.
    """
    room = market.bid_lots_max if sign > 0 else market.ask_lots_max
    nearest = nearest_allowed(market, sign)
    kept = 0
    for index in range(count):
        price_ticks = _snap(market, levels[index].raw_ticks, sign, nearest)
        size_lots = min(levels[index].size_lots, room)
        if price_ticks <= 0 or size_lots <= 0:
            continue
        room -= size_lots
        nearest = price_ticks
        if kept != index:
            levels[kept] = levels[index]
        levels[kept].price_ticks = price_ticks
        levels[kept].size_lots = size_lots
        if kept > 0 and (
            levels[kept - 1].price_ticks == price_ticks or _is_small(levels[kept - 1])
        ):
            _join(levels[kept], levels[kept - 1])
            levels[kept - 1] = levels[kept]
        else:
            kept += 1
    return kept


@kernel
def _settle(market: Market, levels: Levels, count: int, sign: int) -> int:
    """Make one side valid on the venue; return how many levels remain, none without a price."""
    if not 0.0 < market.fair_ticks < TICKS_MAX:
        return 0
    kept = _gather(market, levels, count, sign)
    if kept > 0 and _is_small(levels[kept - 1]):
        kept -= 1
        if kept > 0:
            _join(levels[kept], levels[kept - 1])
            levels[kept - 1] = levels[kept]
    _explain(market, levels, kept, sign)
    return kept


@kernel
def quantize(market: Market, ladder: Ladder) -> None:
    """Put the ladder on the venue's grid; afterwards every level is an order the venue takes."""
    ladder.bid_levels = _settle(market, ladder.bids, ladder.bid_levels, 1)
    ladder.ask_levels = _settle(market, ladder.asks, ladder.ask_levels, -1)
