"""Step 4, believe: what the models say now, written into MARKET in the quoter's units."""

from typing import Any

from hypermaker.core.kernel import kernel
from hypermaker.core.units import BPS, RATE_E10, USD_MICRO
from hypermaker.estimate import fill_intensity, volatility
from hypermaker.risk import limits

Rec = Any


@kernel
def believe(state: Rec) -> None:
    """Write what the models say now into MARKET, in the units of the quoter."""
    market, seen, config = state.market, state.touch, state.config
    market.now_ns = state.now_ns
    market.bid_ticks, market.ask_ticks = seen.bid_ticks, seen.ask_ticks
    market.fair_ticks = seen.good_mid2 / 2.0
    market.lot_usd = market.fair_ticks / USD_MICRO
    market.sigma_bps = volatility.sigma_bps(state.volatility)
    intensity = state.fill_intensity
    market.a_bid_per_s = fill_intensity.a_per_s(intensity, -1)
    market.a_ask_per_s = fill_intensity.a_per_s(intensity, 1)
    market.kappa_per_bps = fill_intensity.kappa_per_bps(intensity)
    market.volume_lots = fill_intensity.volume_lots(intensity)
    market.epsilon_bid_bps, market.epsilon_ask_bps = config.epsilon_bps, config.epsilon_bps
    market.fee_bps = state.maker_e10 / RATE_E10 * BPS
    market.gamma, market.quote_lots = config.gamma, float(config.quote_lots)
    market.levels_max, market.span_bps = config.levels, config.span_bps
    market.half_spread_bps_min = config.half_spread_bps_min
    market.price_decimals = config.price_decimals
    _believe_position(state)


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
