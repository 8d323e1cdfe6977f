"""Step 6, change: the fewest requests from the orders we have to the orders we want."""

from typing import Any

from hypermaker.core.actions import Actions
from hypermaker.core.kernel import kernel
from hypermaker.core.units import BPS
from hypermaker.orders import budget, differ

Rec = Any


@kernel
def change(state: Rec, actions: Actions, n: int) -> int:
    """Turn the ladder into the fewest requests; count what they cost."""
    before = n
    side, ladder = state.side, state.ladder
    side.now_ns, side.mid2_ticks = state.now_ns, state.touch.good_mid2
    kappa = state.market.kappa_per_bps
    side.band_ticks = differ.dead_band_ticks(state.market.fair_ticks, kappa)
    side.kappa_per_tick = kappa * BPS / state.market.fair_ticks
    side.side, side.levels = 1, ladder.bid_levels
    side.allowance_lots = state.gate.bid.allowance_lots
    n = differ.diff_side(state.table, state.differ, side, ladder.bids, actions, n)
    side.side, side.levels = -1, ladder.ask_levels
    side.allowance_lots = state.gate.ask.allowance_lots
    n = differ.diff_side(state.table, state.differ, side, ladder.asks, actions, n)
    budget.spend(state.budget, n - before)
    return n
