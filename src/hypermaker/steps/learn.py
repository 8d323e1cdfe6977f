"""The one feeder of every estimator: what each event teaches the models.

Each estimator is fed here and nowhere else, so a count of events is a count of lessons (F-33).
Depths are measured from the mid in force before the trade, in exchange time.
"""

from math import sqrt
from typing import Any

from hypermaker.core.events import Flag
from hypermaker.core.kernel import kernel
from hypermaker.core.units import BPS, RATE_E10, USD_MICRO
from hypermaker.estimate import (
    adverse_selection,
    cascade,
    fair_price,
    fill_intensity,
    funding,
    liquidations,
    order_flow,
    regime,
    stochastic_vol,
    touch,
    volatility,
)
from hypermaker.orders import ledger
from hypermaker.orders import table as orders

Rec = Any


@kernel
def learn_price(state: Rec) -> None:
    """The touch moved: mark the ledger and teach everything that looks at prices."""
    seen = state.touch
    mid2, at = touch.mid2_ticks(seen), seen.venue_ns
    bid = (float(seen.bid_ticks), float(seen.bid_lots))
    ask = (float(seen.ask_ticks), float(seen.ask_lots))
    ledger.mark(state.ledger, mid2, at, state.now_ns)
    adverse_selection.observe_mid(state.adverse_selection, at, mid2 / 2.0)
    order_flow.observe_book(state.order_flow, at, bid, ask)
    if fair_price.update(state.fair_price, at, bid, ask):
        _learn_movement(state, at, fair_price.fair_ticks(state.fair_price))
    half_spread_bps = (seen.ask_ticks - seen.bid_ticks) / mid2 * BPS
    fill_intensity.see_touch(state.fill_intensity, at, half_spread_bps)
    cascade.elapse(state.cascade, at)


@kernel
def _learn_movement(state: Rec, at: int, fair_ticks: float) -> None:
    """How much the price moves, how that itself moves, and whether it is still the same market."""
    seen = state.volatility
    before = seen.samples
    volatility.update(seen, at, fair_ticks)
    stochastic_vol.update(state.stochastic_vol, at, fair_ticks)
    if seen.samples > before:
        fast_sigma = sqrt(volatility.realised_variance(seen.fast))
        regime.update(state.regime, at, fast_sigma, volatility.jump_z(seen))


@kernel
def learn_trade(state: Rec, event: Rec) -> None:
    """A taker order printed: how far beyond the mid of before it did it reach?"""
    mid2 = ledger.mid2_before(state.ledger, event.venue_ns)
    if mid2 <= 0:
        return
    side, at = event.side, event.venue_ns
    depth_bps = side * (2.0 * event.price_ticks / mid2 - 1.0) * BPS
    size_lots = float(event.size_lots)
    fill_intensity.observe_trade(state.fill_intensity, side, depth_bps, size_lots, at)
    order_flow.observe_trade(state.order_flow, side, at)
    adverse_selection.observe_trade(state.adverse_selection, side, depth_bps, at)
    liquidations.observe_trade(state.liquidations, side, size_lots)
    if event.marks & Flag.LIQUIDATION:  # a node or a watched address says so; the public tape never
        usd = event.price_ticks * size_lots / USD_MICRO
        cascade.record_liquidation(state.cascade, side, usd, 1.0, at)


@kernel
def learn_context(state: Rec, event: Rec) -> None:
    """Mark, open interest and funding: forced flow is inferred once a context message."""
    at = event.venue_ns if event.venue_ns > 0 else event.received_ns
    funding.update(state.funding, at, event.funding_e10 / RATE_E10)
    mid2 = state.touch.good_mid2
    if mid2 <= 0 or event.mark_ticks <= 0:
        return
    gap_bps = (2.0 * event.mark_ticks / mid2 - 1.0) * BPS
    usd_per_lot = event.mark_ticks / USD_MICRO
    found = state.liquidations
    interest = float(event.open_interest_lots)
    if liquidations.observe_context(found, at, interest, gap_bps, usd_per_lot):
        cascade.record_liquidation(state.cascade, found.side, found.usd, found.chance, at)


@kernel
def learn_fill(state: Rec, event: Rec) -> None:
    """One of our own fills, counted for the first time: what did it cost, and was it forced?

    Evidence about adverse selection only; our own fills never shape A and kappa (T-87).
    """
    i = orders.find(state.table, event.order_seq)
    if i >= 0 and state.table.slots[i].placed_mid2 > 0:
        placed_mid = state.table.slots[i].placed_mid2 / 2.0
        depth_bps = event.side * (1.0 - event.price_ticks / placed_mid) * BPS
        adverse_selection.observe_fill(
            state.adverse_selection, -event.side, depth_bps, placed_mid, event.venue_ns
        )


@kernel
def learn_forced(state: Rec, event: Rec) -> None:
    """A fill the venue calls a liquidation: confirmed forced flow, ours or against us."""
    usd = event.price_ticks * event.size_lots / USD_MICRO
    cascade.record_liquidation(state.cascade, -event.side, usd, 1.0, event.venue_ns)


@kernel
def forget_runs(state: Rec) -> None:
    """A feed went down: nothing is measured across the gap."""
    volatility.interrupt(state.volatility)
    stochastic_vol.interrupt(state.stochastic_vol)
    fair_price.interrupt(state.fair_price)
    order_flow.interrupt(state.order_flow)
    adverse_selection.interrupt(state.adverse_selection)
    liquidations.interrupt(state.liquidations)
