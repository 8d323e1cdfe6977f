"""Step 4, believe: what the models say now, written into MARKET in the quoter's units.

Uncertainty is the posterior's: data and prior together, so that no data means the prior's own
width, not infinity, and no quote waits for a fill of ours (duty 10).
"""

from math import sqrt
from typing import Any

from hypermaker.core.kernel import kernel
from hypermaker.core.market import Premium
from hypermaker.core.units import BPS, NS_PER_MS, NS_PER_S, RATE_E10, USD_MICRO
from hypermaker.estimate import (
    adverse_selection,
    cascade,
    fair_price,
    fill_intensity,
    funding,
    order_flow,
    regime,
    stochastic_vol,
    touch,
    volatility,
)
from hypermaker.orders import budget
from hypermaker.quote import premium
from hypermaker.risk import limits, monitors

Rec = Any
ROUND_TRIP_S = 0.3
"""From our decision to the order standing on the venue: block, commit and feed (sheet 9.3)."""
FRESH_MS = 600.0
"""The fast book repeats itself every 540 ms; an age up to this is the feed's own rhythm."""
CASCADE_HORIZON_S = 30.0
"""How far ahead forced flow is priced: about one burst of tranches."""


@kernel
def believe(state: Rec) -> None:
    """Write what the models say now into MARKET."""
    market, config = state.market, state.config
    market.now_ns = state.now_ns
    market.bid_ticks, market.ask_ticks = state.touch.bid_ticks, state.touch.ask_ticks
    market.fair_ticks = fair_price.fair_ticks(state.fair_price)
    market.lot_usd = market.fair_ticks / USD_MICRO
    market.gamma, market.quote_lots = config.gamma, float(config.quote_lots)
    market.levels_max, market.span_bps = config.levels, config.span_bps
    market.half_spread_bps_min = config.half_spread_bps_min
    market.skew_bps_min = config.skew_bps_min
    market.price_decimals = config.price_decimals
    _believe_flow(state)
    _believe_position(state)
    _believe_signals(state)
    premium.compose(market, state.signals, state.caps)


@kernel
def _believe_flow(state: Rec) -> None:
    """Volatility, fill intensity, what a fill costs, and where the price drifts."""
    market, intensity = state.market, state.fill_intensity
    market.sigma_bps = _sigma_bps(state)
    market.a_bid_per_s = fill_intensity.a_per_s(intensity, -1)
    market.a_ask_per_s = fill_intensity.a_per_s(intensity, 1)
    market.kappa_per_bps = fill_intensity.kappa_per_bps(intensity)
    market.volume_lots = fill_intensity.volume_lots(intensity)
    market.fee_bps = state.maker_e10 / RATE_E10 * BPS
    depth_bps = 1.0 / market.kappa_per_bps + market.fee_bps
    costs = state.adverse_selection
    market.epsilon_bid_bps = max(0.0, adverse_selection.epsilon_bps(costs, -1, depth_bps))
    market.epsilon_ask_bps = max(0.0, adverse_selection.epsilon_bps(costs, 1, depth_bps))
    flow = order_flow.drift_bps_per_s(state.order_flow, state.venue_ns)
    market.drift_bps_per_s = flow + funding.drift_bps_per_s(state.funding, state.venue_ns)


@kernel
def _sigma_bps(state: Rec) -> float:
    """Return the volatility over the time an inventory is held, bps per sqrt(second).

    Once the variance's own dynamics are known, what counts is its expected average over that time,
    from now's level back to the long run. In a wild regime the larger of the two: what is
    happening is never argued away by what is usual.
    """
    now = volatility.sigma_bps(state.volatility)
    if not stochastic_vol.ready(state.stochastic_vol):
        return now
    expected = sqrt(stochastic_vol.expected_avg_variance(state.stochastic_vol, limits.HORIZON_S))
    if not expected > 0.0 or regime.state(state.regime) >= regime.HIGH:
        return max(now, expected) if expected > 0.0 else now
    return expected


@kernel
def _believe_position(state: Rec) -> None:
    """Write the position and the one effective limit on each side."""
    market, held = state.market, state.fills.position_lots
    limits.on_volatility(state.limits, market.sigma_bps / BPS, limits.HORIZON_S, 1.0)
    limits.refresh(state.limits, held, market.lot_usd, state.now_ns)
    market.position_lots = held
    market.long_lots_max = limits.effective_long_lots(state.limits)
    market.short_lots_max = limits.effective_short_lots(state.limits)
    market.bid_lots_max = max(0, market.long_lots_max - held)
    market.ask_lots_max = max(0, market.short_lots_max + held)


@kernel
def _with_prior(relative_error: float, prior_n: float) -> float:
    """Return the relative error of data (inf without any) and a prior worth prior_n counts."""
    precision = prior_n
    if relative_error > 0.0:
        precision += 1.0 / (relative_error * relative_error)
    return 1.0 / sqrt(precision) if precision > 0.0 else 1.0


@kernel
def _believe_signals(state: Rec) -> None:
    """Write what the premium is made of: error bars, ages, forced flow."""
    market, signals = state.market, state.signals
    paced_s = budget.pace_ns(state.budget) / NS_PER_S
    signals.requote_s = min(paced_s, 1.0) + ROUND_TRIP_S
    kappa_error = fill_intensity.stderr(state.fill_intensity) / market.kappa_per_bps
    signals.kappa_ratio = _with_prior(kappa_error, state.fill_intensity.prior_n)
    sigma_error = volatility.stderr(state.volatility) / market.sigma_bps
    signals.sigma_ratio = _with_prior(sigma_error, state.volatility.prior_n)
    prior_bps = state.adverse_selection.prior_touch_bps
    epsilon_error = adverse_selection.stderr(state.adverse_selection)
    signals.epsilon_stderr_bps = min(epsilon_error, prior_bps)
    signals.age_ms = touch.market_age_ns(state.touch, state.now_ns) / NS_PER_MS
    signals.fresh_ms = FRESH_MS
    signals.budget_share = 1.0  # scarcity slows updates and never widens quotes (F-61, duty 12)
    monitors.judge(state.monitors, state.kill_switch, state.now_ns)
    signals.risk_bid_bps = state.monitors.bid_shift_bps
    signals.risk_ask_bps = state.monitors.ask_shift_bps
    signals.toxicity = _toxicity(state)
    _believe_cascade(state, market.kappa_per_bps)


@kernel
def _toxicity(state: Rec) -> float:
    """Return how far flow that foretells the price carries it before we can move, of the cap.

    Zero until the data alone have shown that there is such a drift (F-54).
    """
    drift = order_flow.drift_bps_per_s(state.order_flow, state.venue_ns)
    moved_bps = abs(drift) * state.signals.requote_s
    return float(min(1.0, moved_bps / state.caps.terms_bps[Premium.TOXICITY]))


@kernel
def _believe_cascade(state: Rec, kappa_per_bps: float) -> None:
    """Forced sells endanger our bids, forced buys our asks; the gate learns what may be added."""
    signals, seen = state.signals, state.cascade
    down = cascade.premium_bps(seen, -1, CASCADE_HORIZON_S)
    up = cascade.premium_bps(seen, 1, CASCADE_HORIZON_S)
    cap_bps = state.caps.terms_bps[Premium.CASCADE]
    signals.severity = min(1.0, max(down, up) / cap_bps)
    signals.direction = 0
    if down > 0.0 and up == 0.0:
        signals.direction = -1
    elif up > 0.0 and down == 0.0:
        signals.direction = 1
