"""A strategy: one quote a side, further out when the market moves, leaning on inventory."""

from typing import Any

from hypermaker.core.kernel import kernel
from hypermaker.quote.glft import is_ready
from hypermaker.quote.ladder import add_ask, add_bid, clear

WIDTH = 3.0
"""Half-spread in standard deviations of a second's move."""
LEAN_BPS = 8.0
"""How far both quotes have moved at the full limit."""


@kernel
def rule(glft: Any, market: Any, ladder: Any) -> None:
    """Quote both sides; what we hold moves them, down when long."""
    clear(ladder)
    if is_ready(market) and market.long_lots_max > 0:
        half_bps = WIDTH * market.sigma_bps
        lean_bps = LEAN_BPS * market.position_lots / market.long_lots_max
        add_bid(market, ladder, half_bps, lean_bps)
        add_ask(market, ladder, half_bps, lean_bps)
