"""Funding: the venue's formula, and the drift that the quoter makes of it."""

from collections.abc import Callable
from typing import Any

import pytest
from scipy.integrate import quad

from hypermaker.quote.carry import (
    RATE_1H_MAX,
    funding_drift_bps_per_s,
    funding_premium,
    funding_rate_1h,
    funding_rate_8h,
)


def test_example_of_the_venue(case: Callable[[str], dict[str, Any]]) -> None:
    """FUN-1."""
    one = case("FUN-1")
    given, want = one["inputs"], one["expected"]
    bid, oracle = given["impact_bid_px"], given["oracle_px"]
    premium = funding_premium(bid, bid, oracle)
    hourly = funding_rate_1h(premium, given["interest_8h"])
    assert premium == pytest.approx(want["premium"], abs=1e-10)
    rate_8h = funding_rate_8h(premium, given["interest_8h"])
    assert rate_8h == pytest.approx(want["rate_8h"], abs=1e-10)
    assert hourly == pytest.approx(want["rate_1h"], abs=1e-10)
    paid = hourly * given["position"] * oracle
    assert paid == pytest.approx(want["long_pays_usd_per_h"], abs=1e-7)


def test_rate_near_the_oracle_is_the_interest() -> None:
    """Inside the band premium does not matter: 0.00125 % an hour."""
    for premium in (-0.0003, 0.0, 0.0005):
        assert funding_rate_1h(premium, 0.0001) == pytest.approx(0.0001 / 8.0, rel=1e-12)
    assert funding_rate_1h(9.0, 0.0001) == RATE_1H_MAX
    assert funding_rate_1h(-9.0, 0.0001) == -RATE_1H_MAX


@pytest.mark.parametrize("holding_s", [30.0, 240.0, 1e5])
def test_drift_of_an_hour_adds_up_to_the_rate(holding_s: float) -> None:
    whole, _ = quad(lambda t: funding_drift_bps_per_s(1e-4, t, holding_s), 0.0, 3600.0, limit=200)
    assert whole == pytest.approx(-1.0, rel=1e-6)


def test_only_who_holds_at_settlement_pays() -> None:
    """T-51: the sign is that of the rate alone; a quick trader ignores a far settlement."""
    assert funding_drift_bps_per_s(1e-4, 3000.0, 240.0) == pytest.approx(0.0, abs=1e-7)
    assert (
        funding_drift_bps_per_s(1e-4, 5.0, 240.0) < 0.0 < funding_drift_bps_per_s(-1e-4, 5.0, 240.0)
    )
    slow = funding_drift_bps_per_s(1e-4, 1000.0, 1e7)
    assert slow == pytest.approx(-1.0 / 3600.0, rel=1e-3)
