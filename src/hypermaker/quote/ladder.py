"""The ladder: the u-th coin stands where we would quote if we already held q + u.

A sweep that reaches a level has filled every level before it, so each coin is priced at the
inventory it would meet: after any part of the ladder has gone, the rest already stands right, and
the ladder ends where the limit does. A level is a bucket of coins at the mean of their prices.

Rules that users write build their ladder with `clear`, `add_bid` and `add_ask`.
Source: quant-models 2.9 (b); every term is kept, in bps, in `core.ladder.Term`.
"""

from math import ceil
from typing import Any

from hypermaker.core.kernel import kernel
from hypermaker.core.ladder import LEVELS_MAX, TERMS, Ladder, Term
from hypermaker.core.market import PREMIUMS, Market
from hypermaker.core.units import BPS, NOTIONAL_MIN_USD
from hypermaker.quote.glft import Glft, marginal_bps, value_of

NOTIONAL_MARGIN = 1.01
"""A level is planned one per cent above the venue's minimum: its price is not yet known."""

Levels = Any
"""One side of a ladder: an array of LEVEL records."""
Level = Any
"""One LEVEL record."""


@kernel
def clear(ladder: Ladder) -> None:
    """Take every level off the ladder."""
    ladder.bid_levels = 0
    ladder.ask_levels = 0


@kernel
def capacity_lots(market: Market, sign: int) -> int:
    """Return how many lots this side may hold so that no order of fills breaks a limit.

    sign   +1 the bids, -1 the asks
    """
    if sign > 0:
        return int(max(min(market.bid_lots_max, market.long_lots_max - market.position_lots), 0))
    return int(max(min(market.ask_lots_max, market.short_lots_max + market.position_lots), 0))


@kernel
def lots_min(market: Market) -> int:
    """Return the fewest lots a level should be planned with: the venue's minimum notional."""
    return int(ceil(NOTIONAL_MIN_USD * NOTIONAL_MARGIN / market.lot_usd))


