"""Volatility per square root of a second, jumps told from diffusion, noise left out."""

import math
from typing import Any

import numpy as np
import pytest

from hypermaker.estimate import volatility as vol
from tests.estimate.loops import feed_prices

Cases = dict[str, dict[str, Any]]
S = 1_000_000_000
ENDLESS = 1e12


def fresh(prior: float = 2.0, prior_n: float = 0.0) -> Any:
    """Return a reset record."""
    array = np.zeros(1, vol.VOLATILITY)
    vol.reset(array[0], prior, prior_n)
    return array[0]


def feed_returns(rec: Any, returns: Any, step_ns: int = S, start_ns: int = S) -> None:
    """Feed prices whose log returns are these, one a step."""
    prices = 100.0 * np.exp(np.append(0.0, np.cumsum(returns)))
    feed_prices(rec, start_ns + np.arange(len(prices)) * step_ns, prices)


def diffusion(sigma_bps: float, count: int, step_s: float, seed: int = 1) -> Any:
    """Return log returns of a diffusion."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, sigma_bps * 1e-4 * math.sqrt(step_s), count)


def test_realised_measures_and_the_jump_statistic(cases: Cases) -> None:
    """VOL-1: without forgetting the sums are the textbook's, finite-sample factors included."""
    case = cases["VOL-1"]
    returns, expected = case["inputs"]["returns"], case["expected"]
    rec = fresh()
    vol.set_scales(rec, ENDLESS, ENDLESS, S)
    feed_returns(rec, returns)
    n, unit = len(returns), 1e-8
    assert vol.realised_variance(rec.slow) * n * unit == pytest.approx(expected["RV"], rel=1e-9)
    assert vol.bipower_variance(rec.slow) * n * unit == pytest.approx(expected["BV"], rel=1e-9)
    assert vol.jump_ratio_of(rec.slow) == pytest.approx(expected["jump_ratio"], rel=1e-9)
    assert vol.tripower_quarticity(rec.slow) * (n * unit) ** 2 == pytest.approx(
        expected["TP"], rel=1e-9
    )
    assert vol.jump_z_of(rec.slow) == pytest.approx(expected["z_jump"], rel=1e-9)


def test_bipower_knows_the_textbook_values() -> None:
    """T-83: alternating returns of size c: RV c^2, BV 1.5708 c^2, ratio 0.6366."""
    rec = fresh()
    feed_returns(rec, [3e-4 * (-1) ** i for i in range(400)])
    assert vol.realised_variance(rec.fast) == pytest.approx(9.0, rel=1e-9)
    assert vol.bipower_variance(rec.fast) == pytest.approx(9.0 * math.pi / 2, rel=1e-9)
    assert vol.jump_ratio(rec) == pytest.approx(2 / math.pi, rel=1e-9)


def test_gaussian_returns_have_ratio_one_and_one_jump_stands_out() -> None:
    """T-83: ratio 1 +-0.1; ten sigma lift the fast ratio above 3 and slow sqrt(BV) by < 15 %."""
    rec = fresh()
    vol.set_scales(rec, vol.FAST_S, 5_000.0, S)
    returns = diffusion(2.0, 10_000, 1.0)
    returns[-1] = 2e-4
    feed_returns(rec, returns)
    assert vol.jump_ratio_of(rec.slow) == pytest.approx(1.0, abs=0.1)
    before = math.sqrt(vol.bipower_variance(rec.slow))
    last = 100.0 * math.exp(float(returns.sum()))
    vol.update(rec, S + 10_001 * S, last * math.exp(20e-4))
    assert vol.jump_ratio(rec) > 3.0
    assert vol.jump_z(rec) > 3.0
    assert math.sqrt(vol.bipower_variance(rec.slow)) < 1.15 * before


