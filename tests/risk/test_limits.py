"""One effective limit: the minimum of its sources, closed on what is not known."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hypermaker.core.units import NS_PER_S
from hypermaker.risk import exchange_limits, limits, margin
from hypermaker.risk.limits import LIMITS, Bound
from hypermaker.risk.value_limit import value_usd_max

NOW_NS = 1_000_000 * NS_PER_S
Rec = Any


def made(user_lots: int = 50, user_value_usd: float = math.inf, leverage: float = 10.0) -> Rec:
    """Return limits of an account with more money than any test needs, flat, lot 100 USD."""
    rec = np.zeros(1, LIMITS)[0]
    limits.reset(rec, user_lots, user_value_usd, leverage)
    limits.on_account(rec, 1e9, 1e9, 0)
    limits.refresh(rec, 0, 100.0, NOW_NS)
    return rec


def both(rec: Rec) -> tuple[int, int]:
    """Return the effective limits (long, short)."""
    return limits.effective_long_lots(rec), limits.effective_short_lots(rec)


def test_the_users_cap_is_the_limit_when_nothing_else_binds() -> None:
    """One owner, one number (F-21)."""
    rec = made()
    assert both(rec) == (50, 50)
    assert (rec.long_bound, rec.short_bound) == (Bound.USER_LOTS, Bound.USER_LOTS)


def test_nothing_may_be_held_before_the_account_is_known() -> None:
    """A source that is not known yet is closed."""
    rec = np.zeros(1, LIMITS)[0]
    limits.reset(rec, 50, math.inf, 10.0)
    assert both(rec) == (0, 0)
    limits.refresh(rec, 0, 100.0, NOW_NS)
    assert both(rec) == (0, 0)


def test_the_users_value_cap_is_in_usd() -> None:
    """1,250 USD at 100 USD a lot are 12 lots; above it the position is over value (T-46)."""
    rec = made(user_value_usd=1_250.0)
    assert both(rec) == (12, 12)
    assert rec.long_bound == Bound.USER_VALUE
    limits.refresh(rec, 12, 100.0, NOW_NS)
    assert rec.is_over_value == 0
    limits.refresh(rec, -12, 110.0, NOW_NS)
    assert rec.is_over_value == 1


def test_margin_backs_both_sides_once() -> None:
    """T-35, F-20: 397.49 USD at 10x and 27.11 a contract: 146.6 contracts for both together."""
    rec = np.zeros(1, LIMITS)[0]
    limits.reset(rec, 100_000, math.inf, 10.0)
    rec.margin.buffer = 1.0
    limits.on_account(rec, 1e9, 397.49, 0)
    limits.refresh(rec, 0, 2.711, NOW_NS)  # a lot is a tenth of a contract
    long, short = both(rec)
    assert long + short == 1466
    assert abs(long - short) <= 1
    assert rec.long_bound == Bound.MARGIN


def test_margin_that_one_side_cannot_use_goes_to_the_other() -> None:
    """T-35: near the cap on the long side, the short side has nearly all of the budget."""
    rec = made(user_lots=100)
    limits.on_account(rec, 1e9, 900.0 / 0.8, 95)  # 90 lots
    limits.refresh(rec, 95, 100.0, NOW_NS)
    assert both(rec) == (100, 85)


def test_the_numbers_of_the_margin_sizer() -> None:
    """T-79: equity 1000, used 200, leverage 10, buffer .8, price 100: min(10,000, 6,400)/100."""
    rec = made(user_lots=1_000, user_value_usd=10_000.0)
    limits.on_account(rec, 1000.0, 1000.0 - 200.0, 0)
    assert margin.adding_lots(rec.margin, 0, 100.0) == 64
    limits.refresh(rec, 0, 100.0, NOW_NS)
    assert sum(both(rec)) == 64


def test_a_flip_needs_margin_only_for_its_increasing_part() -> None:
    """T-79: 30 long with 20 lots of free margin: sells up to 30 reduce, beyond that add."""
    rec = made(user_lots=1_000)
    limits.on_account(rec, 1e9, 2_000.0 / 8.0, 30)
    limits.refresh(rec, 30, 100.0, NOW_NS)
    assert both(rec) == (40, 10)  # 10 more bought, or 30 reduced and 10 short


def test_fills_since_the_account_event_use_its_margin_up() -> None:
    """T-35: a growing position spends the margin before the venue says so; shrinking frees none."""
    rec = made(user_lots=1_000)
    limits.on_account(rec, 1e9, 2_000.0 / 8.0, 0)
    limits.refresh(rec, 15, 100.0, NOW_NS)
    assert both(rec) == (17, 3)
    limits.on_account(rec, 1e9, 2_000.0 / 8.0, 15)
    limits.refresh(rec, 5, 100.0, NOW_NS)
    assert both(rec) == (15, 10)


def test_the_leverage_tier_bounds_the_notional() -> None:
    """F-25: 40x below 1 M, 25x above: at 30x chosen the position ends at 1 M."""
    rec = made(user_lots=1_000_000, leverage=30.0)
    rec.margin.tier_count = 2
    rec.margin.tiers[0].leverage_max = 40.0
    rec.margin.tiers[1].lower_bound_usd, rec.margin.tiers[1].leverage_max = 1e6, 25.0
    limits.refresh(rec, 0, 100.0, NOW_NS)
    assert both(rec) == (10_000, 10_000)
    assert rec.long_bound == Bound.LEVERAGE_TIER
    rec.margin.leverage = 25.0
    limits.refresh(rec, 0, 100.0, NOW_NS)
    assert rec.long_bound != Bound.LEVERAGE_TIER
    rec.margin.leverage = 50.0
    limits.refresh(rec, 0, 100.0, NOW_NS)
    assert both(rec) == (0, 0)


@pytest.mark.parametrize(
    ("equity", "sigma", "expected"),
    [
        (1000.0, 0.001, 10_000.0),
        (1000.0, 0.0002, 20_000.0),
        (0.0, 0.001, 0.0),
        (1000.0, 0.0, 20_000.0),
        (math.nan, 0.001, 0.0),
        (1000.0, math.nan, 0.0),
        (math.inf, 0.001, 0.0),
        (-5.0, 0.001, 0.0),
        (1000.0, math.inf, 0.0),
    ],
)
def test_the_numbers_of_the_dynamic_value_limit(
    equity: float, sigma: float, expected: float
) -> None:
    """T-59: T 100 s, leverage 20, c 1; NaN and infinity close."""
    assert value_usd_max(equity, 20.0, sigma, 100.0, 1.0) == pytest.approx(expected, rel=1e-12)


def test_without_data_the_prior_volatility_rules() -> None:
    """T-59: c = 0 ignores sigma; c = 0.5 is half way between the two reaches."""
    raw, prior = 1000 * 0.5 / (5 * 0.002 * 10), 1000 * 0.5 / (5 * 0.0002 * 10)
    assert value_usd_max(1000.0, 1e9, 0.002, 100.0, 0.0) == pytest.approx(prior)
    assert value_usd_max(1000.0, 1e9, 0.002, 100.0, 0.5) == pytest.approx((raw + prior) / 2)
    for bad in (math.nan, -0.1, 1.1):
        assert value_usd_max(1000.0, 20.0, 0.002, 100.0, bad) == 0.0


def test_the_dynamic_value_limit_binds_when_the_market_is_wild() -> None:
    """T-59 in lots: half of equity in five sigma; a calm market leaves the user's cap."""
    rec = made(user_lots=500)
    limits.on_account(rec, 1000.0, 1e9, 0)
    limits.on_volatility(rec, 0.001, 100.0, 1.0)
    rec.margin.leverage, rec.margin.tiers[0].leverage_max = 20.0, 20.0
    limits.refresh(rec, 0, 100.0, NOW_NS)
    assert both(rec) == (100, 100)
    assert rec.long_bound == Bound.DYNAMIC_VALUE


