"""Markouts: signed, at four horizons, by depth, from the market's trades and from our own."""

import math
from typing import Any

import numpy as np
import pytest

from hypermaker.estimate import adverse_selection as adverse
from tests.estimate.loops import feed_fills

Cases = dict[str, dict[str, Any]]
S = 1_000_000_000


def fresh(touch: float = 3.0, decay: float = 8.0) -> Any:
    """Return a reset record."""
    array = np.zeros(1, adverse.ADVERSE_SELECTION)
    adverse.reset(array[0], touch, decay)
    return array[0]


def flow(eps: float, count: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return (times, mids, sides, depths): a tenth of half-seconds has a taker whose news is eps.

    The mid moves that many bps against the maker at once; both sides come equally often, so what
    later takers know is no drift.
    """
    rng = np.random.default_rng(seed)
    sides = np.where(rng.random(count) < 0.1, rng.choice((-1, 1), count), 0)
    moves = 0.6 * math.sqrt(0.5) * rng.normal(size=count) + eps * sides
    mids = 100.0 * np.exp(np.cumsum(moves) * 1e-4)
    return S + np.arange(count) * (S // 2), mids, sides, rng.exponential(3.0, count)


@pytest.mark.parametrize("truth", [1.5, 0.4])
def test_informed_flow_is_measured(truth: float) -> None:
    """F-30: a synthetic informed flow gives its cost back at every horizon and side."""
    rec = fresh()
    feed_fills(rec, *flow(truth, 60_000, 1))
    for side in (-1, 1):
        for h in range(adverse.HORIZONS):
            error = adverse.stderr_at(rec, side, h)
            assert abs(adverse.markout_bps(rec, side, 0, h) - truth) < 3.5 * error
    assert adverse.stderr_at(rec, 1, 0) < 0.05
    fills = adverse.fills_counted(rec, 1, 0, adverse.PLATEAU)
    seen = adverse.markout_bps(rec, 1, 0, adverse.PLATEAU)
    shrunk = (100.0 * 3.0 + fills * seen) / (100.0 + fills)
    assert adverse.epsilon_bps(rec, 1, 0.0) == pytest.approx(shrunk, rel=1e-12)


def test_moves_are_signed() -> None:
    """F-31: on uninformed flow favourable moves count; absolute ones would cost bps."""
    rec = fresh()
    feed_fills(rec, *flow(0.0, 60_000, 2))
    assert abs(adverse.markout_bps(rec, 1, 0, 2)) < 0.35
    assert 0.6 * math.sqrt(30 * 2 / math.pi) > 2.0


def test_error_bars_cover_overlapping_fills() -> None:
    """At 30 s every fill overlaps ten others: the 95 % interval holds in 88 % of 60 runs."""
    inside = 0
    for seed in range(60):
        rec = fresh()
        feed_fills(rec, *flow(0.5, 20_000, seed))
        gap = adverse.markout_bps(rec, 1, 0, 2) - 0.5
        inside += abs(gap) < 1.96 * adverse.stderr_at(rec, 1, 2)
    assert inside >= 53


def test_a_mid_holds_until_the_next_one() -> None:
    """The mid of the horizon, not the one that came after it."""
    rec = fresh()
    adverse.observe_mid(rec, 0, 100.0)
    adverse.observe_trade(rec, 1, 1.0, S // 2)
    adverse.observe_mid(rec, S, 100.01)
    adverse.observe_mid(rec, 10 * S, 101.0)
    assert adverse.markout_bps(rec, 1, 0, 0) == pytest.approx(1.0, rel=1e-9)
    assert adverse.markout_bps(rec, 1, 0, 1) == pytest.approx(1.0, rel=1e-9)
    assert math.isnan(adverse.markout_bps(rec, 1, 0, 2))
    assert math.isnan(adverse.markout_bps(rec, -1, 0, 0))


def test_the_mid_before_the_fill_is_the_reference() -> None:
    """F-30: a fill is measured from the mid it met, not from the one it made."""
    rec = fresh()
    adverse.observe_mid(rec, S, 100.0)
    adverse.observe_trade(rec, -1, 3.0, 2 * S)
    adverse.observe_mid(rec, 2 * S, 99.98)
    adverse.observe_mid(rec, 9 * S, 99.98)
    assert adverse.markout_bps(rec, -1, 0, 0) == pytest.approx(2.0, rel=1e-6)


def test_depth_buckets_and_prior() -> None:
    """T-93: AS(0) 3, AS(8) 1.103638; a depth of 2 is in the second bucket."""
    rec = fresh()
    assert adverse.prior_bps(rec, 0.0) == 3.0
    assert adverse.prior_bps(rec, 8.0) == pytest.approx(1.103638, abs=1e-6)
    depths = (0.0, 1.999, 2.0, 5.0, 10.0, 500.0)
    assert [adverse.bucket_of(d) for d in depths] == [0, 0, 1, 2, 3, 3]
    assert adverse.epsilon_bps(rec, 1, 8.0) == adverse.prior_bps(rec, 8.0)


def test_break_even_depth() -> None:
    """T-93: with a fee of 1.5 bps 3.4493 bps; without adverse selection the fee."""
    assert adverse.break_even_bps(3.0, 8.0, 1.5) == pytest.approx(3.4493, abs=5e-5)
    assert adverse.break_even_bps(0.0, 8.0, 1.5) == pytest.approx(1.5, abs=1e-12)


def test_few_fills_lean_on_the_prior_bucket_by_bucket() -> None:
    """T-93, changed: nine fills move a bucket by 9 %, and no bucket switches the others off."""
    rec = fresh()
    adverse.observe_mid(rec, 0, 100.0)
    for i in range(9):
        adverse.observe_trade(rec, 1, 1.0, (i + 1) * S)
    adverse.observe_mid(rec, 10 * S, 100.0)
    adverse.observe_mid(rec, 200 * S, 100.0)
    assert adverse.fills_counted(rec, 1, 0, 1) == pytest.approx(9.0, rel=0.06)
    shrunk = adverse.epsilon_bps(rec, 1, 0.0) / 3.0
    assert shrunk == pytest.approx(100.0 / 109.0, rel=0.01)
    assert adverse.epsilon_bps(rec, -1, 0.0) == 3.0


def test_a_quote_is_hit_by_everything_that_goes_deeper() -> None:
    """A sweep to 12 bps filled the quote at 1 bp too; a shallow order never met the deep quote."""
    rec = fresh()
    adverse.observe_mid(rec, 0, 100.0)
    adverse.observe_trade(rec, 1, 12.0, S)
    adverse.observe_trade(rec, 1, 1.0, 2 * S)
    adverse.observe_mid(rec, 4 * S, 100.0)
    assert [adverse.fills_counted(rec, 1, b, 0) for b in range(4)] == [2.0, 1.0, 1.0, 1.0]


def test_our_own_fills_join_with_the_mid_at_placement() -> None:
    """The mid at placement, at the fill, and after: three numbers, none measured against itself."""
    rec = fresh()
    adverse.observe_mid(rec, 0, 100.0)
    adverse.observe_fill(rec, -1, 2.5, 100.03, S)
    adverse.observe_mid(rec, 3 * S, 99.99)
    adverse.observe_mid(rec, 4 * S, 99.99)
    assert adverse.pickoff_bps(rec, -1) == pytest.approx(3.0, rel=1e-3)
    assert adverse.fills_counted(rec, -1, 1, 0) == 1.0
    assert math.isnan(adverse.pickoff_bps(rec, 1))


def test_a_full_ring_says_so() -> None:
    """Fills beyond the ring are counted, and the ring goes on after."""
    rec = fresh()
    adverse.observe_mid(rec, 0, 100.0)
    for i in range(adverse.RING + 40):
        adverse.observe_trade(rec, 1, 1.0, 1 + i)
    assert rec.dropped == 40
    adverse.observe_mid(rec, 120 * S, 100.0)
    adverse.observe_mid(rec, 121 * S, 100.0)
    adverse.observe_trade(rec, 1, 1.0, 122 * S)
    assert rec.dropped == 40 and rec.pushed == adverse.RING + 1


def test_a_broken_feed_gives_up_what_waits() -> None:
    """No markout across a gap nobody saw."""
    rec = fresh()
    adverse.observe_mid(rec, 0, 100.0)
    adverse.observe_trade(rec, 1, 1.0, S)
    adverse.interrupt(rec)
    adverse.observe_mid(rec, 500 * S, 200.0)
    adverse.observe_mid(rec, 600 * S, 200.0)
    assert adverse.fills_counted(rec, 1, 0, 3) == 0.0


def test_the_cost_of_a_stale_quote(cases: Cases) -> None:
    """MIC-1: pick-off cost; nothing without latency."""
    case = cases["MIC-1"]
    g = case["inputs"]
    cost = adverse.stale_cost_bps(g["delta_bps"], g["sigma_bps_sqrt_s"], g["latency_s"])
    assert cost == pytest.approx(case["expected"]["pickoff_cost_bps"], abs=1e-9)
    assert adverse.stale_cost_bps(3.0, 2.0, 0.0) == 0.0
