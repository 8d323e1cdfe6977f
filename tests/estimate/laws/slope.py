"""The one-slope regression against sums over explicit weights."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import slope
from tests.estimate.laws.law import Event

PRIOR_SLOPE, PRIOR_XX = 0.3, 5.0
BAD: list[Event] = []
"""Callers hold the preconditions of this arithmetic."""


def start(rec: Any) -> None:
    """Reset with a prior that matters."""
    slope.reset(rec, PRIOR_SLOPE, PRIOR_XX)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Pairs with noise that depends on x."""
    x = rng.normal(size=count)
    y = 0.7 * x + (0.1 + x**2) * rng.normal(size=count)
    keep = rng.choice((1.0, 0.99), count)
    return [("xy", ns + i, float(x[i]), float(y[i]), float(keep[i])) for i in range(count)]


def feed(rec: Any, event: Event) -> None:
    """Add one pair."""
    slope.update(rec, event[2], event[3], event[4])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "slope": slope.slope(rec),
        "n": slope.effective_count(rec),
        "ready": slope.ready(rec),
        "stderr": slope.stderr(rec),
        "significant": slope.is_significant(rec),
    }


def _slope(events: list[Event], weights: list[float]) -> float:
    xx = math.fsum(w * e[2] * e[2] for w, e in zip(weights, events, strict=True))
    xy = math.fsum(w * e[2] * e[3] for w, e in zip(weights, events, strict=True))
    return (PRIOR_XX * PRIOR_SLOPE + xy) / (PRIOR_XX + xx)


def _weights(events: list[Event]) -> list[float]:
    keeps = [event[4] for event in events]
    return [math.prod(keeps[i + 1 :]) for i in range(len(events))]


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Least squares by definition; each error against the slope known before it."""
    weights = _weights(events)
    noise = 0.0
    for i, event in enumerate(events):
        error = event[3] - _slope(events[:i], _weights(events[:i])) * event[2]
        noise += (weights[i] * event[2] * error) ** 2
    xx = math.fsum(w * e[2] * e[2] for w, e in zip(weights, events, strict=True))
    squares = math.fsum(w * w for w in weights)
    return {
        "slope": _slope(events, weights),
        "n": math.fsum(weights) ** 2 / squares,
        "stderr": math.sqrt(noise) / xx,
    }
