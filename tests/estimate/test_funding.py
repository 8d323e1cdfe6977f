"""Funding: the venue's formula, the sign for shorts, and the clock."""

import math
from typing import Any

import numpy as np
import pytest

from hypermaker.estimate import funding

Cases = dict[str, dict[str, Any]]
HOUR = funding.HOUR_NS
S = 1_000_000_000


def fresh() -> Any:
    """Return a reset record."""
    array = np.zeros(1, funding.FUNDING)
    funding.reset(array[0])
    return array[0]


def test_the_venues_formula(cases: Cases) -> None:
    """FUN-1: premium, hourly rate and what a long pays."""
    case = cases["FUN-1"]
    g, expected = case["inputs"], case["expected"]
    premium = funding.premium_of(g["impact_bid_px"], g["impact_bid_px"] + 1.0, g["oracle_px"])
    assert premium == pytest.approx(expected["premium"], abs=1e-10)
    rate = funding.rate_from_premium(premium)
    assert rate == pytest.approx(expected["rate_1h"], abs=1e-10)
    assert rate * 8 == pytest.approx(expected["rate_8h"], abs=1e-10)
    assert funding.cost_usd(g["position"], g["oracle_px"], rate) == pytest.approx(
        expected["long_pays_usd_per_h"], abs=1e-10
    )


def test_inside_the_band_the_rate_is_the_interest() -> None:
    """7.1: 0.00125 % an hour; the cap is 4 % an hour, both ways."""
    for premium in (0.0, 4e-4, -3e-4):
        assert funding.rate_from_premium(premium) == pytest.approx(1.25e-5, rel=1e-12)
    assert funding.rate_from_premium(1.0) == 0.04 and funding.rate_from_premium(-1.0) == -0.04


def test_longs_pay_and_shorts_receive() -> None:
    """T-91: rate 1e-4, 2 coins at 100: cost 0.02; short: -0.02."""
    assert funding.cost_usd(2.0, 100.0, 1e-4) == pytest.approx(0.02, abs=1e-15)
    assert funding.cost_usd(-2.0, 100.0, 1e-4) == pytest.approx(-0.02, abs=1e-15)


def test_positive_funding_pulls_the_ladder_down_whatever_we_hold() -> None:
    """T-51: a long is pushed to sell and a paid short is kept; the drift knows no position."""
    rec = fresh()
    funding.update(rec, 10 * HOUR, 1e-4)
    assert funding.drift_bps_per_s(rec, 10 * HOUR) == pytest.approx(-1e-4 * 1e4 / 3600)
    assert funding.shift_bps(rec, 10 * HOUR, 240.0) < 0.0


def test_an_hour_settles_once() -> None:
    """T-91: duplicates of an hour are ignored, warm after three hours."""
    rec = fresh()
    for hour in (5, 6, 6, 5, 7):
        assert not funding.ready(rec)
        funding.settle(rec, hour, 1e-4)
    assert funding.ready(rec) and rec.hours == 3


def test_nonsense_is_not_clamped() -> None:
    """T-91, changed: what no venue can say is rejected, not clamped to 1 %."""
    rec = fresh()
    for rate in (0.1, -0.1, math.nan):
        funding.update(rec, 10 * HOUR, rate)
    assert rec.rejected == 3 and funding.next_rate(rec, 10 * HOUR) == 0.0


def test_the_last_prediction_settles_the_hour() -> None:
    """Predictions of an hour settle it when the next one begins."""
    rec = fresh()
    for minute, rate in ((5, 1e-5), (55, 3e-5), (65, 2e-5)):
        funding.update(rec, 10 * HOUR + minute * 60 * S, rate)
    assert rec.hours == 1 and rec.settled.center == 3e-5 and rec.hour == 10


def test_payment_matters_near_the_settlement() -> None:
    """7.2: with minutes of inventory, nothing for most of the hour and all of it at the end."""
    rec = fresh()
    funding.update(rec, 10 * HOUR, 1e-3)
    early = funding.shift_bps(rec, 10 * HOUR + 60 * S, 240.0)
    late = funding.shift_bps(rec, 11 * HOUR - 1, 240.0)
    assert abs(early) < 1e-4
    assert late == pytest.approx(-10.0, rel=1e-9)
    assert funding.shift_bps(rec, 11 * HOUR - 240 * S, 240.0) == pytest.approx(-10.0 / math.e)


def test_an_error_bar_shrinks_with_the_hour() -> None:
    """The venue's running average is nearly final at the end of the hour."""
    rec = fresh()
    assert funding.stderr(rec) == math.inf
    for hour in range(5, 15):
        funding.settle(rec, hour, 1e-5 * hour)
    start, end = (funding.error_of_next(rec, 20 * HOUR + t) for t in (0, HOUR - S))
    assert start == pytest.approx(funding.stderr(rec), rel=1e-9)
    assert end == pytest.approx(start / 3600, rel=1e-6)


def test_the_forecast_trusts_the_prediction_as_far_as_the_hour_has_run() -> None:
    """A quarter into the hour, the venue's number is a quarter of the answer."""
    rec = fresh()
    funding.settle(rec, 9, 4e-5)
    funding.update(rec, 10 * HOUR + HOUR // 4, 8e-5)
    assert funding.next_rate(rec, 10 * HOUR + HOUR // 4) == pytest.approx(0.25 * 8e-5 + 0.75 * 4e-5)
