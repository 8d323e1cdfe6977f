"""Self-exciting intensity: the numbers of the reference, ties, gaps and old news."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.estimate import hawkes, hawkes_sum

Cases = dict[str, dict[str, Any]]
S = 1_000_000_000


def fresh(mu: float = 0.1, alpha: float = 1.0, beta: float = 1.0, unit: float = 1000.0) -> Any:
    """Return a reset record."""
    array = np.zeros(1, hawkes.HAWKES)
    hawkes.reset(array[0], mu, alpha, beta, unit)
    return array[0]


def test_the_intensity_sequence_of_the_reference(cases: Cases) -> None:
    """HWK-1: left limits, values after, a tie, a decay."""
    case = cases["HWK-1"]
    given_, expected = case["inputs"], case["expected"]
    rec = fresh(given_["mu"], given_["alpha"], given_["beta"], 1.0)
    for (t, size), (left, after) in zip(
        given_["events"], expected["left_limit_and_after"], strict=True
    ):
        assert hawkes.intensity(rec, int(t * S)) == pytest.approx(left, abs=1e-12)
        assert hawkes.record_event(rec, int(t * S), size) == pytest.approx(after, abs=1e-12)
    assert hawkes.intensity(rec, 15 * S) == pytest.approx(expected["at_t15"], abs=1e-12)


def test_mean_forecast_and_dispersion(cases: Cases) -> None:
    """HWK-7: forecasts relax at beta - alpha, not beta; count variance in closed form."""
    case = cases["HWK-7"]
    given_, expected = case["inputs"], case["expected"]
    mu, alpha, beta = given_["mu"], given_["alpha"], given_["beta"]
    rec = fresh(mu, alpha, beta, 1.0)
    assert hawkes.branching(rec) == pytest.approx(expected["branching"], rel=1e-10)
    assert hawkes.stationary_rate(rec) == pytest.approx(expected["stationary_mean"], rel=1e-10)
    rec.excitation = given_["lambda0"] - mu
    events = hawkes.expected_events(rec, 0, given_["horizon"])
    assert events == pytest.approx(expected["expected_events"], rel=1e-10)
    assert events > expected["naive_expected_events_ignoring_feedback"]
    for horizon, variance in expected["var_count"].items():
        value = hawkes.count_variance(mu, alpha, beta, float(horizon))
        assert value == pytest.approx(variance, rel=1e-10)
    far = hawkes.count_variance(mu, alpha, beta, 1e9) / (expected["stationary_mean"] * 1e9)
    assert far == pytest.approx(expected["fano_inf"], rel=1e-6)


def test_a_tracker_without_events_is_its_baseline() -> None:
    """T-01: intensity 0.1 and ratio 1; T-06: after a reset again; mu = 0 has ratio 1."""
    rec = fresh()
    assert hawkes.intensity(rec, 5 * S) == pytest.approx(0.1, abs=1e-12)
    assert hawkes.intensity_ratio(rec, 5 * S) == pytest.approx(1.0, abs=1e-12)
    hawkes.record_event(rec, 6 * S, 5000.0)
    hawkes.reset(rec, 0.1, 1.0, 1.0, 1000.0)
    assert hawkes.intensity(rec, 6 * S) == pytest.approx(0.1, abs=1e-12)
    assert hawkes.intensity_ratio(fresh(mu=0.0), 1) == 1.0


def test_one_event_decays() -> None:
    """T-02: 5000 gives 5.1; a second later 0.1 + 5/e."""
    rec = fresh()
    assert hawkes.record_event(rec, S, 5000.0) == pytest.approx(5.1, abs=1e-12)
    assert hawkes.intensity(rec, 2 * S) == pytest.approx(0.1 + 5 / math.e, abs=1e-9)


def test_ties_add_up() -> None:
    """T-03: ten events of 1000 at one instant give 10.1."""
    rec = fresh()
    told = [hawkes.record_event(rec, S, 1000.0) for _ in range(10)]
    assert told[-1] == pytest.approx(10.1, abs=1e-12)


def test_two_events_and_a_query() -> None:
    """T-04: 1000 at 0, 2000 at 0.5, asked at 1: 1.6809408."""
    rec = fresh()
    hawkes.record_event(rec, 0, 1000.0)
    hawkes.record_event(rec, S // 2, 2000.0)
    assert hawkes.intensity(rec, S) == pytest.approx(1.6809408, abs=1e-7)


@given(
    st.lists(st.tuples(st.integers(-3 * S, 5 * S), st.floats(1e-3, 1e4)), min_size=1, max_size=1000)
)
def test_state_equals_the_sum_over_all_events(steps: list[tuple[int, float]]) -> None:
    """T-04, property (g): to 1e-12, with ties and events from the past, in any order."""
    rec, now, seen = fresh(beta=0.7), 10**15, []
    for step, size in steps:
        now += max(step, 0)
        at = now + min(step, 0)
        hawkes.record_event(rec, at, size)
        seen.append((at, size))
    asked = now + S
    brute = 0.1 + math.fsum(z / 1000 * math.exp(-0.7 * (asked - t) * 1e-9) for t, z in seen)
    assert hawkes.intensity(rec, asked) == pytest.approx(brute, rel=1e-12)


def test_a_gap_of_a_million_lifetimes_is_just_quiet() -> None:
    """5.5: exp underflows harmlessly; the next event starts from the baseline."""
    rec = fresh()
    hawkes.record_event(rec, 0, 1e9)
    assert hawkes.intensity(rec, 10**6 * S) == pytest.approx(0.1, abs=1e-300)
    assert hawkes.record_event(rec, 10**6 * S, 1000.0) == pytest.approx(1.1, abs=1e-12)


def test_the_past_is_placed_and_time_never_steps_back() -> None:
    """T-05: a query before the last event leaves the state alone and reads it as it is."""
    rec = fresh()
    hawkes.record_event(rec, 10 * S, 1000.0)
    told = hawkes.intensity_snapshot(rec, 11 * S)
    assert hawkes.intensity_snapshot(rec, 11 * S) == told == hawkes.intensity(rec, 11 * S)
    assert hawkes.intensity(rec, 9 * S) == hawkes.intensity(rec, 10 * S)
    hawkes.record_event(rec, 9 * S, 1000.0)
    assert rec.last_ns == 10 * S
    assert hawkes.intensity(rec, 10 * S) == pytest.approx(1.1 + math.exp(-1), abs=1e-12)


def test_a_dollar_is_a_dollar() -> None:
    """T-06, changed: tiny sizes have tiny marks; a floor of 1 % of a unit is not kept."""
    rec = fresh()
    assert hawkes.record_event(rec, S, 1e-6) == pytest.approx(0.1 + 1e-9, abs=1e-15)
    assert hawkes.record_event(rec, S, 0.0) == pytest.approx(0.1 + 1e-9, abs=1e-15)
    assert rec.rejected == 1


def test_an_explosive_process_has_no_forecast() -> None:
    """Property (l): branching 5 (the predecessor's defaults) forecasts NaN, not a number."""
    rec = fresh(0.01, 0.5, 0.1, 10_000.0)
    assert hawkes.branching(rec) == pytest.approx(5.0)
    for answer in (
        hawkes.stationary_rate(rec),
        hawkes.expected_events(rec, 0, 1.0),
        hawkes.expected_intensity(rec, 0, 1.0),
    ):
        assert math.isnan(answer)
    assert hawkes.stderr(rec) == math.inf


def test_alpha_may_change_in_flight() -> None:
    """5.5: the excitation is linear in alpha."""
    rec, twice = fresh(alpha=0.2), fresh(alpha=0.4)
    hawkes.record_event(rec, 0, 3000.0)
    hawkes.record_event(twice, 0, 3000.0)
    hawkes.set_alpha(rec, 0.4)
    assert hawkes.intensity(rec, S) == pytest.approx(hawkes.intensity(twice, S), rel=1e-12)


def test_the_sum_of_exponentials_follows_a_power_law() -> None:
    """5.6: a single event's echo follows (t0 + t)^-(1+tail) from 4 t0 to 200 t0 within a third."""
    array = np.zeros(1, hawkes_sum.HAWKES_SUM)
    rec = array[0]
    hawkes_sum.reset(rec, 0.0, 0.5, 0.5, 0.4)
    hawkes_sum.record_event(rec, 0, 1.0)
    assert hawkes_sum.branching(rec) == pytest.approx(0.5, rel=1e-12)
    at = np.geomspace(2.0, 100.0, 20)
    echo = np.array([hawkes_sum.intensity(rec, int(t * S)) for t in at])
    law = (0.5 + at) ** -1.4
    shape = echo / law / (echo / law)[10]
    assert shape.max() < 1.34 and shape.min() > 1 / 1.34


def test_a_sum_that_would_explode_is_refused() -> None:
    """0.2 (8): branching below 1 in the constructor."""
    array = np.zeros(1, hawkes_sum.HAWKES_SUM)
    with pytest.raises(AssertionError):
        hawkes_sum.reset(array[0], 0.1, 1.0, 0.5, 0.4)