BAD = st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 0.0])
FIELDS = ["lot_usd", "equity", "free", "leverage", "sigma", "confidence", "user_value", "tier"]


@given(field=st.sampled_from(FIELDS), bad=BAD, position=st.integers(-40, 40))
def test_a_bad_number_never_opens(field: str, bad: float, position: int) -> None:
    """NaN anywhere closes: no bad value gives more than the good one did, and none is infinite."""
    rec = made()
    limits.refresh(rec, position, 100.0, NOW_NS)
    good = both(rec)
    lot_usd = bad if field == "lot_usd" else 100.0
    if field in ("equity", "free"):
        money = {"equity": (bad, 1e9), "free": (1e9, bad)}[field]
        limits.on_account(rec, *money, position)
    rec.margin.leverage = bad if field == "leverage" else rec.margin.leverage
    rec.sigma = bad if field == "sigma" else rec.sigma
    rec.confidence = bad if field == "confidence" else rec.confidence
    rec.user_value_usd = bad if field == "user_value" else rec.user_value_usd
    if field == "tier":
        rec.margin.tiers[0].leverage_max = bad
    limits.refresh(rec, position, lot_usd, NOW_NS)
    assert all(0 <= now <= before for now, before in zip(both(rec), good, strict=True))
    if math.isnan(bad):
        held = (max(0, position), max(0, -position))
        assert all(now <= was for now, was in zip(both(rec), held, strict=True))


