"""Markouts against a look-up of the mid at every horizon of every fill."""

import math
from bisect import bisect_right
from itertools import pairwise
from typing import Any

import numpy as np

from hypermaker.estimate import adverse_selection as adverse
from tests.estimate.laws.law import START_NS, Event

TOUCH, DECAY = 3.0, 8.0
BAD: list[Event] = [
    ("mid", START_NS + 10**15, 0.0),
    ("mid", START_NS + 10**15, math.nan),
    ("mid", START_NS + 10**15, math.inf),
    ("mid", START_NS - 1, 100.0),
    ("trade", START_NS + 10**15, 1, math.nan),
    ("fill", START_NS + 10**15, 1, 1.0, 0.0),
    ("fill", START_NS + 10**15, 1, math.inf, 100.0),
]


def start(rec: Any) -> None:
    """Reset."""
    adverse.reset(rec, TOUCH, DECAY)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Mids, market orders of several prints, and fills of our own, over twenty minutes."""
    at = ns + np.cumsum(rng.exponential(2.0e9, count).astype(np.int64))
    mid, events = 100.0, []
    for i in range(count):
        what, when = rng.random(), int(at[i])
        side = 1 if rng.random() < 0.5 else -1
        if what < 0.6 or i == 0:
            mid *= math.exp(1e-4 * rng.normal())
            events.append(("mid", when, mid))
        elif what < 0.9:
            for _ in range(int(rng.integers(1, 3))):
                events.append(("trade", when, side, float(rng.exponential(4.0))))
        else:
            depth = float(rng.exponential(2.0))
            events.append(("fill", when, side, depth, mid * (1 + 1e-4 * rng.normal())))
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a mid, a print or a fill."""
    if event[0] == "mid":
        adverse.observe_mid(rec, event[1], event[2])
    elif event[0] == "trade":
        adverse.observe_trade(rec, event[2], event[3], event[1])
    else:
        adverse.observe_fill(rec, event[2], event[3], event[4], event[1])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    told = {"ready": adverse.ready(rec), "stderr": adverse.stderr(rec)}
    for side in (-1, 1):
        told[f"pick-off {side}"] = adverse.pickoff_bps(rec, side)
        told[f"epsilon {side}"] = adverse.epsilon_bps(rec, side, 3.0)
        for h in range(adverse.HORIZONS):
            told[f"error {side} {h}"] = adverse.stderr_at(rec, side, h)
            for b in range(adverse.BUCKETS):
                told[f"markout {side} {b} {h}"] = adverse.markout_bps(rec, side, b, h)
                told[f"fills {side} {b} {h}"] = adverse.fills_counted(rec, side, b, h)
    return told


def _fills(events: list[Event]) -> list[dict[str, Any]]:
    """Return every fill with its time, sign, deepest bucket and the mid before it."""
    fills: list[dict[str, Any]] = []
    last: dict[int, dict[str, Any]] = {}
    mid, mid_ns = 0.0, 0
    for event in events:
        if event[0] == "mid":
            mid, mid_ns = event[2], event[1]
            continue
        bucket = sum(event[3] >= edge for edge in adverse.EDGES_BPS)
        known = last.get(event[2])
        if event[0] == "trade" and known is not None and known["print_ns"] == event[1]:
            known["bucket"] = max(known["bucket"], bucket)
            continue
        made = {"ns": max(event[1], mid_ns), "side": event[2], "bucket": bucket, "mid": mid}
        fills.append(made | {"print_ns": event[1]})
        if event[0] == "trade":
            last[event[2]] = fills[-1]
    return fills


def _blocks(mids: list[Event]) -> list[int]:
    """Return when each block of two minutes was closed: at the first mid after its end."""
    closed, begin = [mids[0][1]], mids[0][1]
    for mid in mids:
        if mid[1] - begin >= adverse.BLOCK_NS:
            begin = mid[1]
            closed.append(begin)
    return closed


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Weighted means over explicit moves; a move fades with every block closed after it."""
    mids = [event for event in events if event[0] == "mid"]
    if len(mids) < 2:
        return {"stderr": math.inf}
    times, closed = [mid[1] for mid in mids], _blocks(mids)
    told: dict[str, float] = {}
    for side in (-1, 1):
        for h in range(adverse.HORIZONS):
            moves = []
            for fill in _fills(events):
                due = fill["ns"] + adverse.HORIZON_NS[h]
                settled = next((t for t in times if t >= due), None)
                if fill["side"] == side and settled is not None:
                    then = mids[bisect_right(times, due) - 1][2]
                    move = side * (then - fill["mid"]) / fill["mid"] * 1e4
                    block = sum(c < settled for c in closed)
                    moves.append((move, fill["bucket"], block))
            told |= _means(moves, closed, side, h)
    return told


def _means(moves: list[Any], closed: list[int], side: int, h: int) -> dict[str, float]:
    spans = [math.exp(-(b - a) * 1e-9 / adverse.TAU_S) for a, b in pairwise(closed)]
    fade = [math.prod(spans[max(0, block - 1) :]) for _, _, block in moves]
    told: dict[str, float] = {}
    for b in range(adverse.BUCKETS):
        chosen = [(w, m[0]) for w, m in zip(fade, moves, strict=True) if m[1] >= b]
        told[f"fills {side} {b} {h}"] = math.fsum(w for w, _ in chosen)
        if chosen:
            total = math.fsum(w * move for w, move in chosen)
            told[f"markout {side} {b} {h}"] = total / math.fsum(w for w, _ in chosen)
    return told
