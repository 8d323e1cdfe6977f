"""Cascades: a severity that means the same everywhere, and a response in money."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import gamma

from hypermaker.estimate import cascade
from hypermaker.estimate.gamma_tail import log_gamma, log_upper_gamma
from tests.estimate.loops import feed_liquidations

S = 1_000_000_000
RATE, IMPACT, KAPPA, HORIZON_S = 0.005, 1e-5, 0.5, 60.0


def fresh(rate: float = RATE, impact: float = IMPACT, warm: bool = True) -> Any:
    """Return a reset record, after the minute of warm-up."""
    array = np.zeros(1, cascade.CASCADE)
    cascade.reset(array[0], rate, impact)
    cascade.elapse(array[0], S)
    if warm:
        cascade.elapse(array[0], 62 * S)
    return array[0]


def burst(rec: Any, side: int, count: int, usd: float, *, at_s: float = 63.0) -> None:
    """Feed liquidations half a second apart."""
    for i in range(count):
        cascade.record_liquidation(rec, side, usd, 1.0, int((at_s + 0.5 * i) * S))


def test_the_gamma_tail_is_scipys() -> None:
    """An independent library, from shapes of 1e-4 to 100 and tails down to e^-300."""
    for shape in np.geomspace(1e-4, 100.0, 15):
        assert log_gamma(shape) == pytest.approx(float(gammaln(shape)), rel=1e-12, abs=1e-13)
        for x in np.geomspace(1e-4, 300.0, 25):
            oracle = float(gamma.logsf(x, shape))
            assert log_upper_gamma(shape, x) == pytest.approx(oracle, rel=1e-9, abs=1e-12)
    assert log_upper_gamma(2.0, 0.0) == 0.0 and log_upper_gamma(2.0, math.inf) == -math.inf


@pytest.mark.parametrize("usd", [799.0, 800.0, 10_000.0, 1e6, 1e9])
@pytest.mark.parametrize("rate", [1e-6, 1e-3, 0.1])
def test_one_liquidation_is_no_cascade(usd: float, rate: float) -> None:
    """T-07, T-08, changed: no single event pulls anything, whatever its size and the coin."""
    rec = fresh(rate)
    burst(rec, -1, 1, usd)
    assert cascade.severity(rec) == 0.0
    assert cascade.premium_bps(rec, -1, HORIZON_S) == 0.0
    assert cascade.size_factor(rec, -1, HORIZON_S, KAPPA) == 1.0
    assert not cascade.is_pulled(rec, -1, HORIZON_S, KAPPA, 2)


def test_before_a_minute_of_watching_nothing_is_severe() -> None:
    """T-09: severity 0, no premium, full size, no pull before 60 s, whatever the flow."""
    rec = fresh(warm=False)
    burst(rec, -1, 60, 50_000.0, at_s=2.0)
    assert cascade.severity(rec) == 0.0
    assert cascade.premium_bps(rec, -1, HORIZON_S) == 0.0
    assert cascade.size_factor(rec, -1, HORIZON_S, KAPPA) == 1.0
    assert cascade.direction(rec) == cascade.NONE


def test_the_response_fades_in() -> None:
    """T-10, changed: severity in decades; below 3 no response, from 6 on all of it, no step."""
    rec, told = fresh(), []
    for i in range(120):
        burst(rec, -1, 1, 3_000.0, at_s=63.0 + 0.5 * i)
        told.append((cascade.severity(rec), cascade.response(rec, -1)))
    severities, responses = zip(*told, strict=True)
    assert all(a < b for a, b in pairwise(severities[2:]))
    for severity, response in told:
        assert response == pytest.approx(min(1.0, max(0.0, (severity - 3) / 3)), abs=1e-12)
    assert responses[0] == 0.0 and responses[-1] == 1.0
    assert cascade.size_factor(rec, -1, HORIZON_S, KAPPA) == pytest.approx(
        math.exp(-KAPPA * cascade.premium_bps(rec, -1, HORIZON_S)), rel=1e-12
    )


def test_severity_has_no_upper_end() -> None:
    """T-14: a kill threshold in the same unit can be exceeded, whatever it is."""
    rec = fresh()
    for i in range(4_000):
        cascade.record_liquidation(rec, -1, 50_000.0, 1.0, 63 * S + i * S // 40)
    assert cascade.severity(rec) > 100.0
    assert math.isfinite(cascade.severity(rec))


def test_direction_is_by_share() -> None:
    """T-11: 10 longs + 1 short -> longs; 3 + 7 -> both; 2 + 8 -> shorts; inactive -> none."""
    for longs, shorts, expected in (
        (10, 1, cascade.LONGS),
        (3, 7, cascade.BOTH),
        (2, 8, cascade.SHORTS),
    ):
        rec = fresh()
        for side, count in ((-1, longs), (1, shorts)):
            for _ in range(count):
                cascade.record_liquidation(rec, side, 2e4, 1.0, 63 * S)
        assert cascade.is_active(rec)
        assert cascade.direction(rec) == expected
    assert cascade.direction(fresh()) == cascade.NONE


def test_direction_expires_with_the_flow() -> None:
    """T-12, changed: nothing is counted in lists; ten lifetimes later nothing is left."""
    rec = fresh()
    burst(rec, 1, 30, 2e4)
    assert cascade.direction(rec) == cascade.SHORTS
    cascade.elapse(rec, int((63 + 15 + 10 / cascade.BETA) * S))
    assert cascade.direction(rec) == cascade.NONE
    assert cascade.premium_bps(rec, 1, HORIZON_S) == 0.0


def test_hedging_cost() -> None:
    """T-13: 2 units at 100 at full response cost 50 bps = 1.0; inactive: 0; nothing multiplies."""
    rec = fresh()
    assert cascade.hedging_cost_usd(rec, 200.0) == 0.0
    burst(rec, -1, 100, 2e4)
    assert cascade.hedging_cost_usd(rec, 200.0) == pytest.approx(1.0, rel=1e-12)
    assert cascade.hedging_cost_usd(rec, -200.0) == pytest.approx(1.0, rel=1e-12)


def test_the_reducing_side_is_never_pulled() -> None:
    """T-15, F-41: forced sells, we hold +2: bids go, asks stay; at -2 bids reduce and stay."""
    rec = fresh(impact=1e-4)
    burst(rec, -1, 100, 1e5)
    for position, bids_go in ((2, True), (0, True), (-2, False)):
        assert cascade.is_pulled(rec, -1, HORIZON_S, KAPPA, position) is bids_go
        assert not cascade.is_pulled(rec, 1, HORIZON_S, KAPPA, position)
    rising = fresh(impact=1e-4)
    burst(rising, 1, 100, 1e5)
    assert cascade.is_pulled(rising, 1, HORIZON_S, KAPPA, -2)
    assert not cascade.is_pulled(rising, 1, HORIZON_S, KAPPA, 2)


def test_small_change_costs_little_however_surprising() -> None:
    """7.3: sixty liquidations of $100 on a quiet coin surprise, and cost next to nothing."""
    rec = fresh(1e-5)
    burst(rec, -1, 60, 100.0)
    assert cascade.severity(rec) > cascade.SEVERITY_ACTIVE
    assert cascade.premium_bps(rec, -1, HORIZON_S) < 2.0
    assert not cascade.is_pulled(rec, -1, HORIZON_S, KAPPA, 0)


def test_the_premium_is_the_expected_pressure() -> None:
    """7.3: impact * expected excess USD; only the side that fills against the flow pays."""
    rec = fresh()
    burst(rec, -1, 100, 2e4)
    excess = cascade.expected_liquidations(rec, -1, HORIZON_S)
    excess -= 0.5 * cascade.normal_rate(rec) * HORIZON_S
    flow = rec.flows[0]
    usd = (cascade.PRIOR_USD + flow.usd) / (1.0 + flow.count)
    # The normal mean size has moved with the first events of the burst, which were still calm.
    assert cascade.expected_excess_usd(rec, -1, HORIZON_S) == pytest.approx(excess * usd, rel=0.02)
    assert cascade.premium_bps(rec, -1, HORIZON_S) == pytest.approx(
        IMPACT * cascade.expected_excess_usd(rec, -1, HORIZON_S), rel=1e-12
    )
    assert cascade.premium_bps(rec, 1, HORIZON_S) == 0.0


def test_expected_counts_decay_and_feed_back() -> None:
    """HWK-7's forecast: less than intensity * T, more than without offspring, linear far out."""
    rec = fresh()
    burst(rec, -1, 50, 2e4)
    now = cascade.intensity(rec, -1)
    ten = cascade.expected_liquidations(rec, -1, 10.0)
    assert ten < now * 10.0
    assert ten > (now / cascade.BETA) * (1 - math.exp(-10 * cascade.BETA)) * 0.999
    far = cascade.expected_liquidations(rec, -1, 1e7) - cascade.expected_liquidations(rec, -1, 9e6)
    assert far == pytest.approx(0.5 * cascade.normal_rate(rec) * 1e6, rel=1e-9)


