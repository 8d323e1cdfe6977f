"""The variance's own level, reversion and volatility, and what noise must not do to them."""

import math
from typing import Any

import numpy as np
import pytest

from hypermaker.estimate import stochastic_vol as sv
from tests.estimate.loops import feed_blocks, feed_variance_prices
from tests.estimate.simulate import cir

Cases = dict[str, dict[str, Any]]
TRUTH = {"kappa": 0.05, "theta": 1e-8, "xi": 2e-5, "rho": -0.6}
S = 1_000_000_000


def fresh(lag_a: int = 0, lag_b: int = 1, tau_s: float = 1e15, dt_s: float = 1.0) -> Any:
    """Return a reset record for blocks of dt_s."""
    array = np.zeros(1, sv.STOCHASTIC_VOL)
    sv.reset(array[0], 4e-4, 0.5, 0.1, -0.3)
    sv.set_lags(array[0], lag_a, lag_b, dt_s, tau_s)
    return array[0]


def fed(variances: Any, moves: Any = None, **lags: Any) -> Any:
    """Return a record that has seen these blocks."""
    rec = fresh(**lags)
    values = np.asarray(variances, float)
    feed_blocks(rec, values, np.zeros(len(values)) if moves is None else np.asarray(moves, float))
    return rec


def test_moments_of_the_model_invert(cases: Cases) -> None:
    """VOL-7: the moment map, the expected average variance, and the inversion on a long path."""
    case = cases["VOL-7"]
    g, expected = case["inputs"], case["expected"]
    spread = g["xi"] ** 2 * g["theta"] / (2 * g["kappa"])
    assert spread == pytest.approx(expected["var_v"], rel=1e-10)
    average = sv.average_variance(g["theta"], 2 * g["theta"], g["kappa"], 60.0) / g["theta"]
    assert average == pytest.approx(expected["avg_var_ratio_60s_from_2theta"], rel=1e-10)
    rec = fed(*cir(100_000, 1, **TRUTH))
    acf1 = math.exp(-sv.kappa_per_s(rec))
    assert acf1 == pytest.approx(expected["acf1"], rel=0.01)
    assert sv.variance_of_variance(rec) * 2 * (1 - acf1) == pytest.approx(
        expected["var_dv"], rel=0.03
    )


def test_recovery_without_noise(cases: Cases) -> None:
    """VOL-8: one run of 100,000 blocks lies inside every band."""
    expected = cases["VOL-8"]["expected"]
    rec = fed(*cir(100_000, 8, **TRUTH))
    for value, truth, band in (
        (sv.theta(rec), TRUTH["theta"], expected["theta_rel_band"]),
        (sv.kappa_per_s(rec), TRUTH["kappa"], expected["kappa_rel_band"]),
        (sv.xi(rec), TRUTH["xi"], expected["xi_rel_band"]),
        (sv.rho(rec), 1.0, expected["rho_band"]),
    ):
        assert band[0] <= value / truth <= band[1]


def test_noisy_variances_fool_the_textbook_and_not_the_lag_ratio() -> None:
    """4.6: under v * chi2_5/5 textbook kappa is 18 to 21 times too large, xi 6.5, rho is -0.11."""
    v, moved = cir(100_000, 4, **TRUTH)
    noisy = v * np.random.default_rng(5).chisquare(5, len(v)) / 5
    naive, robust = fed(noisy, moved), fed(noisy, moved, lag_a=1, lag_b=11)
    assert 18.0 < sv.kappa_per_s(naive) / TRUTH["kappa"] < 21.5
    assert 6.3 < sv.xi(naive) / TRUTH["xi"] < 6.9
    assert sv.rho(naive) == pytest.approx(-0.11, abs=0.02)
    assert sv.kappa_per_s(robust) == pytest.approx(TRUTH["kappa"], rel=0.2)
    assert sv.xi(robust) == pytest.approx(TRUTH["xi"], rel=0.1)


