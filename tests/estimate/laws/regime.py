"""The regime against a reading of the whole list: five votes in a row, then the dwell."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import regime
from tests.estimate.laws.law import START_NS, Event

BAD: list[Event] = [
    ("sigma", START_NS + 10**15, sigma, 0.0) for sigma in (0.0, -1.0, math.nan, math.inf)
] + [("sigma", START_NS - 1, 1.0, 0.0)]


def start(rec: Any) -> None:
    """Reset."""
    regime.reset(rec)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """A quiet, a wild and a broken stretch, with jumps and readings without a jump statistic."""
    levels = np.select(
        [np.arange(count) < 150, np.arange(count) < 250, np.arange(count) < 300],
        [1.0, 2.2, 4.5],
        0.3,
    )
    sigmas = levels * np.exp(0.05 * rng.normal(size=count))
    jumps = np.where(rng.random(count) < 0.02, 6.0, rng.normal(size=count))
    jumps[rng.random(count) < 0.1] = math.nan
    at = ns + np.cumsum(rng.integers(1, 3, count)) * 1_000_000_000
    return [("sigma", int(at[i]), float(sigmas[i]), float(jumps[i])) for i in range(count)]


def feed(rec: Any, event: Event) -> None:
    """Take a reading."""
    regime.update(rec, event[1], event[2], event[3])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    return {
        "state": regime.state(rec),
        "baseline": regime.baseline_sigma(rec),
        "changes": int(rec.changes),
        "ready": regime.ready(rec),
        "stderr": regime.stderr(rec),
    }


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """States from the votes since the last change; the baseline from its list of (value, gain)."""
    learned: list[tuple[float, float]] = []
    votes: list[int] = []
    state, since, changes, last = regime.NORMAL, events[0][1], 0, events[0][1]
    for _, when, sigma, jump in events:
        vote = regime.NORMAL
        if len(learned) >= regime.READY_N:
            vote = _vote(state, sigma / math.sqrt(_mean(learned)), jump)
            votes.append(vote)
            five = votes[-5:] == [votes[-1]] * 5 and votes[-1] != state
            free = votes[-1] > state or changes == 0 or when - since >= regime.DWELL_NS
            if five and free:
                state, since, changes, votes = votes[-1], when, changes + 1, []
        lasted = when - since >= regime.HORIZON_S * 1e9
        if vote == regime.NORMAL if state == regime.NORMAL else lasted:
            gain = 1.0 / (len(learned) + 1)
            if len(learned) >= regime.READY_N:
                dt_s = (when - last) * 1e-9
                gain = max(gain, dt_s / (regime.HORIZON_S + dt_s))
            learned.append((sigma * sigma, gain))
        last = when
    return {"state": state, "changes": changes, "baseline": math.sqrt(_mean(learned))}


def _mean(learned: list[tuple[float, float]]) -> float:
    """Return the mean in which every value has its gain times what later gains have left."""
    total, left = 0.0, 1.0
    for value, gain in reversed(learned):
        total += left * gain * value
        left *= 1.0 - gain
    return total


def _vote(state: int, ratio: float, jump: float) -> int:
    slack = regime.HYSTERESIS
    broken = slack if state == regime.EXTREME else 1.0
    if ratio > 3.0 * broken or jump > 4.0 * broken:
        return regime.EXTREME
    if ratio > 1.5 * (slack if state >= regime.HIGH else 1.0):
        return regime.HIGH
    return regime.LOW if ratio < 0.5 / (slack if state == regime.LOW else 1.0) else regime.NORMAL
