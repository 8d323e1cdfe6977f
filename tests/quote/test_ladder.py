"""The coin-by-coin ladder: limits under every order of fills, sizes, floors and reasons."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.core.ladder import LADDER, TERMS, Term
from hypermaker.core.market import Premium
from hypermaker.quote import glft, ladder, rules

Make = Callable[..., Any]

markets = st.fixed_dictionaries(
    {
        "position_lots": st.integers(-12_000, 12_000),
        "long_lots_max": st.integers(0, 9000),
        "short_lots_max": st.integers(0, 9000),
        "sigma_bps": st.floats(0.0, 20.0),
        "a_bid_per_s": st.floats(0.01, 2.0),
        "a_ask_per_s": st.floats(0.01, 2.0),
        "kappa_per_bps": st.floats(0.05, 2.0),
        "gamma": st.floats(0.0, 0.01),
        "volume_lots": st.floats(0.0, 2000.0),
        "quote_lots": st.floats(1.0, 1000.0),
        "fee_bps": st.floats(-0.5, 3.0),
        "epsilon_bid_bps": st.floats(0.0, 5.0),
        "epsilon_ask_bps": st.floats(0.0, 5.0),
        "epsilon_decay_bps": st.sampled_from([0.0, 8.0]),
        "drift_bps_per_s": st.floats(-0.1, 0.1),
        "lot_usd": st.floats(0.01, 20.0),
        "levels_max": st.integers(0, 20),
        "fair_ticks": st.floats(200_000.0, 1_500_000.0),
        "bid_ticks": st.just(0),
        "ask_ticks": st.just(0),
    }
)


def distance(market: Any, level: Any, sign: int) -> float:
    return float(sign * (market.fair_ticks - level.price_ticks) / market.fair_ticks * 1e4)


@settings(max_examples=300, deadline=None)
@given(changes=markets, rule=st.sampled_from(list(rules.RULES.values())))
def test_no_order_of_fills_breaks_a_limit(
    market: Make, quoted: Make, sides: Make, changes: dict[str, Any], rule: Any
) -> None:
    """T-34: the worst order of fills is one whole side; it ends inside the limits or nearer them.

    Both sides are checked alone and after the other: only sums of whole sides can be extreme.
    """
    one = market(half_spread_bps_min=2.0, **changes)
    bids, asks = sides(quoted(one, rule=rule))
    bought, sold = int(bids.size_lots.sum()), int(asks.size_lots.sum())
    assert one.position_lots + bought <= max(one.long_lots_max, one.position_lots)
    assert one.position_lots - sold >= min(-one.short_lots_max, one.position_lots)
    assert (bids.size_lots > 0).all() and (asks.size_lots > 0).all()


@settings(max_examples=300, deadline=None)
@given(changes=markets, rule=st.sampled_from(list(rules.RULES.values())))
def test_every_ladder_is_fit_for_the_venue(
    market: Make, quoted: Make, sides: Make, changes: dict[str, Any], rule: Any
) -> None:
    """T-45: bid < fair < ask, no price twice, best first, >= 10 USD, terms sum to 1e-9 bps."""
    one = market(half_spread_bps_min=2.0, **changes)
    bids, asks = sides(quoted(one, rule=rule))
    assert (bids.price_ticks < one.fair_ticks).all() and (asks.price_ticks > one.fair_ticks).all()
    assert (np.diff(bids.price_ticks) < 0).all() and (np.diff(asks.price_ticks) > 0).all()
    for side, sign in ((bids, 1), (asks, -1)):
        assert (side.price_ticks * side.size_lots >= 10_000_000).all()
        for level in side:
            assert level.terms_bps.sum() == pytest.approx(distance(one, level, sign), abs=1e-9)


LIMITS = [
    (0, 0.5, 0.5),
    (200, 0.3, 0.7),
    (600, 0.0, 1.1),
    (-200, 0.7, 0.3),
    (-600, 1.1, 0.0),
]


@pytest.mark.parametrize(("position", "bid", "ask"), LIMITS)
def test_capacity_of_each_side(market: Make, position: int, bid: float, ask: float) -> None:
    """T-32 in lots of a thousandth; what is allowed now (T-33) cuts it further."""
    one = market(position_lots=position, long_lots_max=500, short_lots_max=500)
    assert ladder.capacity_lots(one, 1) == round(1000 * bid)
    assert ladder.capacity_lots(one, -1) == round(1000 * ask)
    one.bid_lots_max = 100
    assert ladder.capacity_lots(one, 1) == min(100, round(1000 * bid))


def test_next_coin_stands_where_it_would_if_the_first_had_filled(
    market: Make, solver: Make
) -> None:
    """After any part of a sweep the rest of the ladder stands right: no burst of re-quotes."""
    record = solver()
    glft.solve(record, market())
    for held in (-4000.0, 0.0, 2500.0):
        for filled in (100.0, 700.0, 3000.0):
            before = glft.marginal_bps(record, held + filled, held + filled + 50.0)
            swept = glft.bid_depth_bps(record, held + filled, 50.0) - 1.0 / record.kappa_per_bps
            assert before == pytest.approx(swept, abs=1e-12)


def test_swept_levels_leave_the_rest_in_place(market: Make, quoted: Make, sides: Make) -> None:
    """A level's price is that of its own coins at the inventory they would meet."""
    coins = {"levels_max": 6, "quote_lots": 1500.0}
    whole, _ = sides(quoted(market(**coins), raw=True))
    for filled in range(1, 6):
        held = int(whole.size_lots[:filled].sum())
        rest, _ = sides(
            quoted(market(**(coins | {"levels_max": 6 - filled}), position_lots=held), raw=True)
        )
        assert list(rest.size_lots) == list(whole.size_lots[filled:])
        assert rest.raw_ticks == pytest.approx(whole.raw_ticks[filled:], rel=1e-12)