def coverage(paths: int, noise: int) -> Any:
    """Return how often the 95 % intervals hold the truth: theta, kappa, xi (and rho)."""
    inside = np.zeros(4)
    for path in range(paths):
        v, moved = cir(20_000, path, **TRUTH)
        if noise:
            v = v * np.random.default_rng(path + 999).chisquare(noise, len(v)) / noise
        rec = fed(v, moved, lag_a=1, lag_b=11) if noise else fed(v, moved)
        told = np.array([sv.theta(rec), sv.kappa_per_s(rec), sv.xi(rec), sv.rho(rec)])
        truth = np.array([TRUTH["theta"], TRUTH["kappa"], TRUTH["xi"], -0.593])
        errors = np.array([sv.stderr_of(rec, which) for which in range(4)])
        inside += np.abs(told - truth) < 1.96 * errors
    return inside[:3] / paths if noise else inside / paths


@pytest.mark.parametrize("noise", [0, 5])
def test_intervals_cover_the_truth_on_a_sample(noise: int) -> None:
    """20 paths of 20,000 blocks: no interval misses more than four."""
    told = coverage(20, noise)
    assert (told >= 0.8).all(), told


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0, 5])
def test_intervals_cover_the_truth(noise: int) -> None:
    """200 paths, exact variances and noisy ones: 90 to 98 %."""
    told = coverage(200, noise)
    assert ((told >= 0.90) & (told <= 0.985)).all(), told


def test_little_data_names_little() -> None:
    """T-16: nothing -> no answer; one value -> its level, nothing else."""
    rec = fresh()
    for answer in (sv.theta(rec), sv.xi(rec), sv.kappa_per_s(rec), sv.rho(rec)):
        assert math.isnan(answer)
    sv.observe(rec, 4e-4, 0.0)
    assert sv.theta(rec) == 4e-4
    assert math.isnan(sv.xi(rec)) and math.isnan(sv.kappa_per_s(rec))
    assert sv.stderr(rec) == math.inf and sv.is_ready(rec, 1) and not sv.is_ready(rec, 2)


def test_a_straight_line_has_a_level_and_no_reversion() -> None:
    """T-17, changed: theta 2.5e-4 stays; xi is not std(dv) with a floor, so here there is none."""
    assert sv.theta(fed([1e-4, 2e-4, 3e-4, 4e-4])) == pytest.approx(2.5e-4, abs=1e-12)
    line = fed([1e-4, 2e-4, 3e-4, 4e-4, 5e-4])
    assert math.isnan(sv.kappa_per_s(line)) and math.isnan(sv.xi(line))
    zigzag = fed([1e-4, 4e-4, 2e-4, 5e-4, 1e-4, 6e-4])
    assert math.isnan(sv.kappa_per_s(zigzag)), "negative autocorrelation names no reversion"


@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1e4])
def test_scale_does_not_matter(scale: float) -> None:
    """T-19: the same kappa and rho, theta and xi scale, nothing turns into no answer."""
    v, moved = cir(5_000, 2, **TRUTH)
    one, other = fed(v, moved), fed(v * scale, moved)
    assert sv.kappa_per_s(other) == pytest.approx(sv.kappa_per_s(one), rel=1e-9)
    assert sv.rho(other) == pytest.approx(sv.rho(one), rel=1e-9)
    assert sv.theta(other) == pytest.approx(sv.theta(one) * scale, rel=1e-9)
    assert sv.xi(other) == pytest.approx(sv.xi(one) * math.sqrt(scale), rel=1e-9)


def test_rho_is_the_correlation_of_a_return_with_its_own_change() -> None:
    """T-20: dV = -5e-4 r + noise; streaming equals numpy to 1e-9, and is -1 without noise."""
    rng = np.random.default_rng(1)
    moved = rng.normal(0, 1e-3, 500)
    for noise in (0.0, 3e-7):
        v = 1e-2 + np.cumsum(-5e-4 * moved + rng.normal(0, 1, 500) * noise)
        rec = fed(v, moved)
        oracle = np.corrcoef(moved[1:], np.diff(v))[0, 1]
        assert sv.rho(rec) == pytest.approx(oracle, rel=1e-9)
        if noise == 0.0:
            assert sv.rho(rec) == pytest.approx(-1.0, abs=1e-9)


