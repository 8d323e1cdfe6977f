"""Welford's recursion against sums over explicit weights."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import welford
from tests.estimate.laws.law import Event

BAD: list[Event] = []
"""Callers hold the preconditions of this arithmetic."""


def start(rec: Any) -> None:
    """Reset."""
    welford.reset(rec)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Values around a mean that would swamp a naive sum of squares."""
    keeps = rng.choice((1.0, 0.97, 0.5), count, p=(0.3, 0.69, 0.01))
    values = 1e6 + rng.standard_t(3, count)
    return [("x", ns + i, float(values[i]), float(keeps[i])) for i in range(count)]


def feed(rec: Any, event: Event) -> None:
    """Add one value."""
    welford.update(rec, event[2], event[3])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "mean": welford.mean(rec),
        "biased": welford.variance_biased(rec),
        "variance": welford.variance(rec),
        "n": welford.effective_count(rec),
        "ready": welford.ready(rec),
        "stderr": welford.stderr(rec),
    }


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Weighted moments by definition."""
    keeps = [event[3] for event in events]
    weights = [math.prod(keeps[i + 1 :]) for i in range(len(events))]
    total, squares = math.fsum(weights), math.fsum(w * w for w in weights)
    mean = math.fsum(w * e[2] for w, e in zip(weights, events, strict=True)) / total
    spread = math.fsum(w * (e[2] - mean) ** 2 for w, e in zip(weights, events, strict=True))
    told = {"mean": mean, "biased": spread / total, "n": total**2 / squares}
    if len(events) > 1:
        told["variance"] = spread / (total - squares / total)
        told["stderr"] = math.sqrt(told["variance"] / told["n"])
    return told
