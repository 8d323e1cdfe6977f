"""Two-sided flow: the reference's numbers, feedback in forecasts, a drift that earns its say."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hypermaker.estimate import order_flow
from tests.estimate.loops import feed_flow

Cases = dict[str, dict[str, Any]]
S = 1_000_000_000


def fresh(mu: float = 0.5, alpha: float = 0.3, cross: float = 0.1, beta: float = 1.0) -> Any:
    """Return a reset record."""
    array = np.zeros(1, order_flow.ORDER_FLOW)
    order_flow.reset(array[0], mu, alpha, cross, beta)
    return array[0]


def test_one_buy_at_rest() -> None:
    """T-89: 0.8 / 0.6, imbalance 0.142857, activity 0.689974; 10 s later buys at 0.610364."""
    rec = fresh()
    order_flow.set_excitation(rec, 0.5, 0.3, 0.1, 0.1)
    assert order_flow.activity(rec, S) == 0.5 and order_flow.imbalance(rec, S) == 0.0
    order_flow.observe_trade(rec, 1, S)
    assert order_flow.intensities(rec, S) == pytest.approx((0.8, 0.6), abs=1e-12)
    assert order_flow.imbalance(rec, S) == pytest.approx(0.142857, abs=1e-6)
    assert order_flow.activity(rec, S) == pytest.approx(0.689974, abs=1e-6)
    assert order_flow.intensities(rec, 11 * S)[0] == pytest.approx(0.610364, abs=1e-6)


def test_intensities_decay_when_nobody_trades() -> None:
    """T-89 C: queried later, without a trade in between, without a change of state."""
    rec = fresh()
    order_flow.observe_trade(rec, -1, S)
    seen = [order_flow.intensities(rec, (1 + t) * S)[1] for t in range(5)]
    assert all(a > b > 0.5 for a, b in pairwise(seen))


def test_processes_that_explode_are_refused() -> None:
    """T-90 C: (alpha + cross)/beta >= 1, the predecessor's 4 among them."""
    for alpha, cross, beta in ((0.3, 0.1, 0.1), (0.5, 0.5, 1.0), (-0.1, 0.0, 1.0)):
        with pytest.raises(AssertionError):
            fresh(0.5, alpha, cross, beta)


def test_forecasts_include_feedback() -> None:
    """T-90, changed: feedback lifts the expectation above the bare decay 10 mu + S (1 - e^-10)."""
    rec = fresh()
    order_flow.observe_trade(rec, 1, S)
    buys, sells = order_flow.expected_orders(rec, S, 10.0)
    assert buys > 5.0 + 0.3 * (1 - math.exp(-10.0))
    level = 0.5 / (1 - 0.4)
    assert buys + sells == pytest.approx(
        2 * level * 10 + (1.4 - 2 * level) * (1 - math.exp(-6.0)) / 0.6, rel=1e-12
    )
    assert buys - sells == pytest.approx(0.2 * (1 - math.exp(-8.0)) / 0.8, rel=1e-12)


def test_a_quiet_market_forecasts_its_mean() -> None:
    """The intensity at the long-run mean stays there."""
    rec = fresh(alpha=0.0, cross=0.0)
    assert order_flow.expected_orders(rec, S, 8.0) == pytest.approx((4.0, 4.0), rel=1e-12)


def test_order_flow_imbalance_of_the_reference(cases: Cases) -> None:
    """MIC-1: three updates of the touch."""
    case = cases["MIC-1"]
    updates = [tuple(map(float, u)) for u in case["inputs"]["ofi_updates"]]
    told = [order_flow.ofi_step(a, b) for a, b in pairwise(updates)]
    assert told == pytest.approx(case["expected"]["ofi"], abs=1e-9)


def test_prints_of_one_block_and_side_are_one_order() -> None:
    """The excitation counts taker orders, not prints."""
    rec = fresh()
    for _ in range(5):
        order_flow.observe_trade(rec, 1, S)
    order_flow.observe_trade(rec, -1, S)
    assert rec.orders == 2
    assert order_flow.intensities(rec, S) == pytest.approx((0.9, 0.9), abs=1e-12)


def flow(push_bps: float, seed: int) -> tuple[Any, Any, Any]:
    """Return (times, sides, books): orders in runs of one side, the mid drifting with the run."""
    rng = np.random.default_rng(seed)
    count = 40_000
    run = np.repeat(rng.choice((-1, 1), count // 50), 50)
    sides = np.where(np.arange(count) % 2 == 0, 0, np.where(rng.random(count) < 0.8, run, -run))
    steps = (push_bps * run + rng.normal(0, 1.0, count)) * 1e-4 * 0.3
    mid = 1e6 * np.exp(np.cumsum(steps))
    books = np.column_stack((mid - 5, np.full(count, 9.0), mid + 5, np.full(count, 9.0)))
    return S + np.arange(count) * (S // 4), sides, books


def test_a_drift_that_is_there_is_found() -> None:
    """F-54: signed as the flow, and only once the data tell it from nothing."""
    rec = fresh()
    feed_flow(rec, *flow(0.4, 1))
    assert rec.drift.xy > 0.0
    order_flow.observe_trade(rec, 1, 40_000 * S)
    assert order_flow.drift_bps_per_s(rec, 40_000 * S) > 0.0
    order_flow.observe_trade(rec, -1, 40_010 * S)
    assert order_flow.drift_bps_per_s(rec, 40_010 * S) < 0.0


def test_a_drift_that_is_not_there_stays_zero() -> None:
    """F-54: on flow without any push at most five seeds in forty speak: the size of the test."""
    spoke = 0
    for seed in range(40):
        rec = fresh()
        feed_flow(rec, *flow(0.0, seed))
        spoke += order_flow.drift_bps_per_s(rec, 20_000 * S) != 0.0
    assert spoke <= 5


def test_a_broken_feed_predicts_nothing() -> None:
    """The open prediction and the last touch are dropped."""
    rec = fresh()
    order_flow.observe_book(rec, S, (99.0, 5.0), (101.0, 5.0))
    order_flow.interrupt(rec)
    order_flow.observe_book(rec, 100 * S, (199.0, 5.0), (201.0, 5.0))
    assert order_flow.ofi_lots(rec, 100 * S) == 0.0 and rec.drift.weight == 0.0
