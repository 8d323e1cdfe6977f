"""The inference of liquidations against a reading of the whole list of windows."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import liquidations
from tests.estimate.laws.law import START_NS, Event

BAD: list[Event] = [("trade", START_NS, 1, size) for size in (0.0, -1.0, math.nan, math.inf)] + [
    ("context", START_NS, math.inf, 0.0, 1.0),
    ("context", START_NS, 1.0, math.nan, 1.0),
    ("context", START_NS, 1.0, 0.0, 0.0),
]


def start(rec: Any) -> None:
    """Reset."""
    liquidations.reset(rec)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """A window a second; in the last third every tenth is a one-sided burst that closes."""
    interest, events = 1e6, []
    for i in range(count):
        when = ns + i * 1_000_000_000
        forced = i > count * 2 // 3 and i % 10 == 0
        for _ in range(int(rng.poisson(3))):
            events.append(("trade", when, int(rng.choice((-1, 1))), float(rng.lognormal(2, 1))))
        if forced:
            events += [("trade", when, -1, 900.0)] * 5
            interest -= 3500.0
        interest += float(rng.normal(0, 10))
        sent = interest if rng.random() < 0.95 else -1.0
        gap = 8.0 if forced else float(rng.normal(0, 1))
        events.append(("context", when + 10**8, sent, gap, 0.5))
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a print or a context."""
    if event[0] == "trade":
        liquidations.observe_trade(rec, event[2], event[3])
    else:
        liquidations.observe_context(rec, event[1], event[2], event[3], event[4])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "found": float(rec.found),
        "windows": float(rec.windows),
        "side": float(rec.side),
        "usd": float(rec.usd),
        "chance": float(rec.chance),
        "ready": liquidations.ready(rec),
        "stderr": liquidations.stderr(rec),
    }


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Collect windows, keep the habit as a list, and add up the log-odds of each."""
    habit: list[tuple[int, float]] = []
    volume, interest, told = {-1: 0.0, 1: 0.0}, -1.0, {"found": 0.0, "windows": 0.0}
    before = 0
    for event in events:
        if event[0] == "trade":
            volume[event[2]] += event[3]
            continue
        total, side = volume[-1] + volume[1], 1 if volume[1] > volume[-1] else -1
        if before and total > 0.0:
            known = interest >= 0.0 and event[2] >= 0.0
            closing = (interest - event[2]) / total if known else 0.0
            told["windows"] += 1
            chance = _chance(habit, volume[side], volume[-side], closing, -side * event[3])
            if chance >= 0.5:
                told |= {"found": told["found"] + 1, "side": side, "chance": chance}
                told["usd"] = volume[side] * event[4]
            else:
                gap = (event[1] - before) * 1e-9
                habit = [(w * math.exp(-gap / liquidations.HABIT_S), v) for w, v in habit]
                habit.append((1.0, math.log1p(volume[side])))
        before, interest, volume = event[1], event[2], {-1: 0.0, 1: 0.0}
    return told


def _chance(
    habit: list[tuple[float, float]], volume: float, against: float, closing: float, gap: float
) -> float:
    total, squares = sum(w for w, _ in habit), sum(w * w for w, _ in habit)
    if not habit or total * total / squares < liquidations.READY_N:
        return 0.0
    mean = sum(w * v for w, v in habit) / total
    spread = sum(w * (v - mean) ** 2 for w, v in habit) / (total - squares / total)
    burst = (math.log1p(volume) - mean) / math.sqrt(spread)
    odds = -10.5 + 2.0 * max(-4.0, min(4.0, burst))
    odds += 3.0 * (volume - against) / (volume + against)
    odds += 3.5 * max(-1.0, min(1.0, closing)) + 0.5 * max(-10.0, min(10.0, gap))
    return 1 / (1 + math.exp(-odds))