def test_first_level_is_exactly_the_textbook_quote(market: Make, quoted: Make, sides: Make) -> None:
    """One quote size on one cell: 1/kappa + ln(f_q/f_q+1)/kappa + fee + adverse selection."""
    one = market(position_lots=1500)
    bids, asks = sides(quoted(one, raw=True))
    record = np.zeros(1, glft.GLFT)[0]
    glft.solve(record, one)
    place = (1500 + 9000) // 300
    up = (record.log_f[place] - record.log_f[place + 1]) / 0.25
    wanted = one.fair_ticks * (1.0 - (4.0 + up + 1.8) * 1e-4)
    assert bids[0].size_lots == 300
    assert bids[0].raw_ticks == pytest.approx(wanted, rel=1e-14)
    down = (record.log_f[place] - record.log_f[place - 1]) / 0.25
    assert asks[0].terms_bps[Term.INVENTORY] == pytest.approx(down, abs=1e-9)


@pytest.mark.parametrize("capital", [100.0, 1000.0, 100_000.0])
def test_small_and_large_accounts_both_quote(
    market: Make, quoted: Make, sides: Make, capital: float
) -> None:
    """T-38: as many levels as the minimum notional allows, none too small, none lost."""
    most = int(capital)
    one = market(long_lots_max=most, short_lots_max=most, quote_lots=max(10.0, capital / 33))
    bids, asks = sides(quoted(one))
    whole, _ = sides(quoted(one, raw=True))
    assert len(whole) == min(10, int(capital / 10.1))
    assert 1 <= len(bids) <= len(whole)
    assert bids.size_lots.sum() == most and asks.size_lots.sum() == most


def test_capacity_of_25_dollars_makes_two_levels(market: Make, quoted: Make, sides: Make) -> None:
    """T-38: five levels wanted, 25 USD of room."""
    one = market(levels_max=5, bid_lots_max=25, ask_lots_max=10, gamma=0.05)
    bids, asks = sides(quoted(one))
    value = bids.size_lots * bids.price_ticks / 1e6
    assert len(bids) == 2 and (value >= 10.0).all() and value.sum() <= 25.0
    assert len(asks) == 1 and asks[0].size_lots == 10


