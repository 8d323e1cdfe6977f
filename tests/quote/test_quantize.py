"""The last step: the venue's grid, the touch, the minimum, and the reason it leaves behind."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.core.ladder import LADDER, Term
from hypermaker.quote.quantize import next_above, next_below, quantize

Make = Callable[..., Any]


def written(levels: list[tuple[float, int]], market: Any, sign: int) -> Any:
    """Make a ladder of (wanted price in ticks, lots) on one side, its distance in one term."""
    made = np.zeros(1, LADDER)[0]
    side = made.bids if sign > 0 else made.asks
    for index, (raw_ticks, size_lots) in enumerate(levels):
        side[index].raw_ticks, side[index].size_lots = raw_ticks, size_lots
        away = sign * (market.fair_ticks - raw_ticks) / market.fair_ticks * 1e4
        side[index].terms_bps[Term.HALF_SPREAD] = away
    made.bid_levels, made.ask_levels = (len(levels), 0) if sign > 0 else (0, len(levels))
    return made


def test_bid_just_under_the_mid_goes_down_not_onto_it(market: Make) -> None:
    """T-98: wanted 29.985 at mid 30.0 with one decimal is a bid of 29.9, an ask of 30.1."""
    one = market(fair_ticks=300.0, price_decimals=1, bid_ticks=299, ask_ticks=301)
    bid = written([(299.85, 100_000)], one, 1)
    quantize(one, bid)
    assert bid.bids[0].price_ticks == 299
    ask = written([(300.0, 100_000)], one, -1)
    quantize(one, ask)
    assert ask.asks[0].price_ticks == 301


def test_whole_dollars_are_always_a_price(market: Make) -> None:
    """T-98: 104,321 has six figures and stays 104,321; 29 lots of 0.01 stay 0.29."""
    one = market(fair_ticks=1_043_215.0, price_decimals=1, bid_ticks=0, ask_ticks=0)
    bid = written([(1_043_210.0, 29)], one, 1)
    quantize(one, bid)
    assert bid.bids[0].price_ticks == 1_043_210 and bid.bids[0].size_lots == 29


@pytest.mark.parametrize("sign", [1, -1])
def test_the_touch_is_never_crossed(market: Make, sign: int) -> None:
    """Post-only: a bid stays below the best ask, an ask above the best bid, whatever we want."""
    one = market(fair_ticks=500_000.0, bid_ticks=499_980, ask_ticks=499_990)
    one.fair_ticks = 499_985.0
    made = written([(one.fair_ticks + sign * 5000.0, 100)], one, sign)
    quantize(one, made)
    if sign > 0:
        assert made.bids[0].price_ticks == 499_980
    else:
        assert made.asks[0].price_ticks == 499_990


def test_an_empty_side_forbids_nothing(market: Make) -> None:
    one = market(fair_ticks=500_000.0, bid_ticks=0, ask_ticks=0)
    made = written([(400_000.0, 100)], one, 1)
    quantize(one, made)
    assert made.bid_levels == 1 and made.bids[0].price_ticks == 400_000


@pytest.mark.parametrize(("cents", "kept"), [(999, 0), (1000, 1)])
def test_ten_dollars_are_kept_and_a_cent_less_is_dropped(
    market: Make, cents: int, kept: int
) -> None:
    """T-45: notional of the price and size that would be sent, to the last micro-dollar."""
    one = market(fair_ticks=10_100.0, price_decimals=4, bid_ticks=0, ask_ticks=0)
    made = written([(10_000.0, cents)], one, 1)  # one dollar a coin, lots of 0.01
    quantize(one, made)
    assert made.bid_levels == kept


def test_levels_too_small_join_outwards(market: Make, sides: Make) -> None:
    """T-38: 25 USD on five levels becomes two orders, each at the price of its outermost coin."""
    one = market(fair_ticks=10_100.0, price_decimals=4, bid_ticks=0, ask_ticks=0)
    made = written([(10_000.0 - 10 * i, 501) for i in range(5)], one, 1)
    quantize(one, made)
    bids, _ = sides(made)
    assert list(bids.price_ticks) == [9990, 9960]
    assert list(bids.size_lots) == [1002, 1503]


def test_equal_prices_become_one_order_with_averaged_reasons(market: Make, sides: Make) -> None:
    one = market()
    made = written([(999_401.0, 100), (999_402.5, 300), (999_391.0, 50)], one, 1)
    wanted = (made.bids[0].terms_bps[0] + 3.0 * made.bids[1].terms_bps[0]) / 4.0
    quantize(one, made)
    bids, _ = sides(made)
    assert list(bids.price_ticks) == [999_400, 999_390]
    assert list(bids.size_lots) == [400, 50]
    assert bids[0].terms_bps[Term.HALF_SPREAD] == pytest.approx(wanted, rel=1e-12)


def test_nonsense_prices_are_dropped(market: Make) -> None:
    one = market(bid_ticks=0, ask_ticks=0)
    made = written([(np.nan, 100), (-5.0, 100), (1e300, 100), (999_000.0, 0)], one, -1)
    quantize(one, made)
    assert made.ask_levels == 0


@settings(max_examples=300, deadline=None)
@given(
    price=st.floats(100.0, 5e6),
    decimals=st.integers(0, 6),
    wanted=st.lists(st.tuples(st.floats(0.0, 300.0), st.integers(0, 5000)), max_size=16),
    room=st.integers(0, 30_000),
    sign=st.sampled_from([1, -1]),
)
def test_cumulative_profile_never_stands_nearer_than_wanted(
    market: Make,
    sides: Make,
    price: float,
    decimals: int,
    wanted: list[tuple[float, int]],
    room: int,
    sign: int,
) -> None:
    """The lots within any distance are at most those wanted within it, and within the room."""
    one = market(
        fair_ticks=price,
        price_decimals=decimals,
        bid_ticks=0,
        ask_ticks=0,
        bid_lots_max=room,
        ask_lots_max=room,
    )
    wanted = sorted(wanted)
    raw = [(price * (1.0 - sign * bps * 1e-4), lots) for bps, lots in wanted]
    made = written(raw, one, sign)
    quantize(one, made)
    side = sides(made)[0 if sign > 0 else 1]
    assert side.size_lots.sum() <= room
    for level in side:
        inside = [lots for ticks, lots in raw if sign * (ticks - level.price_ticks) >= -1e-6]
        nearer = side[sign * (side.price_ticks - level.price_ticks) >= 0]
        assert nearer.size_lots.sum() <= sum(inside)
        away = sign * (price - level.price_ticks) / price * 1e4
        assert level.terms_bps.sum() == pytest.approx(away, abs=1e-9)


@settings(max_examples=300, deadline=None)
@given(price=st.floats(11.0, 5e6), decimals=st.integers(0, 6))
def test_neighbours_on_the_grid_are_strict_and_close(price: float, decimals: int) -> None:
    """No valid price lies between a price and its neighbours below and above."""
    below, above = next_below(price, decimals), next_above(price, decimals)
    assert below < price < above
    dollar = 10**decimals
    whole = int(price)
    figures = 10 ** max(len(str(whole)) - 5, 0)
    step = min(figures, dollar)
    assert price - below <= step + 1e-6 and above - price <= 10 * step
