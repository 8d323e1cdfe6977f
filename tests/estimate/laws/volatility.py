"""Volatility against moments over explicit weights of an explicit list of returns."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import volatility
from tests.estimate.laws.law import START_NS, Event

PRIOR, PRIOR_N = 2.0, 12.0
BAD: list[Event] = [
    ("price", START_NS, price) for price in (0.0, -5.0, math.nan, math.inf, -math.inf)
]


def start(rec: Any) -> None:
    """Reset with a prior that matters."""
    volatility.reset(rec, PRIOR, PRIOR_N)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Prices in bursts and pauses, some returns of zero, one interruption of the feed."""
    gaps = rng.choice((40_000_000, 700_000_000, 2_500_000_000), count)
    at = ns + np.cumsum(gaps)
    steps = rng.normal(0.0, 1.5e-4, count) * np.sqrt(gaps * 1e-9) * (rng.random(count) < 0.9)
    prices = 100.0 * np.exp(np.cumsum(steps))
    events: list[Event] = [("price", int(at[i]), float(prices[i])) for i in range(count)]
    events.insert(count // 2, ("interrupt", int(at[count // 2 - 1])))
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a price or an interruption."""
    if event[0] == "price":
        volatility.update(rec, event[1], event[2])
    else:
        volatility.interrupt(rec)


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    told = {
        "sigma": volatility.sigma_bps(rec),
        "ready": volatility.ready(rec),
        "stderr": volatility.stderr(rec),
    }
    for name, scale in (("fast", rec.fast), ("slow", rec.slow)):
        told[f"rv {name}"] = volatility.realised_variance(scale)
        told[f"bv {name}"] = volatility.bipower_variance(scale)
        told[f"tp {name}"] = volatility.tripower_quarticity(scale)
        told[f"n {name}"] = volatility.effective_count(scale)
        told[f"z {name}"] = volatility.jump_z_of(scale)
    return told


def _returns(events: list[Event]) -> tuple[list[tuple[int, float, float, int]], int]:
    """Return (when, r, duration, place in its run) of every return, and the last start."""
    made: list[tuple[int, float, float, int]] = []
    at, price, place = 0, 0.0, 0
    for event in events:
        if event[0] == "interrupt":
            price, place = 0.0, 0
        elif price == 0.0:
            at, price = event[1], event[2]
        elif event[1] - at >= volatility.SAMPLE_NS:
            dt = (event[1] - at) * 1e-9
            r = 1e4 * math.log(event[2] / price) / math.sqrt(dt)
            made.append((event[1], r, dt, place))
            at, price, place = event[1], event[2], place + 1
    return made, at


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """RV, BV, TP, z and sigma by definition."""
    returns, now = _returns(events)
    if not returns:
        return {"sigma": PRIOR}
    told: dict[str, float] = {}
    weights: dict[str, list[float]] = {}
    for name, tau in (("fast", volatility.FAST_S), ("slow", volatility.SLOW_S)):
        told |= {f"{k} {name}": v for k, v in _scale(returns, now, tau, weights, name).items()}
    half = {key: 0.5 * told[f"{key} fast"] + 0.5 * told[f"{key} slow"] for key in ("rv", "bv")}
    share = min(0.85, max(0.0, 1.0 - half["bv"] / half["rv"])) if half["rv"] > 0 else 0.0
    clean, total = math.sqrt(half["bv"]), math.sqrt(half["rv"])
    seen = clean + share * (total - clean)
    blend = [
        0.5 * f / sum(weights["fast"]) + 0.5 * s / sum(weights["slow"])
        for f, s in zip(weights["fast"], weights["slow"], strict=True)
    ]
    n = 1.0 / math.fsum(b * b for b in blend)
    told["sigma"] = math.sqrt((PRIOR_N * PRIOR**2 + n * seen**2) / (PRIOR_N + n))
    told["stderr"] = told["sigma"] * math.sqrt(volatility.BIPOWER_VARIANCE / n) / 2.0
    return told


def _scale(
    returns: list[tuple[int, float, float, int]],
    now: int,
    tau: float,
    weights: dict[str, list[float]],
    name: str,
) -> dict[str, float]:
    w = [
        -math.expm1(-dt / tau) * tau * math.exp(-(now - t) * 1e-9 / tau) for t, _, dt, _ in returns
    ]
    weights[name] = w
    r = [abs(ret[1]) for ret in returns]
    pairs = [i for i, ret in enumerate(returns) if ret[3] >= 1]
    triples = [i for i, ret in enumerate(returns) if ret[3] >= 2]
    rv = math.fsum(a * b * b for a, b in zip(w, r, strict=True)) / math.fsum(w)
    n = math.fsum(w) ** 2 / math.fsum(a * a for a in w)
    told = {"rv": rv, "bv": rv, "n": n, "tp": 0.0}
    if pairs:
        sums = math.fsum(w[i] * r[i] * r[i - 1] for i in pairs)
        told["bv"] = math.pi / 2 * sums / math.fsum(w[i] for i in pairs)
    if triples:
        mu43 = 2 ** (2 / 3) * math.gamma(7 / 6) / math.gamma(1 / 2)
        sums = math.fsum(w[i] * (r[i] * r[i - 1] * r[i - 2]) ** (4 / 3) for i in triples)
        told["tp"] = mu43**-3 * sums / math.fsum(w[i] for i in triples)
        spread = max(1.0, told["tp"] / told["bv"] ** 2)
        jump = (math.pi / 2) ** 2 + math.pi - 5
        told["z"] = (1 - told["bv"] / rv) / math.sqrt(jump / n * spread)
    return told
