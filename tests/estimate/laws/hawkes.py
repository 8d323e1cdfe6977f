"""Hawkes intensity against the sum over all events."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import hawkes
from tests.estimate.laws.law import START_NS, Event

MU, ALPHA, BETA, UNIT = 0.1, 0.3, 0.8, 1000.0
BAD: list[Event] = [
    ("event", START_NS, size) for size in (0.0, -5.0, math.nan, math.inf, -math.inf)
]


def start(rec: Any) -> None:
    """Reset with a stable process."""
    hawkes.reset(rec, MU, ALPHA, BETA, UNIT)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Events with ties, some from the past, and a gap of a million lifetimes (property (g))."""
    gaps = rng.exponential(0.8e9, count).astype(np.int64)
    gaps[rng.random(count) < 0.2] = 0
    late = rng.random(count) < 0.1
    gaps[count // 2] = int(1e6 / BETA * 1e9)
    at = ns + np.cumsum(gaps)
    sizes = rng.lognormal(6.0, 1.0, count)
    return [
        ("event", int(at[i] - (900_000_000 if late[i] and i else 0)), float(sizes[i]))
        for i in range(count)
    ]


def feed(rec: Any, event: Event) -> None:
    """Record one event."""
    hawkes.record_event(rec, event[1], event[2])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "intensity": hawkes.intensity(rec, ns),
        "snapshot": hawkes.intensity_snapshot(rec, ns),
        "ratio": hawkes.intensity_ratio(rec, ns),
        "branching": hawkes.branching(rec),
        "long run": hawkes.stationary_rate(rec),
        "later": hawkes.expected_intensity(rec, ns, 3.0),
        "count": hawkes.expected_events(rec, ns, 3.0),
        "ready": hawkes.ready(rec),
        "stderr": hawkes.stderr(rec),
    }


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """The sum over all events; forecasts from the relaxation by definition."""
    newest = max(event[1] for event in events)
    at = max(ns, newest)
    rate = MU + math.fsum(
        ALPHA * size / UNIT * math.exp(-BETA * (at - when) * 1e-9) for _, when, size in events
    )
    n = ALPHA * math.fsum(e[2] / UNIT for e in events) / len(events) / BETA
    long_run, relax = MU / (1 - n), BETA * (1 - n)
    later = long_run + (rate - long_run) * math.exp(-relax * 3.0)
    return {
        "intensity": rate,
        "snapshot": rate,
        "ratio": rate / MU,
        "branching": n,
        "long run": long_run,
        "later": later,
        "count": long_run * 3.0 + (rate - later) / relax,
        "stderr": 1 / ((1 - n) * math.sqrt(len(events))),
    }