@settings(max_examples=200, deadline=None)
@given(room=st.integers(1000, 100_000), levels=st.integers(1, 16), quote=st.floats(1.0, 3e4))
def test_room_worth_ten_dollars_is_never_left_empty(
    market: Make, quoted: Make, sides: Make, room: int, levels: int, quote: float
) -> None:
    """T-38: never zero from 10 USD on (an ask's price is above fair), never above capacity."""
    one = market(
        lot_usd=0.01,
        fair_ticks=10_000.3,
        bid_ticks=0,
        ask_ticks=0,
        ask_lots_max=room,
        short_lots_max=200_000,
        long_lots_max=200_000,
        levels_max=levels,
        quote_lots=quote,
    )
    _, asks = sides(quoted(one))
    assert asks.size_lots.sum() == room


@settings(max_examples=100, deadline=None)
@given(capacity=st.integers(1, 10**7), quote=st.floats(0.5, 1e5), count=st.integers(1, 16))
def test_levels_share_the_capacity_exactly_and_grow_outwards(
    market: Make, capacity: int, quote: float, count: int
) -> None:
    one = market(quote_lots=quote)
    through = [ladder.lots_through(one, capacity, count, level) for level in range(count + 1)]
    sizes = np.diff(through)
    assert through[0] == 0 and through[-1] == capacity
    assert (sizes[1:] >= sizes[:-1] - 1).all()
    if quote * count <= capacity and quote >= 1.0:
        assert sizes[0] == int(quote) or count == 1


def test_span_cuts_the_ladder_behind_its_first_level(
    market: Make, quoted: Make, sides: Make
) -> None:
    for span in (0.0, 2.0, 5.0):
        bids, _ = sides(quoted(market(span_bps=span), raw=True))
        depths = [float(level.terms_bps.sum()) for level in bids]
        assert len(depths) >= 1 and depths[-1] <= depths[0] + span
    assert len(bids) < 10


@settings(max_examples=150, deadline=None)
@given(
    fee=st.floats(-0.5, 5.0),
    epsilon_bid=st.floats(0.0, 10.0),
    epsilon_ask=st.floats(0.0, 10.0),
    drift=st.floats(-0.05, 0.05),
    ratio=st.floats(0.05, 20.0),
    least=st.floats(0.0, 30.0),
    decay=st.sampled_from([0.0, 5.0]),
)
def test_a_flat_book_is_never_quoted_inside_its_costs(
    market: Make,
    quoted: Make,
    sides: Make,
    fee: float,
    epsilon_bid: float,
    epsilon_ask: float,
    drift: float,
    ratio: float,
    least: float,
    decay: float,
) -> None:
    """T-52, T-48 (floor respected): at zero inventory fee + adverse selection at that depth."""
    one = market(
        fee_bps=fee,
        epsilon_bid_bps=epsilon_bid,
        epsilon_ask_bps=epsilon_ask,
        drift_bps_per_s=drift,
        a_bid_per_s=0.1 * ratio,
        half_spread_bps_min=least,
        epsilon_decay_bps=decay,
    )
    for side, sign in zip(sides(quoted(one)), (1, -1), strict=True):
        for level in side:
            costs = fee + level.terms_bps[Term.ADVERSE]
            assert distance(one, level, sign) >= max(costs, least) - 1e-9


def test_floor_leaves_the_skew_of_a_position_alone(market: Make, quoted: Make, sides: Make) -> None:
    """The floor is judged flat: a long position still lowers its ask by the whole skew."""
    wide = {"half_spread_bps_min": 20.0, "levels_max": 1, "ask_lots_max": 300}
    flat = sides(quoted(market(**wide), raw=True))[1][0]
    long = sides(quoted(market(position_lots=4500, **wide), raw=True))[1][0]
    assert flat.terms_bps.sum() == pytest.approx(20.0)
    assert long.terms_bps[Term.FLOOR] == flat.terms_bps[Term.FLOOR]
    skew = long.terms_bps[Term.INVENTORY] - flat.terms_bps[Term.INVENTORY]
    assert skew < -2.0 and long.terms_bps.sum() == pytest.approx(20.0 + skew)


@pytest.mark.parametrize("wanted", [1.0, 3.0])
def test_skew_is_there_in_the_final_orders(
    market: Make, quoted: Make, sides: Make, wanted: float
) -> None:
    """T-50: at half the limit both rounded prices have moved by the configured bps at least."""
    size = {"skew_bps_min": wanted, "gamma": 1e-9, "bid_lots_max": 300, "ask_lots_max": 300}
    quotes = {held: sides(quoted(market(position_lots=held, **size))) for held in (-4500, 0, 4500)}
    for side in (0, 1):
        short, flat, long = (float(quotes[q][side][0].price_ticks) for q in (-4500, 0, 4500))
        assert (flat - long) / flat * 1e4 >= wanted
        assert (short - flat) / flat * 1e4 >= wanted


