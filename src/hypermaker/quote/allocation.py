"""Sharing what is scarce: margin between the two sides, a budget between levels or markets."""

from collections.abc import Sequence
from enum import IntEnum

from hypermaker.core.kernel import kernel

BISECTIONS = 200
"""Halvings of the multiplier's bracket: more than doubles have digits."""


class Binding(IntEnum):
    """Which limit decides how much may be held."""

    NONE = 0
    MARGIN = 1
    POSITION = 2


def most_lots(margin_lots: float, position_lots: float) -> tuple[float, Binding]:
    """Return the most that may be added, and whether margin or the position limit says so."""
    if margin_lots < position_lots:
        return margin_lots, Binding.MARGIN
    if position_lots < margin_lots:
        return position_lots, Binding.POSITION
    return position_lots, Binding.NONE


@kernel
def share_margin(
    position_lots: int, bid_lots: int, ask_lots: int, margin_lots: int
) -> tuple[int, int]:
    """Return how much both ladders may hold when what *adds* to risk shares one margin budget.

    Reducing costs no margin and is never cut. Adding is shared evenly, which is where both sides'
    marginal lots are worth the same; what one side cannot use goes to the other.

    Parameters
    ----------
    bid_lots, ask_lots   wanted by the limits, >= 0
    margin_lots          what the free margin carries of new exposure, >= 0
    """
    bid_free = min(max(-position_lots, 0), bid_lots)
    ask_free = min(max(position_lots, 0), ask_lots)
    bid_adds, ask_adds = bid_lots - bid_free, ask_lots - ask_free
    margin = max(margin_lots, 0)
    if bid_adds + ask_adds > margin:
        half = margin // 2
        bid_adds = min(bid_adds, max(half, margin - ask_adds))
        ask_adds = min(ask_adds, margin - bid_adds)
    return bid_free + bid_adds, ask_free + ask_adds


def water_fill(
    rates: Sequence[float], edges: Sequence[float], *, risk: float, budget: float
) -> tuple[list[float], float]:
    """Return sizes that maximise sum rate*(edge*size - risk*size^2/2) within a budget, and nu.

    Every size in use has the same marginal value nu = rate*(edge - risk*size), the budget's shadow
    price; a level whose first coin is worth less gets nothing. For levels or markets that fill
    independently; levels of one book are swept together and take `quote.ladder`.

    Parameters
    ----------
    rates    fill rates, 1/s, > 0          edges   profit of a coin filled, any price unit
    risk     cost of a coin more held, price unit per coin: gamma*sigma^2*tau_inventory
    budget   coins in all
    Source   quant-models 2.9 (d)
    """
    sizes = _at_price(rates, edges, risk, 0.0)
    if sum(sizes) <= budget:
        return sizes, 0.0
    low, high = 0.0, max(rate * edge for rate, edge in zip(rates, edges, strict=True))
    for _ in range(BISECTIONS):
        nu = 0.5 * (low + high)
        low, high = (nu, high) if sum(_at_price(rates, edges, risk, nu)) > budget else (low, nu)
    return _at_price(rates, edges, risk, high), high


def _at_price(
    rates: Sequence[float], edges: Sequence[float], risk: float, nu: float
) -> list[float]:
    pairs = zip(rates, edges, strict=True)
    return [max(0.0, (edge - nu / rate) / risk) for rate, edge in pairs]
