"""Funding as the quoter sees it: a drift of the price, the same for any position.

A long pays a positive rate and a short earns it, so positive funding is a downward drift: it lowers
both quotes whatever we hold. A short is then *not* pushed to cover (T-51).
Source: the venue's documentation of funding; quant-models 7.1, 7.2.
"""

from math import exp, expm1

from hypermaker.core.kernel import kernel
from hypermaker.core.units import BPS

FUNDING_PERIOD_S = 3600.0
HOURS_PER_QUOTED_RATE = 8.0
RATE_BAND = 0.0005
"""The venue clamps interest less premium to this, either way."""
RATE_1H_MAX = 0.04


def funding_premium(oracle: float, *, impact_bid: float, impact_ask: float) -> float:
    """Return how far the perpetual trades above its oracle, as a fraction."""
    difference = max(impact_bid - oracle, 0.0) - max(oracle - impact_ask, 0.0)
    return difference / oracle


def funding_rate_8h(premium: float, interest_8h: float) -> float:
    """Return the 8-hour funding rate, a fraction; an eighth of it is paid every hour."""
    return premium + min(max(interest_8h - premium, -RATE_BAND), RATE_BAND)


def funding_rate_1h(premium: float, interest_8h: float) -> float:
    """Return what longs pay shorts every hour, a fraction of position value, capped."""
    hourly = funding_rate_8h(premium, interest_8h) / HOURS_PER_QUOTED_RATE
    return min(max(hourly, -RATE_1H_MAX), RATE_1H_MAX)


@kernel
def funding_drift_bps_per_s(rate_1h: float, settles_in_s: float, holding_s: float) -> float:
    """Return the drift that stands for funding: only who holds at settlement pays.

    A lot bought now is still held at settlement with probability exp(-t/tau), so the hour's rate
    is spread over the hour with that weight; over a whole hour it adds up to the rate, and for
    inventory held much longer than an hour it is rate/3600 throughout.

    Parameters
    ----------
    rate_1h       fraction of position value, > 0: longs pay
    settles_in_s  seconds to the next settlement, 0..3600
    holding_s     how long inventory is held, tau > 0
    """
    weight = exp(-settles_in_s / holding_s) / (-expm1(-FUNDING_PERIOD_S / holding_s) * holding_s)
    return -rate_1h * BPS * weight
