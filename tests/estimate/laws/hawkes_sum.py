"""The sum of exponentials against the sum over all events and scales."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import hawkes_sum
from tests.estimate.laws import hawkes as single
from tests.estimate.laws.law import START_NS, Event

MU, BRANCHING, FASTEST_S, TAIL = 0.2, 0.6, 0.2, 0.4
BAD: list[Event] = [("event", START_NS, size) for size in (0.0, -5.0, math.nan, math.inf)]


def start(rec: Any) -> None:
    """Reset with a power-law kernel."""
    hawkes_sum.reset(rec, MU, BRANCHING, FASTEST_S, TAIL)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """The stream of the single exponential, in marks."""
    return [(name, at, size / 1000.0) for name, at, size in single.stream(rng, count, ns)]


def feed(rec: Any, event: Event) -> None:
    """Record one event."""
    hawkes_sum.record_event(rec, event[1], event[2])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "intensity": hawkes_sum.intensity(rec, ns),
        "branching": hawkes_sum.branching(rec),
        "ready": hawkes_sum.ready(rec),
        "stderr": hawkes_sum.stderr(rec),
    }


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """beta_m = 4^-m / t0, alpha_m ~ beta_m^(1+tail) with sum alpha/beta = n."""
    betas = [4.0**-m / FASTEST_S for m in range(hawkes_sum.SCALES)]
    shares = [beta**TAIL for beta in betas]
    at = max(ns, max(event[1] for event in events))
    rate = MU
    for beta, share in zip(betas, shares, strict=True):
        alpha = BRANCHING * beta * share / sum(shares)
        rate += alpha * math.fsum(m * math.exp(-beta * (at - t) * 1e-9) for _, t, m in events)
    n = BRANCHING * math.fsum(e[2] for e in events) / len(events)
    return {"intensity": rate, "branching": n}
