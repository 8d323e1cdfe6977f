"""The venue's answer: how far it is believed, and what it may never take away."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.risk import exchange_limits as venue
from hypermaker.risk import limits
from hypermaker.risk.exchange_limits import EXCHANGE_LIMITS, LOTS_MISSING
from hypermaker.risk.gauges import NAMES, exchange_gauges
from hypermaker.risk.limits import LIMITS

T0_NS = 1_000_000 * NS_PER_S
Rec = Any


def made(buy: int = 100, sell: int = 50, position: int = 0) -> Rec:
    """Return limits after one answer at T0."""
    rec = np.zeros(1, EXCHANGE_LIMITS)[0]
    venue.reset(rec)
    venue.on_limits(rec, buy, sell, position, T0_NS)
    return rec


def both(rec: Rec, position: int, local: int, age_ms: int = 0) -> tuple[int, int]:
    """Return (long, short) lots at an age."""
    now = T0_NS + age_ms * NS_PER_MS
    return (
        venue.long_lots(rec, position, local, now),
        venue.short_lots(rec, position, local, now),
    )


@pytest.mark.parametrize(
    ("local", "expected"), [(200, (100, 50)), (50, (50, 50)), (30, (30, 30)), (0, (0, 0))]
)
def test_effective_is_the_smaller_of_local_and_available(
    local: int, expected: tuple[int, int]
) -> None:
    """T-63: 1.0 to buy and .5 to sell; local 2 -> 1.0/.5; local .5 -> .5/.5; .3 -> .3/.3."""
    assert both(made(), 0, local) == expected


@pytest.mark.parametrize(
    ("age_ms", "buys", "stale", "critical"),
    [
        (0, 100, False, False),
        (120_000, 100, False, False),
        (120_001, 50, True, False),
        (300_000, 50, True, False),
        (300_001, 0, True, True),
    ],
)
def test_an_ageing_answer_is_believed_less(
    age_ms: int, buys: int, stale: bool, critical: bool
) -> None:
    """T-64: 100 % to 120,000 ms, 50 % to 300,000 ms, then 0 for the adding part."""
    rec, now = made(), T0_NS + age_ms * NS_PER_MS
    assert both(rec, 0, 1000, age_ms)[0] == buys
    assert both(rec, 20, 1000, age_ms)[0] == 20 + max(0, (100 - 20) * buys // 100)
    assert venue.is_stale(rec, now) is stale
    assert venue.is_critically_stale(rec, now) is critical


def test_a_fresh_answer_caps_what_may_be_added() -> None:
    """T-33: bid available .1 at position .2, local .5: .1 may still be bought."""
    assert both(made(buy=10, position=20), 20, 50)[0] == 30


def test_the_way_out_is_never_cut() -> None:
    """T-33, F-27: position .6, nothing to sell, 400 s old: the short limit is 0, not negative."""
    rec = made(buy=0, sell=0, position=60)
    assert both(rec, 60, 50, 400_000) == (50, 0)
    assert both(rec, 60, 100, 400_000) == (60, 0)


def test_fills_since_the_answer_use_it_up() -> None:
    """100 could be bought when flat: after 70 are bought 30 can be; sold lots give room back."""
    rec = made()
    assert both(rec, 70, 1000)[0] == 100
    assert both(rec, -20, 1000)[0] == 100
    assert both(rec, 130, 1000)[0] == 130


@pytest.mark.parametrize("text", ["NaN", "-1", "inf", "-inf", "1e300"])
def test_an_unreadable_size_is_missing(text: str) -> None:
    """T-65: a size that is no size is LOTS_MISSING; zero is a size; artefacts round down."""
    assert venue.lots_or_missing(float(text), 1e5) == LOTS_MISSING
    assert venue.lots_or_missing(0.0, 1e5) == 0
    assert venue.lots_or_missing(24836370.4400000013, 100.0) == 2483637044
    assert venue.lots_or_missing(0.299999, 10.0) == 2


def test_the_venues_own_example_settles_the_units() -> None:
    """APT at 3x: maxTradeSzs is coins, availableToTrade is USD of margin."""
    size, available, mark = 24836370.4400000013, 37019438.0284740031, 4.4716
    assert size * mark / 3 == pytest.approx(available, rel=1e-9)


def test_never_refreshed_is_the_local_cap_and_degraded() -> None:
    """T-65, F-26: finite local cap, flagged; never infinity."""
    rec = np.zeros(1, EXCHANGE_LIMITS)[0]
    venue.reset(rec)
    assert both(rec, 0, 77, 10**9) == (77, 77)
    assert rec.degraded == 1
    assert not venue.is_critically_stale(rec, T0_NS)


def test_a_missing_side_is_the_local_cap_and_degraded() -> None:
    """T-65: the other side of the same answer counts."""
    rec = made(buy=LOTS_MISSING, sell=50)
    assert both(rec, 0, 77) == (77, 50)
    assert rec.degraded == 1
    assert made().degraded == 0


def test_zero_is_a_valid_answer() -> None:
    """T-65: zero closes the adding side; it is not "missing"."""
    rec = made(buy=0, sell=0)
    assert both(rec, 0, 77) == (0, 0)
    assert rec.degraded == 0


def test_a_missing_answer_does_not_refresh_or_replace_a_valid_one() -> None:
    """T-65: a bad answer cannot open what a good one had closed, and the good one ages on."""
    rec = made(buy=10, sell=10)
    late = T0_NS + 299 * NS_PER_S
    venue.on_limits(rec, LOTS_MISSING, LOTS_MISSING, 0, late)
    assert both(rec, 0, 77) == (10, 10)
    assert both(rec, 0, 77, 300_001) == (0, 0)
    assert rec.degraded == 1


@given(
    answer=st.tuples(st.integers(-5, 2**62), st.integers(-5, 2**62)),
    then=st.integers(-(10**6), 10**6),
    position=st.integers(-(10**6), 10**6),
    local=st.integers(0, 10**6),
    age_ms=st.integers(-(10**6), 10**7),
)
def test_always_finite_and_never_above_local(
    answer: tuple[int, int], then: int, position: int, local: int, age_ms: int
) -> None:
    """T-65: whatever the venue says and however old it is: 0 <= limit <= local cap.

    And (F-27) a limit below the position only ever comes from the local cap.
    """
    rec = made(*answer, then)
    long, short = both(rec, position, local, age_ms)
    assert 0 <= long <= local
    assert 0 <= short <= local
    assert long >= min(local, position)
    assert short >= min(local, -position)


def test_a_clock_that_steps_back_does_not_age_an_answer() -> None:
    """F59: a negative age is age zero."""
    assert both(made(), 0, 1000, -5) == (100, 50)
    assert math.isfinite(venue.age_ns(made().buy, T0_NS - 1))


def test_the_gauges_age_when_they_are_read() -> None:
    """T-66: all eight are there, and the age grows with the clock between two refreshes."""
    rec = np.zeros(1, LIMITS)[0]
    limits.reset(rec, 200, math.inf, 10.0)
    before = exchange_gauges(rec, 0, lots_per_coin=100.0, now_ns=T0_NS)
    assert tuple(before) == NAMES
    assert before["mm_exchange_limits_valid"] == 0.0
    assert before["mm_exchange_limits_age_ms"] == math.inf
    assert before["mm_exchange_effective_bid"] == 2.0
    venue.on_limits(rec.exchange, 100, 50, 10, T0_NS)
    for age_ms, bid in ((0, 1.0), (120_001, 0.5), (300_001, 0.0)):
        now = T0_NS + age_ms * NS_PER_MS
        read = exchange_gauges(rec, 10, lots_per_coin=100.0, now_ns=now)
        assert read["mm_exchange_limits_age_ms"] == age_ms
        assert read["mm_exchange_limits_valid"] == 1.0
        assert read["mm_exchange_effective_bid"] == bid
        assert read["mm_exchange_effective_ask"] >= 0.1
        assert (read["mm_exchange_max_long"], read["mm_exchange_max_short"]) == (1.1, 0.4)
        assert (read["mm_exchange_available_buy"], read["mm_exchange_available_sell"]) == (1.0, 0.5)
