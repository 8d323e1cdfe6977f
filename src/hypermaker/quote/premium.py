"""The premium: everything that is not GLFT widens by adding bps, each term with its own cap.

VOLATILITY   noise of one requote interval, as far as the half-spread does not cover it
UNCERTAINTY  one standard error of what the half-spread is made of
STALENESS    how far the price may have gone since the feed last spoke
CASCADE      forced one-sided flow: the endangered side, unless it is the one that reduces
TOXICITY     informed flow beyond what adverse selection has in it already
BUDGET       requests running out: a wider quote is replaced less often
RISK         the graduated response: a large position moves its adding side away

Terms are summed in this order and the sum is capped; what no longer fits is cut from the last
terms, so the terms in the record always sum to what was quoted. Nothing multiplies, and nothing
works through gamma: more risk aversion narrows a quote on the side that reduces.
An input that is not a number counts as the worst: its term goes to its cap.
"""

from math import pi, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.market import PREMIUMS, Market, Premium

SIGNALS = record(
    ("requote_s", "f8"),  # time between our looking and our orders standing, all told
    ("kappa_ratio", "f8"),  # standard error of kappa over kappa
    ("sigma_ratio", "f8"),  # standard error of sigma over sigma
    ("epsilon_stderr_bps", "f8"),
    ("age_ms", "f8"),  # of the book we quote on
    ("fresh_ms", "f8"),  # age that is normal for this feed
    ("severity", "f8"),  # cascade, 0..1
    ("direction", "i8"),  # where it pushes the price: -1 down, +1 up, 0 both ways
    ("toxicity", "f8"),  # 0..1
    ("budget_share", "f8"),  # of the request budget that is left, 1 when all is
    ("risk_bid_bps", "f8"),  # what the risk room asks of either side
    ("risk_ask_bps", "f8"),
)

CAPS = record(("terms_bps", "f8", (PREMIUMS,)), ("total_bps", "f8"))

CAPS_BPS_DEFAULT = (30.0, 10.0, 30.0, 40.0, 15.0, 10.0, 20.0)
TOTAL_BPS_DEFAULT = 80.0
BUDGET_SHARE_EASY = 0.5
"""Above this share of the request budget a request costs nothing extra."""

MEAN_MOVE = sqrt(2.0 / pi)
"""E|Z| of a standard normal: the expected absolute move is this times sigma*sqrt(t)."""
MOVES_COVERED = 2.0
"""A half-spread covers this many expected moves of one requote interval (T-52)."""

Signals = Any
"""One element of a SIGNALS array."""
Caps = Any
"""One element of a CAPS array."""


@kernel
def within(bps: float, cap_bps: float) -> float:
    """Return bps between 0 and its cap; the cap when it is not a number."""
    if not bps < cap_bps:
        return cap_bps
    return max(bps, 0.0)


@kernel
def noise_bps(sigma_bps: float, seconds: float) -> float:
    """Return what a half-spread has to cover of the price noise of an interval, 0 of none."""
    if seconds <= 0.0:
        return 0.0
    return MOVES_COVERED * MEAN_MOVE * sigma_bps * sqrt(seconds)


@kernel
def volatility_bps(market: Market, signals: Signals) -> float:
    """Return what the half-spread lacks to cover the noise of one requote interval."""
    noise = noise_bps(market.sigma_bps, signals.requote_s)
    return float(noise - 1.0 / market.kappa_per_bps)


@kernel
def uncertainty_bps(market: Market, signals: Signals) -> float:
    """Return one standard error of half-spread 1/kappa, of the noise floor and of the cost."""
    half_spread = signals.kappa_ratio / market.kappa_per_bps
    noise = signals.sigma_ratio * noise_bps(market.sigma_bps, signals.requote_s)
    return float(half_spread + noise + signals.epsilon_stderr_bps)


@kernel
def staleness_bps(market: Market, signals: Signals) -> float:
    """Return the noise of the book's age beyond what is normal for its feed."""
    age = noise_bps(market.sigma_bps, signals.age_ms * 1e-3)
    return age - noise_bps(market.sigma_bps, signals.fresh_ms * 1e-3)


@kernel
def cascade_bps(market: Market, signals: Signals, sign: int, cap_bps: float) -> float:
    """Return the cascade term of one side: its cap at full severity, none if the side reduces.

    sign   +1 the bids (endangered by a fall), -1 the asks
    """
    reduces = market.position_lots * sign < 0
    if reduces or signals.direction * sign > 0:
        return 0.0
    return float(signals.severity * cap_bps)


@kernel
def budget_bps(signals: Signals, cap_bps: float) -> float:
    """Return the price of a request: nothing while the budget is easy, the cap when it is gone."""
    return float(cap_bps * (1.0 - signals.budget_share / BUDGET_SHARE_EASY))


@kernel
def _side(market: Market, signals: Signals, caps: Caps, sign: int) -> None:
    """Write the capped terms of one side, cutting the last ones when the total is full."""
    terms = market.premium_bid_bps if sign > 0 else market.premium_ask_bps
    cap = caps.terms_bps
    terms[Premium.VOLATILITY] = volatility_bps(market, signals)
    terms[Premium.UNCERTAINTY] = uncertainty_bps(market, signals)
    terms[Premium.STALENESS] = staleness_bps(market, signals)
    terms[Premium.CASCADE] = cascade_bps(market, signals, sign, cap[Premium.CASCADE])
    terms[Premium.TOXICITY] = signals.toxicity * cap[Premium.TOXICITY]
    terms[Premium.BUDGET] = budget_bps(signals, cap[Premium.BUDGET])
    terms[Premium.RISK] = signals.risk_bid_bps if sign > 0 else signals.risk_ask_bps
    room = caps.total_bps
    for term in range(PREMIUMS):
        terms[term] = min(within(terms[term], cap[term]), room)
        room -= terms[term]


@kernel
def compose(market: Market, signals: Signals, caps: Caps) -> None:
    """Write the premium of both sides into the market record, term by term, in bps."""
    _side(market, signals, caps, 1)
    _side(market, signals, caps, -1)


@kernel
def default_caps(caps: Caps) -> None:
    """Write the caps that hold when the user names none."""
    for term in range(PREMIUMS):
        caps.terms_bps[term] = CAPS_BPS_DEFAULT[term]
    caps.total_bps = TOTAL_BPS_DEFAULT
