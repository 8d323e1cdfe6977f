"""Exact moments in one pass."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.estimate import welford

Cases = dict[str, dict[str, Any]]
values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60)


def single(xs: Any, keep: float = 1.0) -> Any:
    """Return a record that has seen these values."""
    array = np.zeros(1, welford.WELFORD)
    welford.reset(array[0])
    for x in xs:
        welford.update(array[0], float(x), keep)
    return array[0]


def pair(xs: Any, ys: Any, keep: float = 1.0) -> Any:
    """Return a record that has seen these pairs."""
    array = np.zeros(1, welford.PAIR)
    welford.reset_pair(array[0])
    for x, y in zip(xs, ys, strict=True):
        welford.update_pair(array[0], float(x), float(y), keep)
    return array[0]


def test_cancellation_does_not_eat_the_variance(cases: Cases) -> None:
    """VOL-3."""
    case = cases["VOL-3"]
    rec = single(case["inputs"]["x"])
    assert welford.mean(rec) == pytest.approx(case["expected"]["mean"], abs=1e-6)
    assert welford.variance(rec) == pytest.approx(case["expected"]["sample_variance"], abs=1e-6)
    assert welford.variance_biased(rec) == pytest.approx(
        case["expected"]["population_variance"], abs=1e-6
    )


def test_forgetting_is_weighting(cases: Cases) -> None:
    """VOL-4, after every value."""
    case = cases["VOL-4"]
    xs, phi = case["inputs"]["x"], case["inputs"]["phi"]
    for i in range(len(xs)):
        rec = single(xs[: i + 1], phi)
        expected = case["expected"]
        assert welford.mean(rec) == pytest.approx(expected["mean"][i], rel=1e-10)
        assert welford.variance_biased(rec) == pytest.approx(
            expected["var_biased"][i], rel=1e-10, abs=1e-15
        )
        if expected["var_unbiased"][i] is None:
            assert np.isnan(welford.variance(rec))
        else:
            assert welford.variance(rec) == pytest.approx(expected["var_unbiased"][i], rel=1e-10)


def test_a_pair_keeps_a_mean_for_each_leg(cases: Cases) -> None:
    """VOL-6: lag-1 co-moment, its correlation, and the reversion that follows."""
    case = cases["VOL-6"]
    v, dt_s = case["inputs"]["v"], case["inputs"]["dt"]
    rec = pair(v[:-1], v[1:])
    expected = case["expected"]
    assert welford.covariance_biased(rec) == pytest.approx(expected["cov_xy_pop"], rel=1e-10)
    acf1 = welford.correlation(rec)
    assert acf1 == pytest.approx(expected["acf1"], rel=1e-10)
    assert welford.reversion_per_s(acf1, dt_s) == pytest.approx(expected["kappa"], rel=1e-10)


def test_the_ordinary_autocorrelation_streams_too() -> None:
    """T-18: sum(d_t d_{t-1})/sum(d_t^2) about the whole mean, 0.235802 and kappa 1.444761."""
    x = np.array([6, 5, 4, 3, 4, 5, 4, 3, 4, 5]) * 1e-4
    acf = welford.autocorrelation(pair(x[:-1], x[1:]), single(x))
    d = x - x.mean()
    assert acf == pytest.approx(float(d[1:] @ d[:-1] / (d @ d)), rel=1e-9)
    assert acf == pytest.approx(0.235802, abs=1e-6)
    assert welford.reversion_per_s(acf, 1.0) == pytest.approx(1.444761, abs=1e-5)


@given(values, st.floats(0.1, 1.0))
def test_weights_are_those_of_numpy(xs: list[float], keep: float) -> None:
    """An independent library says the same, with and without forgetting."""
    x = np.array(xs)
    weights = keep ** np.arange(len(x) - 1, -1, -1.0)
    rec = single(xs, keep)
    scale = float(np.abs(x).max()) + 1.0
    assert welford.mean(rec) == pytest.approx(np.average(x, weights=weights), abs=1e-9 * scale)
    assert welford.variance(rec) == pytest.approx(
        float(np.cov(x, aweights=weights)), rel=1e-9, abs=1e-9 * scale**2
    )


@given(values, values)
def test_parts_merge_into_one_pass(left: list[float], right: list[float]) -> None:
    """Property (h): merge(A, B) is one pass over both."""
    merged, whole = single(left), single(left + right)
    welford.merge(merged, single(right))
    for field in ("weight", "squares"):
        assert merged[field] == pytest.approx(whole[field], rel=1e-12)
    scale = max(abs(x) for x in left + right) + 1.0
    assert welford.mean(merged) == pytest.approx(welford.mean(whole), abs=1e-10 * scale)
    assert welford.variance(merged) == pytest.approx(
        welford.variance(whole), rel=1e-9, abs=1e-10 * scale**2
    )


def test_no_answer_is_not_a_clamp() -> None:
    """Property (l): no value, one value, no variance, a ratio outside (0, 1)."""
    empty, one, flat = single([]), single([3.0]), pair([1.0, 1.0], [1.0, 2.0])
    assert np.isnan(welford.mean(empty)) and np.isnan(welford.variance_biased(empty))
    assert np.isnan(welford.variance(one)) and welford.stderr(one) == np.inf
    assert np.isnan(welford.correlation(flat))
    assert np.isnan(welford.autocorrelation(flat, single([1.0, 1.0])))
    for ratio in (-0.1, 0.0, 1.0, 1.2, float("nan")):
        assert np.isnan(welford.reversion_per_s(ratio, 1.0))
    untouched = single([1.0, 2.0])
    welford.merge(empty, single([]))
    welford.merge(untouched, single([]))
    assert welford.mean(untouched) == 1.5 and np.isnan(welford.mean(empty))
