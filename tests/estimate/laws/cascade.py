"""The cascade detector against sums over all liquidations and scipy's gamma tail."""

import math
from typing import Any

import numpy as np
from scipy.stats import gamma

from hypermaker.estimate import cascade
from tests.estimate.laws.law import START_NS, Event

RATE, IMPACT = 0.01, 1e-5
BAD: list[Event] = [
    ("liquidation", START_NS + 10**15, 1, usd, weight)
    for usd, weight in ((0.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (math.inf, 1.0), (1e3, 0.0))
] + [("liquidation", START_NS + 10**15, 1, 1e3, 1.5)]


def start(rec: Any) -> None:
    """Reset."""
    cascade.reset(rec, RATE, IMPACT)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """A calm hour, then a burst of forced sells; a few from the past."""
    calm = count * 2 // 3
    gaps = np.append(rng.exponential(60e9, calm), rng.exponential(0.7e9, count - calm))
    at = ns + np.cumsum(gaps.astype(np.int64))
    events: list[Event] = [("tick", ns)]
    for i in range(count):
        side = -1 if i >= calm and rng.random() < 0.9 else int(rng.choice((-1, 1)))
        late = 300_000_000 if rng.random() < 0.05 else 0
        usd, weight = float(rng.lognormal(5.8, 2.0)), float(rng.choice((1.0, 0.6)))
        events.append(("liquidation", int(at[i]) - late, side, usd, weight))
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a liquidation, or let time pass."""
    if event[0] == "tick":
        cascade.elapse(rec, event[1])
    else:
        cascade.record_liquidation(rec, event[2], event[3], event[4], event[1])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    told = {
        "severity": cascade.severity(rec),
        "direction": cascade.direction(rec),
        "rate": cascade.normal_rate(rec),
        "hedge": cascade.hedging_cost_usd(rec, 1e5),
        "ready": cascade.ready(rec),
        "stderr": cascade.stderr(rec),
    }
    for side in (-1, 1):
        told[f"severity {side}"] = float(rec.flows[1 if side > 0 else 0].severity)
        told[f"expected {side}"] = cascade.expected_liquidations(rec, side, 30.0)
        told[f"premium {side}"] = cascade.premium_bps(rec, side, 30.0)
        told[f"size {side}"] = cascade.size_factor(rec, side, 30.0, 0.5)
        told[f"pulled {side}"] = cascade.is_pulled(rec, side, 30.0, 0.5, 2)
    return told


class Past:
    """All that ever happened, summed anew for every question."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, float, float]] = []
        self.calm: list[tuple[int, float, float]] = []
        self.calm_ns = 0

    def normal(self) -> tuple[float, float, float, float]:
        """Return rate, E[mark], E[mark^2] and E[usd] of the normal regime, prior included.

        It ages by the time that was calm, and by that alone.
        """
        n0, tau = cascade.PRIOR_EVENTS, cascade.CALM_S
        fades = [w * math.exp(-(self.calm_ns - at) * 1e-9 / tau) for at, w, _ in self.calm]
        usd = [u for _, _, u in self.calm]
        total = n0 + sum(fades)
        seconds = tau * (1 - math.exp(-self.calm_ns * 1e-9 / tau))
        marks = sum(f * math.sqrt(u / cascade.UNIT_USD) for f, u in zip(fades, usd, strict=True))
        squares = sum(f * u / cascade.UNIT_USD for f, u in zip(fades, usd, strict=True))
        dollars = sum(f * u for f, u in zip(fades, usd, strict=True))
        return (
            total / (n0 / RATE + seconds),
            (n0 + marks) / total,
            (n0 * cascade.PRIOR_MARK2 + squares) / total,
            (n0 * cascade.PRIOR_USD + dollars) / total,
        )

    def flow(self, side: int, now: int) -> tuple[float, float, float, float]:
        """Return marks, largest mark, count and USD of a side, faded to now."""
        parts = [
            (w * math.exp(-cascade.BETA * (now - at) * 1e-9), usd)
            for at, s, usd, w in self.seen
            if s == side
        ]
        marks = [p * math.sqrt(usd / cascade.UNIT_USD) for p, usd in parts]
        largest = max(marks, default=0.0)
        return math.fsum(marks), largest, sum(p for p, _ in parts), sum(p * u for p, u in parts)

    def severity(self, side: int, now: int) -> float:
        """Return -log10 of scipy's tail."""
        rate, mark, mark2, _ = self.normal()
        marks, largest, _, _ = self.flow(side, now)
        mean = rate / 2 * mark / cascade.BETA
        spread = rate / 2 * mark2 / (2 * cascade.BETA) / (1 - cascade.BRANCHING) ** 2
        if marks - largest <= mean:
            return 0.0
        scale = spread / mean
        return -float(gamma.logsf(marks - largest, mean / scale, scale=scale)) / math.log(10)


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Replay the list, asking the whole past at every liquidation."""
    past, begin, now, active = Past(), events[0][1], events[0][1], False
    reviewed = begin
    severities = {-1: 0.0, 1: 0.0}
    for event in events:
        if event[1] > now:
            if not active:
                past.calm_ns += event[1] - now
            now = event[1]
        if event[0] == "tick":
            continue
        if event[1] - reviewed >= cascade.REVIEW_NS and now - begin >= cascade.WARMUP_NS:
            severities = {s: past.severity(s, now) for s in (-1, 1)}
            active = max(severities.values()) >= cascade.SEVERITY_ACTIVE
        if not active:
            past.calm.append((past.calm_ns, event[4], event[3]))
        past.seen.append((event[1], event[2], event[3], event[4]))
        reviewed = now
        if now - begin >= cascade.WARMUP_NS:
            severities = {s: past.severity(s, now) for s in (-1, 1)}
        active = max(severities.values()) >= cascade.SEVERITY_ACTIVE
    rate, mark, _, dollars = past.normal()
    told = {"severity": max(severities.values()), "rate": rate}
    for side in (-1, 1):
        marks, _, count, usd = past.flow(side, now)
        relax = cascade.BETA * (1 - cascade.BRANCHING)
        intensity = rate / 2 * (1 - cascade.BRANCHING)
        intensity += cascade.BRANCHING * cascade.BETA * marks / mark
        extra = (intensity - rate / 2) * (1 - math.exp(-relax * 30.0)) / relax
        told[f"expected {side}"] = rate / 2 * 30.0 + extra
        ramp = min(1.0, max(0.0, (severities[side] - 3.0) / 3.0))
        told[f"premium {side}"] = IMPACT * max(0.0, extra) * (dollars + usd) / (1 + count) * ramp
        told[f"size {side}"] = math.exp(-0.5 * told[f"premium {side}"])
    return told