@st.composite
def sources(draw: st.DrawFn) -> tuple[Rec, int, float]:
    """Limits with every source drawn at random, our position, and the free margin [USD]."""
    rec = made(user_lots=draw(st.integers(0, 1000)))
    position, free = draw(st.integers(-2000, 2000)), draw(st.floats(0, 1e6))
    limits.on_account(rec, draw(st.floats(0, 1e6)), free, position)
    limits.on_volatility(rec, draw(st.floats(0, 0.1)), 60.0, 0.7)
    buy, sell = draw(st.integers(-1, 3000)), draw(st.integers(-1, 3000))
    exchange_limits.on_limits(rec.exchange, buy, sell, position, NOW_NS)
    limits.refresh(rec, position, 100.0, NOW_NS + draw(st.integers(0, 400)) * NS_PER_S)
    return rec, position, free


@given(drawn=sources())
def test_no_source_raises_the_limit_above_the_users(drawn: tuple[Rec, int, float]) -> None:
    """F-22: the cap is a hard minimum in every path; and the joint budget is kept (T-35)."""
    rec, position, free = drawn
    long, short = both(rec)
    assert 0 <= long <= rec.user_lots
    assert 0 <= short <= rec.user_lots
    adding = max(0, long - max(0, position)) + max(0, short - max(0, -position))
    assert adding <= free * 0.8 * 10.0 / 100.0 + 1e-6


@given(
    notional=st.floats(0, 1e9),
    bounds=st.lists(st.floats(1e3, 1e9), min_size=1, max_size=4, unique=True),
)
def test_maintenance_is_continuous_and_summed_tier_by_tier(
    notional: float, bounds: list[float]
) -> None:
    """Protocol 10.6: notional*rate - deduction equals the integral of the tiers' rates."""
    assume(all(abs(notional - bound) > 1.0 for bound in bounds))
    rec = np.zeros(1, margin.MARGIN)[0]
    margin.reset(rec, 40.0)
    edges = [0.0, *sorted(bounds)]
    rec.tier_count = len(edges)
    leverages = [40.0, 25.0, 10.0, 5.0, 3.0]
    for i, edge in enumerate(edges):
        rec.tiers[i].lower_bound_usd, rec.tiers[i].leverage_max = edge, leverages[i]
    tops = [*edges[1:], math.inf]
    summed = sum(
        (min(notional, top) - edge) * 0.5 / leverage
        for edge, top, leverage in zip(edges, tops, leverages, strict=False)
        if notional > edge
    )
    assert margin.maintenance_usd(rec, notional) == pytest.approx(summed, rel=1e-9, abs=1e-6)


def test_the_liquidation_buffer_runs_from_one_to_nothing() -> None:
    """Flat 1; 10 lots of 100 USD at 40x need 12.5 USD; equity 12.5 is liquidation; NaN unknown."""
    rec = np.zeros(1, margin.MARGIN)[0]
    margin.reset(rec, 40.0)
    assert margin.liquidation_buffer(rec, 0, 100.0) == 1.0
    assert math.isnan(margin.liquidation_buffer(rec, 10, 100.0))
    for equity, buffer in ((125.0, 0.9), (25.0, 0.5), (12.5, 0.0), (0.0, 0.0), (-4.0, 0.0)):
        margin.on_account(rec, equity, 0.0, 10)
        assert margin.liquidation_buffer(rec, 10, 100.0) == pytest.approx(buffer)
        assert margin.liquidation_buffer(rec, -10, 100.0) == pytest.approx(buffer)
