"""Self-exciting intensity in one exponential per event, instead of a sum over the past.

    lambda(t) = mu + sum over past events of alpha * mark * exp(-beta (t - t_i)),  mark = size/unit

The whole sum is one number that decays, so an event costs one exp. Reading never changes state
and only `record_event` moves time; an event from the past is added with the decay it has had.

Against the predecessor (its 1.1): the clock is venue time; a size is what it is (a floor of 1 %
of a unit let one dollar add half the baseline, so T-06's floor is gone; what is not positive is
rejected and counted); forecasts use the rate beta - alpha E[mark] at which intensity really
relaxes; they answer NaN, not a number, when the process would explode.

Units: mu, alpha, beta 1/s; sizes in any unit; times ns.
Source: quant-models 5.1, 5.5; Hawkes 1971; Ozaki 1979; Da Fonseca & Zaatour 2014.
"""

from math import exp, expm1, inf, nan, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

NS = 1e-9

HAWKES = record(
    ("mu", "f8"),
    ("alpha", "f8"),
    ("beta", "f8"),
    ("unit", "f8"),  # the size that has mark 1
    ("excitation", "f8"),  # lambda - mu right after the last event
    ("last_ns", "i8"),
    ("events", "i8"),
    ("marks", "f8"),  # sum of marks
    ("rejected", "i8"),  # sizes that were not positive numbers
)

Rec = Any
"""One element of a HAWKES array: a record with attribute access."""


@kernel
def reset(rec: Rec, mu: float, alpha: float, beta: float, unit: float) -> None:
    """Forget all events; lambda(t) = mu [1/s] until the first. A size of `unit` has mark 1."""
    rec.mu = mu
    rec.alpha = alpha
    rec.beta = beta
    rec.unit = unit
    rec.excitation = 0.0
    rec.last_ns = 0
    rec.events = 0
    rec.marks = 0.0
    rec.rejected = 0


@kernel
def record_event(rec: Rec, venue_ns: int, size: float) -> float:
    """Add an event and return the intensity right after it, 1/s.

    An event older than the last one is added as it would be now, and time does not move.
    """
    if not (size > 0.0 and size < inf):
        rec.rejected += 1
        return intensity(rec, venue_ns)
    mark = size / rec.unit
    dt_s = (venue_ns - rec.last_ns) * NS if rec.events > 0 else 0.0
    if dt_s >= 0.0:
        rec.excitation = rec.excitation * exp(-rec.beta * dt_s) + rec.alpha * mark
        rec.last_ns = venue_ns
    else:
        rec.excitation += rec.alpha * mark * exp(rec.beta * dt_s)
    rec.events += 1
    rec.marks += mark
    return float(rec.mu + rec.excitation)


@kernel
def set_alpha(rec: Rec, alpha: float) -> None:
    """Change alpha in flight; the excitation is linear in it. Another beta needs a reset."""
    rec.excitation *= alpha / rec.alpha
    rec.alpha = alpha


@kernel
def intensity(rec: Rec, venue_ns: int) -> float:
    """Return lambda at a time, 1/s, without changing anything; before the last event: at it."""
    dt_s = (venue_ns - rec.last_ns) * NS
    if dt_s <= 0.0:
        return float(rec.mu + rec.excitation)
    return float(rec.mu + rec.excitation * exp(-rec.beta * dt_s))


intensity_snapshot = intensity
"""The predecessor's name for the reading that leaves the state alone; here every reading does."""


@kernel
def intensity_ratio(rec: Rec, venue_ns: int) -> float:
    """Return lambda / mu, or 1 when there is no baseline to compare with."""
    return intensity(rec, venue_ns) / rec.mu if rec.mu > 0.0 else 1.0


@kernel
def mean_mark(rec: Rec) -> float:
    """Return the mean mark seen; 1 before the first event."""
    return float(rec.marks / rec.events) if rec.events > 0 else 1.0


@kernel
def branching(rec: Rec) -> float:
    """Return how many events one event causes, alpha E[mark] / beta."""
    return float(rec.alpha * mean_mark(rec) / rec.beta)


@kernel
def stationary_rate(rec: Rec) -> float:
    """Return the long-run mean intensity mu/(1-n), 1/s; NaN when the process would explode."""
    n = branching(rec)
    return float(rec.mu / (1.0 - n)) if n < 1.0 else nan


@kernel
def expected_intensity(rec: Rec, venue_ns: int, horizon_s: float) -> float:
    """Return E[lambda] at venue_ns + horizon_s, 1/s; NaN when the process would explode."""
    long_run = stationary_rate(rec)
    relax = rec.beta * (1.0 - branching(rec))
    return long_run + (intensity(rec, venue_ns) - long_run) * exp(-relax * horizon_s)


@kernel
def expected_events(rec: Rec, venue_ns: int, horizon_s: float) -> float:
    """Return the expected number of events in the next horizon_s; NaN when it would explode."""
    return forecast_count(
        intensity(rec, venue_ns),
        stationary_rate(rec),
        rec.beta * (1.0 - branching(rec)),
        horizon_s,
    )


@kernel
def forecast_count(now: float, long_run: float, relax: float, horizon_s: float) -> float:
    """Return the integral over horizon_s of an intensity that relaxes from `now` to `long_run`."""
    return float(long_run * horizon_s - (now - long_run) * expm1(-relax * horizon_s) / relax)


@kernel
def count_variance(mu: float, alpha: float, beta: float, horizon_s: float) -> float:
    """Return Var N(horizon) of the stationary unmarked process (Da Fonseca & Zaatour 2014)."""
    gain = 1.0 / (1.0 - alpha / beta)
    relax = beta - alpha
    lag = -expm1(-relax * horizon_s) / relax
    return float(mu * gain * (horizon_s * gain * gain + (1.0 - gain * gain) * lag))


@kernel
def ready(rec: Rec) -> bool:
    """Return whether any event was seen; without one lambda is the baseline we were given."""
    return bool(rec.events > 0)


@kernel
def stderr(rec: Rec) -> float:
    """Return the relative standard error of the mean rate, from the number of events alone.

    The Fano factor of the process is 1/(1-n)^2; inf without events or at n >= 1.
    """
    n = branching(rec)
    if rec.events == 0 or n >= 1.0:
        return inf
    return float(1.0 / ((1.0 - n) * sqrt(float(rec.events))))