def test_position_takes_room_and_lowers_prices(market: Make, quoted: Make, sides: Make) -> None:
    """T-44: at half the limit the adding side has half its room; both sides stand lower.

    Unlike the predecessor's, the reducing side is not cut and the cut does not stop at 90 %.
    """
    flat_bids, flat_asks = sides(quoted(market()))
    bids, asks = sides(quoted(market(position_lots=4500)))
    assert bids.size_lots.sum() == flat_bids.size_lots.sum() // 2
    assert asks.size_lots.sum() == 13_500
    assert bids[0].price_ticks < flat_bids[0].price_ticks
    assert asks[0].price_ticks < flat_asks[0].price_ticks
    assert (bids.price_ticks % 10 == 0).all()  # above 100,000 USD whole dollars only
    full, _ = sides(quoted(market(position_lots=9000)))
    assert len(full) == 0


def test_short_that_earns_funding_is_not_pushed_to_cover(
    market: Make, quoted: Make, sides: Make
) -> None:
    """T-51: positive funding is a falling price, whatever the sign of the position."""
    for held in (-3000, 3000):
        plain = sides(quoted(market(position_lots=held), raw=True))
        paid = sides(quoted(market(position_lots=held, drift_bps_per_s=-2e-3), raw=True))
        for before, after in zip(plain, paid, strict=True):
            assert after[0].raw_ticks < before[0].raw_ticks


def test_terms_name_every_part_of_a_price(market: Make, quoted: Make, sides: Make) -> None:
    one = market(half_spread_bps_min=30.0, position_lots=1200)
    one.premium_bid_bps[Premium.STALENESS] = 0.5
    one.premium_ask_bps[Premium.CASCADE] = 2.5
    bids, asks = sides(quoted(one))
    bid, ask = bids[0].terms_bps, asks[0].terms_bps
    assert bid[Term.HALF_SPREAD] == pytest.approx(4.0) and bid[Term.FEE] == 1.5
    assert bid[Term.ADVERSE] == 0.3 and bid[Term.INVENTORY] > 0.0 > ask[Term.INVENTORY]
    assert bid[Term.FLOOR] > 0.0 and bid[Term.ROUNDING] >= 0.0
    assert bid[Term.PREMIUM + Premium.STALENESS] == 0.5
    assert ask[Term.PREMIUM + Premium.CASCADE] == 2.5
    assert len(bid) == TERMS


def test_stronger_adverse_selection_moves_its_own_side_out(
    market: Make, quoted: Make, sides: Make
) -> None:
    """A cost on one side is shared by both, as the optimum says; the spread grows by all of it."""
    before = [float(side[0].terms_bps.sum()) for side in sides(quoted(market(), raw=True))]
    one = market(epsilon_bid_bps=2.3)
    after = [float(side[0].terms_bps.sum()) for side in sides(quoted(one, raw=True))]
    assert after[0] > before[0]
    assert sum(after) - sum(before) == pytest.approx(2.0, abs=0.2)


def test_builders_of_a_rule_keep_to_the_room(market: Make, sides: Make) -> None:
    one = market(bid_lots_max=700, ask_lots_max=0)
    built = np.zeros(1, LADDER)[0]
    for depth in (5.0, 7.0, 9.0, 11.0):
        ladder.add_bid(one, built, depth, 0.5)
        ladder.add_ask(one, built, depth, 0.5)
    bids, asks = sides(built)
    assert list(bids.size_lots) == [300, 300, 100] and len(asks) == 0
    assert bids[0].terms_bps[Term.HALF_SPREAD] == 5.0
    assert bids[0].terms_bps[Term.INVENTORY] == 0.5
    assert bids[0].terms_bps.sum() == pytest.approx(5.5 + 1.8)
    for inner, outer in pairwise(bids):
        assert inner.raw_ticks > outer.raw_ticks
