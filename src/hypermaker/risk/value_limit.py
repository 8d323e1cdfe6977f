"""The dynamic limit on the value of a position: what a bad move could cost, as the market moves.

    raw   = equity * RISK_FRACTION / (SIGMAS * sigma * sqrt(horizon))
    prior = the same with SIGMA_PRIOR
    limit = min(equity * leverage, c * raw + (1 - c) * prior)

A position of that value loses RISK_FRACTION of equity when the price moves SIGMAS standard
deviations within the horizon. c in [0, 1] is how far sigma is known: with no data the prior rules
alone. Source: predecessor notes 1.8; T-59.
"""

from math import inf, sqrt

from hypermaker.core.kernel import kernel

RISK_FRACTION = 0.5
SIGMAS = 5.0
SIGMA_PRIOR = 0.0002  # fraction per sqrt(second)
SIGMA_MIN = 1e-9  # below it volatility limits nothing and leverage alone does


@kernel
def value_usd_max(
    equity_usd: float, leverage: float, sigma: float, horizon_s: float, confidence: float
) -> float:
    """Return the largest position value in USD; 0 when equity or leverage is not known.

    sigma in fraction per sqrt(second), confidence in [0, 1]. A NaN sigma, horizon or confidence
    gives 0: not knowing closes.
    """
    if not (0.0 < equity_usd < inf) or not (0.0 < leverage < inf):
        return 0.0
    if sigma != sigma or not (0.0 <= confidence <= 1.0) or horizon_s != horizon_s:
        return 0.0
    cap = equity_usd * leverage
    if sigma <= SIGMA_MIN or horizon_s <= 0.0:
        return cap
    reach = equity_usd * RISK_FRACTION / (SIGMAS * sqrt(horizon_s))
    return float(min(cap, confidence * reach / sigma + (1.0 - confidence) * reach / SIGMA_PRIOR))
