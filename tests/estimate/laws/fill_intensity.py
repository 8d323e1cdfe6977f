"""Fill intensity against a root search on a likelihood built from the whole list."""

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq

from hypermaker.estimate import fill_intensity as fi
from tests.estimate.laws.law import START_NS, Event

A, KAPPA, PRIOR_N, TAU_S, BLOCK_S, LOTS = 0.8, 0.5, 4.0, 60.0, 0.07, 7.0
BAD: list[Event] = [
    ("trade", START_NS, 1, depth, size)
    for depth, size in ((math.nan, 1.0), (math.inf, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, math.nan))
]


def start(rec: Any) -> None:
    """Reset with a short memory and a block time, so that both matter."""
    fi.reset(rec, A, KAPPA, PRIOR_N)
    fi.set_memory(rec, TAU_S, BLOCK_S, LOTS)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Prints with ties and late ones, a moving touch, and a gap of many memories at a third."""
    gaps = rng.exponential(0.4e9, count).astype(np.int64)
    gaps[count // 3] = int(300 * TAU_S * 1e9)
    at = ns + np.cumsum(gaps)
    events: list[Event] = []
    for i in range(count):
        when = int(at[i])
        if rng.random() < 0.2:
            events.append(("touch", when, float(rng.choice((0.1, 0.3, 0.9)))))
            continue
        side = 1 if rng.random() < 0.6 else -1
        late = 250_000_000 if rng.random() < 0.05 and i else 0
        for _ in range(int(rng.integers(1, 4))):
            depth = float(rng.exponential(2.5) - 0.1)
            events.append(("trade", when - late, side, depth, float(rng.integers(1, 9))))
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a print or a touch."""
    if event[0] == "trade":
        fi.observe_trade(rec, event[2], event[3], event[4], event[1])
    else:
        fi.see_touch(rec, event[1], event[2])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter, with all orders counted up to ns."""
    state = np.zeros(1, fi.FILL_INTENSITY)
    state[0] = rec
    fi.elapse(state[0], ns)
    fi.refresh(state[0])
    return {
        "a sell": fi.a_per_s(state[0], -1),
        "a buy": fi.a_per_s(state[0], 1),
        "kappa": fi.kappa_per_bps(state[0]),
        "rate": fi.rate_per_s(state[0], 1, 2.0),
        "n": fi.effective_count(state[0]),
        "volume": fi.volume_lots(state[0]),
        "ready": fi.ready(state[0]),
        "stderr": fi.stderr(state[0]),
        "a stderr": fi.log_a_stderr(state[0], 1),
    }


def _orders(events: list[Event]) -> tuple[list[dict[str, Any]], list[tuple[int, int, int]]]:
    """Return every taker order, and (from, to, first reachable bin) of every stretch of time."""
    depths = [u / KAPPA for u in fi.GRID]
    orders: list[dict[str, Any]] = []
    latest: dict[int, dict[str, Any]] = {}
    stretches: list[tuple[int, int, int]] = []
    now, touch = events[0][1], 0
    for event in events:
        if event[1] > now:
            stretches.append((now, event[1], touch))
            now, latest = event[1], {}
        if event[0] == "touch":
            touch = sum(d < event[2] for d in depths)
            continue
        known = latest.get(event[2])
        if known is not None and known["ns"] == event[1]:
            known["depth"] = max(known["depth"], event[3])
            known["size"] += event[4]
        else:
            made = {"ns": event[1], "side": event[2], "depth": event[3], "size": event[4]}
            latest[event[2]] = made | {"touch": touch}
            orders.append(latest[event[2]])
    return orders, [*stretches, (now, -1, touch)]


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """The posterior's root in kappa, both A's profiled out, by bracketing."""
    orders, stretches = _orders(events)
    hits, dwell, hidden = np.zeros((2, fi.BINS)), np.zeros(fi.BINS), np.zeros((2, fi.BINS))
    depths = np.array(fi.GRID) / KAPPA
    squares = weight_all = volume = 0.0
    for order in orders:
        weight = math.exp(-(ns - order["ns"]) * 1e-9 / TAU_S)
        reached = int((depths <= order["depth"]).sum()) - 1
        weight_all, volume = weight_all + weight, volume + weight * order["size"]
        if reached >= order["touch"]:
            i = 1 if order["side"] > 0 else 0
            hits[i, reached] += weight
            hidden[i, order["touch"] : reached] += weight * BLOCK_S
            hidden[i, reached] += 0.5 * weight * BLOCK_S
            squares += weight * weight
    for begin, end, touch in stretches:
        ages = [(ns - t) * 1e-9 / TAU_S for t in (begin, ns if end < 0 else end)]
        seconds = TAU_S * (math.exp(-ages[1]) - math.exp(-ages[0]))
        dwell[touch:] += seconds
    exposed = dwell[None, :] - hidden
    kappa = brentq(_slope, 1e-3, 8.0, args=(hits, exposed, depths), xtol=1e-15, rtol=1e-15)
    return _summary(kappa, hits, exposed, depths, squares) | {
        "volume": (PRIOR_N * LOTS + volume) / (PRIOR_N + weight_all)
    }


def _shares(k: float, depths: Any) -> tuple[Any, Any]:
    """Return p_b and its derivative in k."""
    edges = np.append(np.exp(-k * depths), 0.0)
    falls = np.append(-depths * np.exp(-k * depths), 0.0)
    return edges[:-1] - edges[1:], falls[:-1] - falls[1:]


def _levels(k: float, hits: Any, exposed: Any, depths: Any) -> Any:
    p, _ = _shares(k, depths)
    return (PRIOR_N + hits.sum(axis=1)) / (PRIOR_N / A + exposed @ p)


def _slope(k: float, hits: Any, exposed: Any, depths: Any) -> float:
    p, dp = _shares(k, depths)
    levels = _levels(k, hits, exposed, depths)
    prior = PRIOR_N * (1 / k - 1 / KAPPA)
    return float(prior + (hits.sum(axis=0) * dp / p).sum() - (levels * (exposed @ dp)).sum())


def _summary(k: float, hits: Any, exposed: Any, depths: Any, squares: float) -> dict[str, float]:
    levels = _levels(k, hits, exposed, depths)
    told = {"a sell": levels[0], "a buy": levels[1], "kappa": k}
    told["rate"] = levels[1] * math.exp(-2.0 * k)
    p, dp = _shares(k, depths)
    n, m, m1, f = hits.sum(axis=1), exposed @ p, exposed @ dp, exposed @ (dp * dp / p)
    if min(*n, *m) <= 0.0:
        return told
    share = squares / hits.sum()
    information = float((n / m * (f - m1 * m1 / m)).sum())
    told["n"] = hits.sum() ** 2 / squares
    told["stderr"] = math.sqrt(share / information)
    told["a stderr"] = math.sqrt(share / n[1] + (m1[1] / m[1]) ** 2 * share / information)
    return told
