"""Funding against weighted moments of an explicit list of settled hours."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from hypermaker.estimate import funding
from tests.estimate.laws.law import START_NS, Event

SHIFT_NS = (funding.HOUR_NS * 1000, -funding.HOUR_NS * 77)
"""Hours begin at full hours, so only whole hours may be shifted."""
BAD: list[Event] = [("rate", START_NS + 10**15, rate) for rate in (0.05, -0.05, math.nan, math.inf)]


def start(rec: Any) -> None:
    """Reset."""
    funding.reset(rec)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Predictions every quarter of an hour or so, and once a gap of a day."""
    gaps = rng.exponential(900e9, count).astype(np.int64)
    gaps[count // 2] = 24 * funding.HOUR_NS
    at = ns + np.cumsum(gaps)
    rates = rng.normal(1e-5, 5e-5, count)
    return [("rate", int(at[i]), float(rates[i])) for i in range(count)]


def feed(rec: Any, event: Event) -> None:
    """Take a prediction."""
    funding.update(rec, event[1], event[2])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "next": funding.next_rate(rec, ns),
        "drift": funding.drift_bps_per_s(rec, ns),
        "shift": funding.shift_bps(rec, ns, 240.0),
        "error": funding.error_of_next(rec, ns),
        "ready": funding.ready(rec),
        "stderr": funding.stderr(rec),
    }


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """The last prediction of an hour settles it; later hours weigh more."""
    settled: dict[int, float] = {}
    for before, after in pairwise(events):
        hours = [event[1] // funding.HOUR_NS for event in (before, after)]
        if hours[1] > hours[0]:
            settled[hours[0]] = before[2]
    left_s = (funding.HOUR_NS - ns % funding.HOUR_NS) * 1e-9
    rate = events[-1][2]
    told: dict[str, float] = {}
    if settled:
        newest = max(settled)
        weights = {h: math.exp(-(newest - h) / funding.HOURS_KEPT) for h in settled}
        total, squares = sum(weights.values()), sum(w * w for w in weights.values())
        mean = sum(weights[h] * settled[h] for h in settled) / total
        spread = sum(weights[h] * (settled[h] - mean) ** 2 for h in settled)
        rate = (1 - left_s / 3600) * rate + left_s / 3600 * mean
        if len(settled) > 1:
            told["stderr"] = math.sqrt(spread / (total - squares / total))
            told["error"] = told["stderr"] * left_s / 3600
    return told | {
        "next": rate,
        "drift": -rate * 1e4 / 3600,
        "shift": -rate * 1e4 * math.exp(-left_s / 240.0),
    }
