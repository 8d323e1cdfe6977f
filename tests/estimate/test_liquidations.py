"""Inferring liquidations nobody announces: precision, recall and delay against known truth."""

from typing import Any

import numpy as np

from hypermaker.estimate import cascade, liquidations
from tests.estimate.loops import feed_windows

S = 1_000_000_000


def fresh() -> Any:
    """Return a reset record."""
    array = np.zeros(1, liquidations.LIQUIDATIONS)
    liquidations.reset(array[0])
    return array[0]


def market(count: int, seed: int, *, interest_sent: bool = True) -> tuple[Any, Any, Any]:
    """Return (times, windows, truth) of one-second windows with forced closes in cascades.

    Ordinary flow: lognormal volumes on both sides, and sweeps (1 % of windows) that are just as
    large and one-sided as forced closes but open positions as often as they close them and do not
    push the book past the mark. Forced: every 300 windows a cascade of ten, one of two forced.
    """
    rng = np.random.default_rng(seed)
    volume = rng.lognormal(3.0, 1.0, (count, 2)) * (rng.random((count, 2)) < 0.6)
    change = rng.normal(0, 0.4, count) * volume.sum(axis=1)
    gap = rng.normal(0, 1.0, count)
    sweeps = np.flatnonzero(rng.random(count) < 0.01)
    side = rng.integers(0, 2, count)
    volume[sweeps, side[sweeps]] += rng.lognormal(6.0, 0.5, len(sweeps))
    change[sweeps] += rng.choice((-0.5, 0.5), len(sweeps)) * volume[sweeps].sum(axis=1)
    truth = np.zeros(count, int)
    for begin in range(600, count - 10, 300):
        way = int(rng.integers(0, 2))
        for i in range(begin, begin + 10):
            if rng.random() < 0.5:
                volume[i, way] += rng.lognormal(6.3, 0.6)
                change[i] = -rng.uniform(0.3, 1.0) * volume[i, way]
                gap[i] = (1 if way == 0 else -1) * rng.uniform(2.0, 10.0)
                truth[i] = -1 if way == 0 else 1
    interest = 1e7 + np.cumsum(change) if interest_sent else np.full(count, -1.0)
    return S * (1 + np.arange(count)), np.column_stack((volume, interest, gap)), truth


def score(found: Any, truth: Any) -> tuple[float, float]:
    """Return precision and recall, side included."""
    right = int(((found == truth) & (truth != 0)).sum())
    return right / max(1, int((found != 0).sum())), right / int((truth != 0).sum())


def test_forced_flow_is_told_from_sweeps() -> None:
    """Item 3: on simulated cascades precision and recall above 0.8, found in the same window."""
    told = []
    for seed in range(5):
        at, windows, truth = market(12_000, seed)
        found = np.zeros(len(at), int)
        feed_windows(fresh(), at, windows, found)
        told.append(score(found, truth))
    precision, recall = np.mean(told, axis=0)
    assert precision > 0.8 and recall > 0.8, told


def test_a_feed_without_open_interest_is_absent_not_evidence() -> None:
    """F-38: without open interest the inference is weaker and still right more often than not."""
    at, windows, truth = market(12_000, 1, interest_sent=False)
    found = np.zeros(len(at), int)
    feed_windows(fresh(), at, windows, found)
    precision, recall = score(found, truth)
    assert precision > 0.5 and recall > 0.3


def test_nothing_is_inferred_before_the_habit_is_known() -> None:
    """The first two minutes of trading teach what is ordinary."""
    at, windows, _ = market(100, 3)
    windows[90:, 0] += 1e5
    found = np.zeros(len(at), int)
    rec = fresh()
    feed_windows(rec, at, windows, found)
    assert not found.any() and not liquidations.ready(rec)


def test_a_cascade_is_seen_through_the_inference_alone() -> None:
    """Ten windows of inferred forced sells raise the detector, which was calm for half an hour."""
    rng = np.random.default_rng(1)
    array = np.zeros(1, cascade.CASCADE)
    detector, rec = array[0], fresh()
    cascade.reset(detector, 0.005, 1e-5)
    interest = 1e7
    for i in range(2_000):
        forced = i >= 1_980 and i % 2 == 0
        sells, buys = rng.lognormal(3.0, 1.0, 2)
        liquidations.observe_trade(rec, -1, float(sells + (1_500.0 if forced else 0.0)))
        liquidations.observe_trade(rec, 1, float(buys))
        interest -= 1_000.0 if forced else float(rng.normal(0, 5))
        gap = 8.0 if forced else float(rng.normal(0, 1))
        now = (i + 1) * S
        if liquidations.observe_context(rec, now, interest, gap, 10.0):
            cascade.record_liquidation(detector, rec.side, rec.usd, rec.chance, now)
        cascade.elapse(detector, now)
        if i == 1_979:
            assert cascade.severity(detector) < cascade.SEVERITY_ACTIVE
    assert cascade.severity(detector) > cascade.SEVERITY_ACTIVE
    assert cascade.direction(detector) == cascade.LONGS


def test_an_interruption_drops_the_window() -> None:
    """Volume and open interest from before a gap say nothing about after it."""
    rec = fresh()
    liquidations.observe_trade(rec, 1, 5.0)
    liquidations.observe_context(rec, S, 1e6, 0.0, 1.0)
    liquidations.observe_trade(rec, 1, 1e9)
    liquidations.interrupt(rec)
    assert not liquidations.observe_context(rec, 100 * S, 1.0, 0.0, 1.0)
    assert rec.windows == 0
