"""A slowly fading memory of events: a sum of exponentials, one number each.

    lambda(t) = mu + sum_m S_m(t),  S_m -> S_m exp(-beta_m dt) + alpha_m * mark

Six time scales a factor of four apart stand in for a power law: the fade of each is the next
slower one's to the fourth power, so an event costs one exp here too.
Source: quant-models 5.6; Hardiman, Bercot & Bouchaud 2013.
"""

from math import exp, inf, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

SCALES = 6
NS = 1e-9

HAWKES_SUM = record(
    ("mu", "f8"),
    ("alpha", "f8", (SCALES,)),
    ("beta", "f8", (SCALES,)),
    ("excitation", "f8", (SCALES,)),
    ("last_ns", "i8"),
    ("events", "i8"),
    ("marks", "f8"),
    ("rejected", "i8"),
)

Rec = Any
"""One element of a HAWKES_SUM array: a record with attribute access."""


@kernel
def reset(rec: Rec, mu: float, branching: float, fastest_s: float, tail: float) -> None:
    """Forget all events and approximate a power-law kernel n * tail * t0^tail / (t0+t)^(1+tail).

    mu          baseline, 1/s
    branching   n, offspring of an event of mark 1, 0 <= n < 1
    fastest_s   t0; the scales are t0 times powers of 4
    tail        exponent of the tail, > 0
    """
    assert 0.0 <= branching < 1.0
    rec.mu = mu
    rec.last_ns = 0
    rec.events = 0
    rec.marks = 0.0
    rec.rejected = 0
    total = 0.0
    beta = 1.0 / fastest_s
    for m in range(SCALES):
        rec.beta[m] = beta
        rec.alpha[m] = beta ** (1.0 + tail)
        rec.excitation[m] = 0.0
        total += rec.alpha[m] / beta
        beta /= 4.0
    for m in range(SCALES):
        rec.alpha[m] *= branching / total


@kernel
def record_event(rec: Rec, venue_ns: int, mark: float) -> float:
    """Add an event and return the intensity right after it, 1/s; see `hawkes.record_event`."""
    if not (mark > 0.0 and mark < inf):
        rec.rejected += 1
        return intensity(rec, venue_ns)
    dt_s = (venue_ns - rec.last_ns) * NS if rec.events > 0 else 0.0
    late = dt_s < 0.0
    fade = exp(-rec.beta[SCALES - 1] * abs(dt_s))
    total = rec.mu
    for back in range(SCALES):
        m = SCALES - 1 - back
        # An old event has faded, a new one finds the others faded.
        kept = 1.0 if late else fade
        joined = fade if late else 1.0
        rec.excitation[m] = kept * rec.excitation[m] + joined * rec.alpha[m] * mark
        total += rec.excitation[m]
        fade *= fade
        fade *= fade
    if not late:
        rec.last_ns = venue_ns
    rec.events += 1
    rec.marks += mark
    return float(total)


@kernel
def intensity(rec: Rec, venue_ns: int) -> float:
    """Return lambda at a time, 1/s, without changing anything; before the last event: at it."""
    dt_s = max(0.0, (venue_ns - rec.last_ns) * NS)
    total = rec.mu
    fade = exp(-rec.beta[SCALES - 1] * dt_s)
    for back in range(SCALES):
        total += rec.excitation[SCALES - 1 - back] * fade
        fade *= fade
        fade *= fade
    return float(total)


@kernel
def branching(rec: Rec) -> float:
    """Return how many events one event causes: E[mark] times the sum of alpha/beta."""
    total = 0.0
    for m in range(SCALES):
        total += rec.alpha[m] / rec.beta[m]
    return float(total * rec.marks / rec.events) if rec.events > 0 else float(total)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether any event was seen."""
    return bool(rec.events > 0)


@kernel
def stderr(rec: Rec) -> float:
    """Return the relative standard error of the mean rate from the events alone; inf without."""
    n = branching(rec)
    if rec.events == 0 or n >= 1.0:
        return inf
    return float(1.0 / ((1.0 - n) * sqrt(float(rec.events))))