@kernel
def level_count(market: Market, capacity: int) -> int:
    """Return on how many levels a capacity spreads with every level above minimum notional."""
    if capacity <= 0:
        return 0
    wanted = min(market.levels_max, LEVELS_MAX)
    return int(min(wanted, max(capacity // lots_min(market), 1)))


@kernel
def lots_through(market: Market, capacity: int, count: int, level: int) -> int:
    """Return the lots on the first `level` of `count` levels: all of them hold `capacity`.

    Levels start at the quote size and grow evenly outwards, or are equal when there is too
    little: coins near the touch trade most and deserve the finest prices.
    """
    first = int(market.quote_lots)
    spare = capacity - first * count
    if spare <= 0 or count == 1:
        return capacity * level // count
    return first * level + spare * (level * (level - 1)) // (count * (count - 1))


@kernel
def premium_bps(market: Market, sign: int) -> float:
    """Return the whole premium of one side, the sum of its terms in their order."""
    total = 0.0
    for term in range(PREMIUMS):
        total += market.premium_bid_bps[term] if sign > 0 else market.premium_ask_bps[term]
    return total


@kernel
def cost_bps(market: Market, sign: int) -> float:
    """Return fee plus expected adverse move of a fill on this side."""
    adverse = market.epsilon_bid_bps if sign > 0 else market.epsilon_ask_bps
    return float(market.fee_bps + adverse)


@kernel
def floor_bps(glft: Glft, market: Market, sign: int, first_lots: int) -> float:
    """Return what must be added so that a flat book would not be quoted inside its costs.

    Judged at zero inventory and added to every level: the part of the price that our own
    inventory moves is never taken back, or a position could not be worked off.
    """
    flat = float(first_lots)
    low, high = (0.0, flat) if sign > 0 else (-flat, 0.0)
    skew = sign * (marginal_bps(glft, low, high) + glft.flow_bps)
    cost = cost_bps(market, sign)
    distance = 1.0 / glft.kappa_per_bps + skew + cost + premium_bps(market, sign)
    return float(max(max(cost, market.half_spread_bps_min) - distance, 0.0))


@kernel
def write_level(market: Market, level: Level, sign: int, size_lots: int) -> float:
    """Write size, premium and cost of one level; return its distance from fair, all told [bps].

    HALF_SPREAD, INVENTORY and FLOOR are the caller's and stand in the level already.
    """
    level.price_ticks = 0
    level.size_lots = size_lots
    level.reduce_only = 0
    terms = level.terms_bps
    terms[Term.FEE] = market.fee_bps
    terms[Term.ADVERSE] = market.epsilon_bid_bps if sign > 0 else market.epsilon_ask_bps
    terms[Term.ROUNDING] = 0.0
    for term in range(PREMIUMS):
        premium = market.premium_bid_bps[term] if sign > 0 else market.premium_ask_bps[term]
        terms[Term.PREMIUM + term] = premium
    distance = 0.0
    for term in range(TERMS):
        distance += terms[term]
    level.raw_ticks = market.fair_ticks * (1.0 - sign * distance / BPS)
    return distance


@kernel
def _fill_side(glft: Glft, market: Market, levels: Levels, sign: int) -> int:
    """Fill one side coin by coin; return how many levels stand within the wanted span."""
    capacity = capacity_lots(market, sign)
    count = level_count(market, capacity)
    if count == 0:
        return 0
    half_spread = 1.0 / glft.kappa_per_bps
    floor = floor_bps(glft, market, sign, lots_through(market, capacity, count, 1))
    near, first = 0, 0.0
    value = value_of(glft, float(market.position_lots))
    for index in range(count):
        far = lots_through(market, capacity, count, index + 1)
        value_far = value_of(glft, float(market.position_lots + sign * far))
        level = levels[index]
        level.terms_bps[Term.HALF_SPREAD] = half_spread
        level.terms_bps[Term.INVENTORY] = (value - value_far) / (far - near) + sign * glft.flow_bps
        level.terms_bps[Term.FLOOR] = floor
        distance = write_level(market, level, sign, far - near)
        if index == 0:
            first = distance
        elif distance > first + market.span_bps:
            return index
        near, value = far, value_far
    return count


@kernel
def fill_ladder(glft: Glft, market: Market, ladder: Ladder) -> None:
    """Write both sides of the ladder from the solved value of inventory; prices come later."""
    ladder.bid_levels = _fill_side(glft, market, ladder.bids, 1)
    ladder.ask_levels = _fill_side(glft, market, ladder.asks, -1)


@kernel
def _lots_on(levels: Levels, count: int) -> int:
    total = 0
    for index in range(count):
        total += levels[index].size_lots
    return total


@kernel
def _add(market: Market, levels: Levels, count: int, sign: int, half_spread_bps: float) -> int:
    """Add one quote of the usual size behind `count` others; return how many there are now."""
    room = capacity_lots(market, sign) - _lots_on(levels, count)
    size_lots = min(max(int(market.quote_lots), lots_min(market)), room)
    if size_lots <= 0 or count >= LEVELS_MAX:
        return count
    level = levels[count]
    level.terms_bps[Term.HALF_SPREAD] = half_spread_bps
    level.terms_bps[Term.INVENTORY] = 0.0
    level.terms_bps[Term.FLOOR] = 0.0
    write_level(market, level, sign, size_lots)
    return count + 1


@kernel
def add_bid(market: Market, ladder: Ladder, depth_bps: float) -> None:
    """Add a bid of one quote size, `depth_bps` below fair before costs and premium."""
    ladder.bid_levels = _add(market, ladder.bids, ladder.bid_levels, 1, depth_bps)


@kernel
def add_ask(market: Market, ladder: Ladder, depth_bps: float) -> None:
    """Add an ask of one quote size, `depth_bps` above fair before costs and premium."""
    ladder.ask_levels = _add(market, ladder.asks, ladder.ask_levels, -1, depth_bps)