def calm_and_burst(rate: float, seed: int) -> tuple[Any, Any, Any, int]:
    """Return a day of independent liquidations at a rate, and where a fifty-fold burst begins."""
    rng = np.random.default_rng(seed)
    calm = np.cumsum(rng.exponential(1 / rate, int(rate * 86_400)))
    wild = calm[-1] + np.cumsum(rng.exponential(0.02 / rate, 60))
    times = 62.0 + np.append(calm, wild)
    sides = np.append(rng.choice((-1, 1), len(calm)), np.full(60, -1))
    usd = rng.lognormal(5.8, 2.0, len(times))
    return (times * S).astype(np.int64), sides, usd, len(calm)


@pytest.mark.parametrize("rate", [0.003, 0.03])
def test_a_threshold_means_the_same_on_every_coin(rate: float) -> None:
    """Ten calm days: severity 3 at most 5 times in 1,000 events, on a rare and a busy coin."""
    hits = events = 0
    for seed in range(10):
        at, sides, usd, calm = calm_and_burst(rate, seed)
        severities = np.zeros(len(at))
        feed_liquidations(fresh(rate * 3), at, sides, usd, severities)
        hits += int((severities[:calm] >= cascade.SEVERITY_ACTIVE).sum())
        events += calm
        if rate > 0.01:
            assert severities[calm:].max() >= cascade.SEVERITY_ACTIVE
    assert hits / events < 0.005


