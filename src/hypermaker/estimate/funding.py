"""What holding costs: hourly funding, with the sign right for shorts and an eye on the clock.

The venue averages the premium over the hour and pays position * oracle * rate at the full hour;
longs pay when the rate is positive, shorts receive. Two uses, never both at once:
`drift_bps_per_s` spreads the payment over the hour (continuous accrual), `shift_bps` charges it to
the position we expect to hold at the settlement instant, which is what a maker with minutes of
inventory should do: negligible for most of the hour, the whole payment at its end.

Against the predecessor (its 2.4): the rate is an hourly fraction and is never annualised; nothing
is multiplied by the sign of the position, which pushed paid shorts to cover; the cap is the
venue's 4 % an hour (T-91 had 1 %); the next rate is the venue's own running prediction, trusted as
far as the hour has run, not an average of the past.

Units: rates are fractions per hour; times ns since the epoch (hours begin at multiples of 3,600 s).
Source: quant-models 7.1, 7.2; hyperliquid-docs, "Funding".
"""

from math import exp, inf, isfinite, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.estimate import welford

HOUR_NS = 3_600_000_000_000
HOUR_S = 3600.0
RATE_MAX = 0.04
"""The venue's cap, per hour."""
INTEREST_8H = 1e-4
BAND_8H = 5e-4
HOURS_KEPT = 24.0
"""Time constant of the settled history, hours."""
READY_N = 3
"""Settled hours from which the error of the forecast is known (T-91)."""
BPS = 1e4

FUNDING = record(
    ("rate", "f8"),  # the venue's running prediction for this hour
    ("rate_ns", "i8"),  # when it was said; 0: never
    ("hour", "i8"),  # the last hour that was settled, 0: none
    ("settled", welford.WELFORD),  # settled rates, fading by the hour
    ("hours", "i8"),
    ("rejected", "i8"),  # rates that were no number or beyond the venue's cap
)

Rec = Any
"""One element of a FUNDING array: a record with attribute access."""


@kernel
def reset(rec: Rec) -> None:
    """Forget everything."""
    rec.rate = 0.0
    rec.rate_ns = 0
    rec.hour = 0
    rec.hours = 0
    rec.rejected = 0
    welford.reset(rec.settled)


@kernel
def rate_from_premium(premium: float) -> float:
    """Return the hourly rate that a premium averaged over the hour gives (FUN-1)."""
    pull = max(-BAND_8H, min(BAND_8H, INTEREST_8H - premium))
    return max(-RATE_MAX, min(RATE_MAX, (premium + pull) / 8.0))


@kernel
def premium_of(impact_bid: float, impact_ask: float, oracle: float) -> float:
    """Return the premium of impact prices over the oracle price, a fraction (FUN-1)."""
    return (max(impact_bid - oracle, 0.0) - max(oracle - impact_ask, 0.0)) / oracle


@kernel
def update(rec: Rec, venue_ns: int, rate: float) -> None:
    """Take the venue's running prediction of this hour's rate; settles the hours gone by.

    The last prediction of an hour is what the hour settled at; hours nobody saw stay unknown.
    A rate that is no number or beyond the cap is counted and ignored.
    """
    if not (isfinite(rate) and abs(rate) <= RATE_MAX) or venue_ns < rec.rate_ns:
        rec.rejected += 1
        return
    if rec.rate_ns > 0 and venue_ns // HOUR_NS > rec.rate_ns // HOUR_NS:
        settle(rec, rec.rate_ns // HOUR_NS, rec.rate)
    rec.rate = rate
    rec.rate_ns = venue_ns


@kernel
def settle(rec: Rec, hour: int, rate: float) -> None:
    """Learn what an hour (venue_ns // 3,600 s) was settled at; an hour counts once."""
    if rec.hours > 0 and hour <= rec.hour:
        return
    gap = hour - rec.hour if rec.hours > 0 else 1
    rec.hour = hour
    rec.hours += 1
    welford.update(rec.settled, rate, exp(-gap / HOURS_KEPT))


@kernel
def cost_usd(position: float, oracle: float, rate: float) -> float:
    """Return what one settlement costs a position [coins, signed], USD; negative is income."""
    return position * oracle * rate


@kernel
def hour_left_s(venue_ns: int) -> float:
    """Return the time to the next settlement, s, in (0, 3600]."""
    return (HOUR_NS - venue_ns % HOUR_NS) * 1e-9


@kernel
def next_rate(rec: Rec, venue_ns: int) -> float:
    """Return the expected rate of the coming settlement; 0 when the venue has said nothing.

    The venue's number averages the hour so far; the rest of the hour is expected at the settled
    mean, once there is one.
    """
    if rec.rate_ns == 0:
        return 0.0
    if rec.hours == 0:
        return float(rec.rate)
    left = hour_left_s(venue_ns) / HOUR_S
    return float((1.0 - left) * rec.rate + left * rec.settled.center)


@kernel
def drift_bps_per_s(rec: Rec, venue_ns: int) -> float:
    """Return funding as a drift of the price, bps/s: positive funding pulls a holder's value down.

    Independent of the position's sign: a long is pushed to sell, a short is kept (T-51).
    """
    return -next_rate(rec, venue_ns) * BPS / HOUR_S


@kernel
def shift_bps(rec: Rec, venue_ns: int, inventory_s: float) -> float:
    """Return the shift of the reservation price, bps: the payment times the chance to be in it.

    inventory_s   time constant of our inventory, > 0
    """
    return -next_rate(rec, venue_ns) * BPS * exp(-hour_left_s(venue_ns) / inventory_s)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether enough settled hours were seen to know how far rates scatter."""
    return bool(rec.hours >= READY_N)


@kernel
def stderr(rec: Rec) -> float:
    """Return the scatter of settled rates, a fraction per hour, from settled hours alone.

    inf below two. The error bar at the start of an hour; see `error_of_next` for later in it.
    """
    spread = welford.variance(rec.settled)
    return sqrt(spread) if spread >= 0.0 else inf


@kernel
def error_of_next(rec: Rec, venue_ns: int) -> float:
    """Return the error of `next_rate`: the scatter of settled rates times the rest of the hour."""
    return stderr(rec) * hour_left_s(venue_ns) / HOUR_S
