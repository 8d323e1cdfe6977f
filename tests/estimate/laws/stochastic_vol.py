"""Stochastic volatility against weighted moments of explicit lists of blocks and lags."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import stochastic_vol as sv
from tests.estimate.laws.law import START_NS, Event

LAG_A, LAG_B, DT_S, TAU_S = 1, 3, 10.0, 3000.0
BAD: list[Event] = [
    ("block", START_NS, variance, moved)
    for variance, moved in ((-1.0, 0.0), (math.nan, 0.0), (math.inf, 0.0), (1.0, math.nan))
]


def start(rec: Any) -> None:
    """Reset with short lags and a memory that fades within the stream."""
    sv.reset(rec, 2.0, 0.05, 0.3, -0.1)
    sv.set_lags(rec, LAG_A, LAG_B, DT_S, TAU_S)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """An autoregressive variance with noise, and one interruption."""
    level, events = 0.0, []
    for i in range(count):
        shock = rng.normal()
        level = 0.9 * level + 0.3 * shock
        variance = math.exp(level) * rng.chisquare(20) / 20
        moved = -0.5 * shock + rng.normal()
        events.append(("block", ns + i * 10**10, float(variance), float(moved)))
    events.insert(count // 2, ("interrupt", ns + count // 2 * 10**10))
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a block or an interruption."""
    if event[0] == "block":
        sv.observe(rec, event[2], event[3])
    else:
        sv.interrupt(rec)


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    told = {
        "theta": sv.theta(rec),
        "kappa": sv.kappa_per_s(rec),
        "xi": sv.xi(rec),
        "rho": sv.rho(rec),
        "spot": float(rec.spot),
        "average": sv.expected_avg_variance(rec, 60.0),
        "used kappa": float(rec.used_kappa),
        "ready": sv.ready(rec),
        "stderr": sv.stderr(rec),
    }
    for which, name in enumerate(("theta", "kappa", "xi", "rho")):
        told[f"{name} error"] = sv.stderr_of(rec, which)
    return told


def _correlation(pairs: list[tuple[int, float, float]], last: int) -> float:
    weights = [math.exp(-(last - at) * DT_S / TAU_S) for at, _, _ in pairs]
    total = math.fsum(weights)
    x, y = (
        math.fsum(w * p[leg] for w, p in zip(weights, pairs, strict=True)) / total for leg in (1, 2)
    )
    sums = [
        math.fsum(w * a(p) * b(p) for w, p in zip(weights, pairs, strict=True))
        for a, b in (
            (lambda p: p[1] - x, lambda p: p[2] - y),
            (lambda p: p[1] - x, lambda p: p[1] - x),
            (lambda p: p[2] - y, lambda p: p[2] - y),
        )
    ]
    return sums[0] / math.sqrt(sums[1] * sums[2])


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """The moment map applied to correlations of explicit pairs."""
    blocks: list[tuple[float, float, int]] = []
    run = 0
    for event in events:
        if event[0] == "interrupt":
            run = 0
        else:
            blocks.append((event[2], event[3], run))
            run += 1
    values = [block[0] for block in blocks]
    weights = [math.exp(-(len(blocks) - 1 - i) * DT_S / TAU_S) for i in range(len(blocks))]
    theta = math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)
    spot = 2.0
    for value in values:
        spot = 0.95 * spot + 0.05 * value
    told = {"theta": theta, "spot": spot}
    if len(blocks) < 40:
        return told
    lags = {h: _pairs(blocks, h) for h in (LAG_A, LAG_B)}
    last = [_counter(blocks, h) for h in (LAG_A, LAG_B)]
    at_a, at_b = _correlation(lags[LAG_A], last[0]), _correlation(lags[LAG_B], last[1])
    told["kappa"] = -math.log(at_b / at_a) / ((LAG_B - LAG_A) * DT_S)
    spread = math.fsum(w * (v - theta) ** 2 for w, v in zip(weights, values, strict=True))
    clean = spread / math.fsum(weights) * at_a * math.exp(told["kappa"] * LAG_A * DT_S)
    told["xi"] = math.sqrt(2 * told["kappa"] * clean / theta)
    shocks = [(i, b[1], b[0] - values[i - 1]) for i, b in enumerate(blocks) if b[2] > 0]
    shocks = [(n, r, d) for n, (_, r, d) in enumerate(shocks)]
    told["rho"] = _correlation(shocks, len(shocks) - 1)
    x = told["kappa"] * 60.0
    told["average"] = theta + (spot - theta) * (1 - math.exp(-x)) / x
    return told


def _pairs(blocks: list[tuple[float, float, int]], lag: int) -> list[tuple[int, float, float]]:
    """Return (place, earlier, later) of every pair of this lag; a pair ages by later pairs."""
    ends = [i for i, block in enumerate(blocks) if block[2] >= lag]
    return [(n, blocks[i - lag][0], blocks[i][0]) for n, i in enumerate(ends)]


def _counter(blocks: list[tuple[float, float, int]], lag: int) -> int:
    return sum(block[2] >= lag for block in blocks) - 1