def test_a_cascade_does_not_become_the_norm() -> None:
    """While active, neither time nor events teach the normal regime."""
    rec = fresh()
    burst(rec, -1, 40, 2e4)
    assert cascade.is_active(rec)
    before = (rec.calm_events, rec.calm_s)
    burst(rec, -1, 40, 2e4, at_s=83.5)
    assert (rec.calm_events, rec.calm_s) == before


def test_inferred_events_weigh_less() -> None:
    """Item 3: an inference of 0.5 pulls half as hard on the flow as a confirmation."""
    sure, guess = fresh(), fresh()
    for rec, weight in ((sure, 1.0), (guess, 0.5)):
        for _ in range(5):
            cascade.record_liquidation(rec, -1, 1e4, weight, 63 * S)
    assert guess.flows[0].marks == pytest.approx(0.5 * sure.flows[0].marks)
    assert cascade.severity(guess) < cascade.severity(sure)


def test_the_normal_rate_is_learned_with_an_error() -> None:
    """Two days at 0.02/s with a prior ten times too high."""
    rng = np.random.default_rng(3)
    times = 62.0 + np.cumsum(rng.exponential(50.0, 3_400))
    rec = fresh(0.2)
    sides, usd = rng.choice((-1, 1), 3_400), rng.lognormal(5.8, 1.5, 3_400)
    feed_liquidations(rec, (times * S).astype(np.int64), sides, usd, np.zeros(3_400))
    assert cascade.normal_rate(rec) == pytest.approx(0.02, rel=3 * cascade.stderr(rec))
    assert cascade.stderr(rec) < 0.15 and cascade.ready(rec)