def test_the_level_follows_a_change() -> None:
    """T-21: within 10 % of the new level after three memories."""
    rng = np.random.default_rng(2)
    v = np.append(np.full(3_000, 4e-4), np.full(900, 9e-4)) * rng.chisquare(50, 3_900) / 50
    rec = fed(v, tau_s=300.0)
    assert sv.theta(rec) == pytest.approx(9e-4, rel=0.1)


def test_the_current_variance_is_smoothed_and_start_values_hold_for_20() -> None:
    """T-22: 4e-4 and one 9e-4 give 4.25e-4; estimates apply from the 20th block, not the 19th."""
    rec = fresh()
    sv.observe(rec, 9e-4, 0.0)
    assert rec.spot == pytest.approx(4.25e-4, rel=1e-12)
    v, _ = cir(30, 3, **TRUTH)
    rec = fresh()
    for i, value in enumerate(v):
        sv.observe(rec, float(value), 0.0)
        assert (rec.used_theta == 4e-4) == (i + 1 < 20)


def test_expected_average_variance() -> None:
    """T-23: theta 4e-4, v 9e-4, kappa 0.5."""
    assert sv.average_variance(4e-4, 9e-4, 0.5, 1.0) == pytest.approx(7.934693e-4, abs=1e-10)
    assert sv.average_variance(4e-4, 9e-4, 0.5, 10.0) == pytest.approx(4.993263e-4, abs=1e-10)
    assert sv.average_variance(4e-4, 9e-4, 0.5, 0.0) == 9e-4
    assert sv.average_variance(4e-4, 9e-4, 0.0, 10.0) == 9e-4
    assert sv.average_variance(4e-4, 9e-4, 0.5, 1e-12) == pytest.approx(9e-4, rel=1e-9)
    rec = fresh()
    assert sv.expected_avg_variance(rec, 100.0) == 4e-4


def test_leverage_lifts_volatility_on_falls() -> None:
    """T-24: rho -0.3, sigma 0.02: -0.01 lifts by 10 %, +0.01 does not, at most by half."""
    assert sv.leverage_factor(-0.3, 0.02, -0.01) == pytest.approx(1.1, rel=1e-12)
    assert sv.leverage_factor(-0.3, 0.02, 0.01) == 1.0
    assert sv.leverage_factor(-0.3, 0.02, -1.0) == 1.5
    assert sv.leverage_factor(0.3, 0.02, 0.01) == pytest.approx(1.1, rel=1e-12)
    assert sv.leverage_factor(-0.3, 0.0, -0.01) == 1.0


def test_prices_make_blocks_of_their_own() -> None:
    """From a diffusion of 2 bps per sqrt(s): the level is 4 bps^2/s, blocks do not overlap."""
    rng = np.random.default_rng(6)
    prices = 100.0 * np.exp(np.cumsum(rng.normal(0, 2e-4 * math.sqrt(0.1), 100_000)))
    rec = fresh(1, 11, 1e15, 10.0)
    feed_variance_prices(rec, S + np.arange(len(prices)) * (S // 10), prices)
    assert rec.blocks in (999, 1000)
    assert sv.theta(rec) == pytest.approx(4.0, rel=0.05)


def test_a_gap_breaks_the_chain_of_lags() -> None:
    """A block that took too long is no block, and no lag reaches across it."""
    rec = fresh(0, 1, 1e15, 10.0)
    at = np.append(np.arange(25) * S, 200 * S + np.arange(25) * S)
    feed_variance_prices(rec, S + at, np.linspace(100, 101, 50))
    assert rec.blocks == 4 and rec.run == 2
    sv.update(rec, 0, 100.0)
    sv.update(rec, 10**15, -1.0)
    assert rec.rejected == 2
    with pytest.raises(AssertionError):
        sv.set_lags(rec, 3, 3, 1.0, 1.0)
