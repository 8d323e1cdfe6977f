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
from hypermaker.core.ladder import LEVELS_MAX, Ladder, Term
from hypermaker.core.market import PREMIUMS, Market
from hypermaker.core.units import BPS, NOTIONAL_MIN_USD
from hypermaker.quote.adverse import epsilon_at, relief_bps
from hypermaker.quote.glft import Glft, marginal_bps, value_of

ONE_BPS = 1.0 / BPS
NOTIONAL_MARGIN = 1.01
"""A level is planned one per cent above the venue's minimum: its price is not yet known."""

WAY_OUT_BPS = 5e3
"""Far beyond a limit the marginal coin is worth half its price at least: the way out stands at the
best post-only price by then, and an ask priced below zero could not be placed at all."""

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
    terms = market.premium_bid_bps if sign > 0 else market.premium_ask_bps
    total = 0.0
    for term in range(PREMIUMS):
        total += terms[term]
    return total


@kernel
def epsilon_bps(market: Market, sign: int) -> float:
    """Return the expected adverse move of a fill at depth 0 of one side."""
    return float(market.epsilon_bid_bps if sign > 0 else market.epsilon_ask_bps)


@kernel
def floor_bps(glft: Glft, market: Market, sign: int, first_lots: int) -> float:
    """Return what must be added so that a flat book would not be quoted inside its costs.

    Judged at zero inventory and added to every level: the part of the price that our own
    inventory moves is never taken back, or a position could not be worked off.
    """
    flat = float(first_lots)
    low, high = (0.0, flat) if sign > 0 else (-flat, 0.0)
    rest = 1.0 / glft.kappa_per_bps + market.fee_bps
    rest += sign * (marginal_bps(glft, low, high) + glft.flow_bps)
    decay, kappa = market.epsilon_decay_bps, glft.kappa_per_bps
    epsilon = epsilon_at(epsilon_bps(market, sign), decay, kappa, rest)
    distance = rest + epsilon + relief_bps(epsilon, decay, kappa) + premium_bps(market, sign)
    return float(max(max(market.fee_bps + epsilon, market.half_spread_bps_min) - distance, 0.0))


@kernel
def write_premium(market: Market, level: Level, sign: int) -> None:
    """Copy the premium's terms of one side to a level."""
    terms = market.premium_bid_bps if sign > 0 else market.premium_ask_bps
    for term in range(PREMIUMS):
        level.terms_bps[Term.PREMIUM + term] = terms[term]


@kernel
def write_depth(market: Market, level: Level, sign: int, depth_bps: float) -> float:
    """Write what a fill costs at `depth_bps` before costs; return the depth with costs  [bps].

    HALF_SPREAD stands in the level already and gains what depth saves in adverse selection.
    """
    rest = depth_bps + market.fee_bps
    decay, kappa = market.epsilon_decay_bps, market.kappa_per_bps
    epsilon = epsilon_at(epsilon_bps(market, sign), decay, kappa, rest)
    relief = relief_bps(epsilon, decay, kappa)
    level.terms_bps[Term.HALF_SPREAD] += relief
    level.terms_bps[Term.FEE] = market.fee_bps
    level.terms_bps[Term.ADVERSE] = epsilon
    level.terms_bps[Term.ROUNDING] = 0.0
    return float(rest + epsilon + relief)


@kernel
def write_place(market: Market, level: Level, signed_bps: float, size_lots: int) -> None:
    """Write size and wanted price of one level: `signed_bps` below fair, negative above."""
    level.price_ticks = 0
    level.size_lots = size_lots
    level.reduce_only = 0
    level.raw_ticks = market.fair_ticks * (1.0 - signed_bps * ONE_BPS)


@kernel
def _fill_side(glft: Glft, market: Market, levels: Levels, sign: int) -> int:
    """Fill one side coin by coin; return how many levels stand within the wanted span."""
    capacity = capacity_lots(market, sign)
    count = level_count(market, capacity)
    half_spread = 1.0 / glft.kappa_per_bps
    added = 0.0
    if count > 0:
        added = floor_bps(glft, market, sign, lots_through(market, capacity, count, 1))
    premium = added + premium_bps(market, sign)
    near, first = 0, 0.0
    value = value_of(glft, float(market.position_lots))
    for index in range(count):
        far = lots_through(market, capacity, count, index + 1)
        value_far = value_of(glft, float(market.position_lots + sign * far))
        inventory = (value - value_far) / (far - near) + sign * glft.flow_bps
        level = levels[index]
        level.terms_bps[Term.HALF_SPREAD] = half_spread
        inventory = max(-WAY_OUT_BPS, min(WAY_OUT_BPS, inventory))
        level.terms_bps[Term.INVENTORY] = inventory
        level.terms_bps[Term.FLOOR] = added
        distance = premium + write_depth(market, level, sign, half_spread + inventory)
        write_premium(market, level, sign)
        write_place(market, level, sign * distance, far - near)
        first = distance if index == 0 else first
        if distance > first + market.span_bps:
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
    write_premium(market, level, sign)
    distance = premium_bps(market, sign) + write_depth(market, level, sign, half_spread_bps)
    write_place(market, level, sign * distance, size_lots)
    return count + 1


@kernel
def add_bid(market: Market, ladder: Ladder, depth_bps: float, inventory_bps: float) -> None:
    """Add a bid of one quote size, `depth_bps + inventory_bps` below fair before costs.

    depth_bps      the half-spread of the rule
    inventory_bps  what the rule adds for the position held, positive when long
    """
    index = ladder.bid_levels
    ladder.bid_levels = _add(market, ladder.bids, index, 1, depth_bps + inventory_bps)
    if ladder.bid_levels > index:
        _name_inventory(ladder.bids[index], inventory_bps)


@kernel
def add_ask(market: Market, ladder: Ladder, depth_bps: float, inventory_bps: float) -> None:
    """Add an ask of one quote size, `depth_bps - inventory_bps` above fair before costs."""
    index = ladder.ask_levels
    ladder.ask_levels = _add(market, ladder.asks, index, -1, depth_bps - inventory_bps)
    if ladder.ask_levels > index:
        _name_inventory(ladder.asks[index], -inventory_bps)


@kernel
def _name_inventory(level: Level, inventory_bps: float) -> None:
    """Show the part of the depth that inventory makes as a term of its own."""
    level.terms_bps[Term.HALF_SPREAD] -= inventory_bps
    level.terms_bps[Term.INVENTORY] = inventory_bps