def test_sigma_is_per_root_second_whatever_the_grid() -> None:
    """T-84: the same path cut into 1 s or 5 s gives the same sigma within 5 %."""
    returns = diffusion(1.5, 40_000, 0.5)
    seen = []
    for sample_ns in (S, 5 * S):
        rec = fresh()
        vol.set_scales(rec, 5_000.0, 20_000.0, sample_ns)
        feed_returns(rec, returns, S // 2)
        seen.append(vol.sigma_bps(rec))
    assert seen[0] == pytest.approx(1.5, rel=0.05)
    assert seen[1] == pytest.approx(seen[0], rel=0.05)


def test_event_rate_is_not_volatility() -> None:
    """F-34: the same path told a hundred times a second says what it says once a second."""
    returns = diffusion(1.5, 1_000, 1.0)
    calm, busy = fresh(), fresh()
    feed_returns(calm, returns)
    prices = 100.0 * np.exp(np.append(0.0, np.cumsum(returns)))
    feed_prices(busy, S + np.arange(100 * len(prices)) * (S // 100), np.repeat(prices, 100))
    assert vol.sigma_bps(busy) == pytest.approx(vol.sigma_bps(calm), rel=1e-12)


def test_bounce_between_messages_is_left_out() -> None:
    """Noise of 1 bp at each of 20 messages a second adds its variance once, not 20 times."""
    rng = np.random.default_rng(3)
    path = np.cumsum(diffusion(2.0, 40_000, 0.05))
    noisy = 100.0 * np.exp(path + rng.choice((-0.5e-4, 0.5e-4), len(path)))
    rec = fresh()
    vol.set_scales(rec, 500.0, 500.0, S)
    feed_prices(rec, S + np.arange(len(noisy)) * (S // 20), noisy)
    every_message = math.sqrt(float((np.diff(np.log(noisy)) ** 2).mean()) * 20) * 1e4
    assert every_message > 3.0
    assert vol.sigma_bps(rec) == pytest.approx(math.sqrt(4.0 + 2 * 0.25), rel=0.07)


def test_effective_sigma_trusts_the_clean_part_less_when_there_are_jumps() -> None:
    """T-85: clean 1, total 2: ratio 3 -> 1.667, ratio 1 -> 1, ratio 100 -> capped at 0.85."""
    assert vol.sigma_effective(1.0, 2.0, 3.0) == pytest.approx(1.0 + 2.0 / 3.0, rel=1e-12)
    assert vol.sigma_effective(1.0, 2.0, 1.0) == 1.0
    assert vol.sigma_effective(1.0, 2.0, 0.5) == 1.0
    assert vol.sigma_effective(1.0, 2.0, 100.0) == pytest.approx(1.85, rel=1e-12)
    assert vol.sigma_effective(1.0, 2.0, math.inf) == pytest.approx(1.85, rel=1e-12)


def test_the_jump_test_has_its_size() -> None:
    """Under diffusion z exceeds 1.645 in 3 to 9 % of 400 windows of 300; RV/BV > 1.5 never does."""
    hits = fixed = 0
    for seed in range(400):
        rec = fresh()
        vol.set_scales(rec, ENDLESS, ENDLESS, S)
        feed_returns(rec, diffusion(1.0, 300, 1.0, seed))
        hits += vol.jump_z(rec) > 1.645
        fixed += vol.jump_ratio(rec) > 1.5
    assert 0.03 <= hits / 400 <= 0.09
    assert fixed == 0


def test_the_error_bar_covers() -> None:
    """Sigma within two standard errors in at least 90 % of 200 paths, prior switched off."""
    inside = 0
    for seed in range(200):
        rec = fresh()
        feed_returns(rec, diffusion(2.0, 900, 1.0, seed))
        inside += abs(vol.sigma_bps(rec) - 2.0) < 1.96 * vol.stderr(rec)
    assert 0.90 <= inside / 200 <= 0.99


def test_a_prior_gives_the_first_quote_and_fades() -> None:
    """Before data the prior; soon the data; the error bar knows the data only (F-32)."""
    rec = fresh(5.0, 20.0)
    assert vol.sigma_bps(rec) == 5.0
    assert vol.stderr(rec) == math.inf and not vol.ready(rec)
    feed_returns(rec, diffusion(1.0, 1_200, 1.0))
    assert vol.ready(rec)
    assert vol.sigma_bps(rec) == pytest.approx(math.sqrt((20 * 25 + 80) / 100), rel=0.25)


def test_a_change_of_level_is_seen_fast() -> None:
    """Three times the volatility: two thirds of the way within a minute."""
    rec = fresh()
    feed_returns(rec, np.append(diffusion(1.0, 2_000, 1.0), diffusion(3.0, 60, 1.0, 2)))
    assert vol.sigma_bps(rec) > 2.0


def test_a_broken_feed_makes_no_return() -> None:
    """A price 5 % away after an interruption is a new start, and the past has aged."""
    rec = fresh()
    feed_returns(rec, diffusion(1.0, 600, 1.0))
    sigma, n = vol.sigma_bps(rec), vol.effective_count(rec.slow)
    vol.interrupt(rec)
    vol.update(rec, 4_000 * S, 105.0)
    assert vol.sigma_bps(rec) == pytest.approx(sigma, rel=1e-9)
    assert vol.effective_count(rec.slow) == pytest.approx(n, rel=1e-9)
    vol.update(rec, 4_001 * S, 105.0 * math.exp(30e-4))
    assert vol.sigma_bps(rec) > 20.0


def test_prices_that_stand_still_have_no_jump_statistic() -> None:
    """Property (l): no movement is sigma 0 with data, and no answer to the jump question."""
    rec = fresh()
    feed_returns(rec, [0.0] * 50)
    assert vol.sigma_bps(rec) == 0.0
    assert math.isnan(vol.jump_z(rec)) and vol.jump_ratio(rec) == 1.0
    vol.update(rec, 60 * S, 101.0)
    assert vol.jump_ratio(rec) == math.inf and math.isnan(vol.jump_z(rec))
    assert 0.0 < vol.sigma_bps(rec) < math.inf


def test_scale_does_not_matter() -> None:
    """Prices of a millionth give the same sigma as prices of a million."""
    returns, told = diffusion(1.0, 300, 1.0), []
    for level in (1e-6, 1e6):
        rec = fresh()
        for i, x in enumerate(np.cumsum(returns)):
            vol.update(rec, (i + 1) * S, level * math.exp(float(x)))
        told.append(vol.sigma_bps(rec))
    assert told[0] == pytest.approx(told[1], rel=1e-9)
