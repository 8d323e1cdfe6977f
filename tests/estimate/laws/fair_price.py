"""The fair price against a regression over an explicit list of predictions."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import fair_price
from tests.estimate.laws.law import START_NS, Event

BAD: list[Event] = [
    ("book", START_NS + 10**15, bid, bid_lots, ask, ask_lots)
    for bid, bid_lots, ask, ask_lots in (
        (101.0, 5.0, 100.0, 5.0),
        (100.0, 5.0, 100.0, 5.0),
        (0.0, 5.0, 100.0, 5.0),
        (100.0, 0.0, 101.0, 5.0),
        (math.nan, 5.0, 101.0, 5.0),
        (100.0, 5.0, math.inf, 5.0),
        (100.0, 5.0, 101.0, math.nan),
    )
]


def start(rec: Any) -> None:
    """Reset."""
    fair_price.reset(rec)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Books whose mid follows the imbalance a little."""
    at = ns + np.cumsum(rng.exponential(0.7e9, count).astype(np.int64))
    mid, events = 10_000.0, []
    for i in range(count):
        bid_lots, ask_lots = rng.integers(1, 50, 2)
        lean = (bid_lots - ask_lots) / (bid_lots + ask_lots)
        half = float(rng.choice((0.5, 1.0, 2.0)))
        events.append(
            ("book", int(at[i]), mid - half, float(bid_lots), mid + half, float(ask_lots))
        )
        mid += round(float(0.6 * lean * half + rng.normal(0, 0.5)) * 2) / 2
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a book."""
    fair_price.update(rec, event[1], (event[2], event[3]), (event[4], event[5]))


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "fair": fair_price.fair_ticks(rec),
        "mid": fair_price.mid_ticks(rec),
        "half": fair_price.half_spread_bps(rec),
        "lean": fair_price.lean(rec),
        "ready": fair_price.ready(rec),
        "stderr": fair_price.stderr(rec),
    }


def _pairs(events: list[Event]) -> list[tuple[float, float, float]]:
    """Return (lean, move in half-spreads, seconds) of every prediction."""
    pairs: list[tuple[float, float, float]] = []
    pivot = events[0]
    for event in events:
        if event[1] - pivot[1] >= fair_price.HORIZON_NS:
            lean = (pivot[3] - pivot[5]) / (pivot[3] + pivot[5])
            move = (event[2] + event[4] - pivot[2] - pivot[4]) / (pivot[4] - pivot[2])
            pairs.append((lean, move, (event[1] - pivot[1]) * 1e-9))
            pivot = event
    return pairs


def _slope(pairs: list[tuple[float, float, float]]) -> tuple[float, float, list[float]]:
    weights, age = [0.0] * len(pairs), 0.0
    for i in reversed(range(len(pairs))):
        weights[i] = math.exp(-age / fair_price.TAU_S)
        age += pairs[i][2]
    xx = math.fsum(w * p[0] ** 2 for w, p in zip(weights, pairs, strict=True))
    xy = math.fsum(w * p[0] * p[1] for w, p in zip(weights, pairs, strict=True))
    return xy / (fair_price.PRIOR_PAIRS + xx), xx, weights


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Mid plus slope times imbalance times half the touch, inside the touch."""
    pairs = _pairs(events)
    slope, xx, weights = _slope(pairs)
    _, _, bid, bid_lots, ask, ask_lots = events[-1]
    mid, half = (bid + ask) / 2, (ask - bid) / 2
    fair = mid + slope * (bid_lots - ask_lots) / (bid_lots + ask_lots) * half
    told = {"fair": min(max(fair, bid), ask), "mid": mid, "lean": slope, "half": half / mid * 1e4}
    if xx > 0.0:
        errors = [p[1] - _slope(pairs[:i])[0] * p[0] for i, p in enumerate(pairs)]
        noise = math.fsum(
            (w * p[0] * e) ** 2 for w, p, e in zip(weights, pairs, errors, strict=True)
        )
        told["stderr"] = math.sqrt(noise) / xx
    return told
