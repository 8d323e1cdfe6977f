"""The gate: what it must cut, what it must never cut, and that no order of fills beats it."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.core.ladder import LEVELS_MAX
from hypermaker.risk import gate as gates
from hypermaker.risk.gate import Bar, Cut
from tests.risk.ladders import Gate, Ladder, Sizes, flags_of, ladder_of, opened, sizes_of


def passed(gate: Gate, bids: Sizes, asks: Sizes) -> Ladder:
    """Return the ladder of these sizes after the gate."""
    ladder = ladder_of(bids, asks)
    gates.pass_ladder(gate, ladder)
    return ladder


@pytest.mark.parametrize(
    ("position", "bid", "ask"), [(0, 50, 50), (20, 30, 70), (-20, 70, 30), (50, 0, 100)]
)
def test_the_capacities_of_both_sides(position: int, bid: int, ask: int) -> None:
    """T-32: max .5: 0 -> .5/.5; .2 -> .3/.7; -.2 -> .7/.3."""
    gate = opened(position)
    gates.admit(gate)
    assert (gate.bid.room_lots, gate.ask.room_lots) == (bid, ask)
    assert (gate.bid.allowance_lots, gate.ask.allowance_lots) == (bid, ask)
    assert (gate.bid.reduce_only, gate.ask.reduce_only) == (0, 0)


@pytest.mark.parametrize("position", [60, -60])
def test_over_the_limit_only_the_way_back_is_open(position: int) -> None:
    """T-32, T-46: .6 over .5: bid 0; the ask allowance is 1.1, its ladder .6 and reduce-only."""
    gate = opened(position)
    ladder = passed(gate, [40, 40, 40], [40, 40, 40])
    adding, reducing = (0, 1) if position > 0 else (1, 0)
    assert sizes_of(ladder)[adding] == []
    assert sizes_of(ladder)[reducing] == [40, 20]
    assert flags_of(ladder)[reducing] == {1}
    side = gate.ask if position > 0 else gate.bid
    assert side.allowance_lots == 110
    assert side.reason == Cut.OVER_SIZE


def test_the_reason_is_value_when_value_and_size_are_both_over() -> None:
    """T-46: pos 1.2 > max 1.0: bids empty, asks kept; both over: OverValueLimit."""
    gate = opened(120, cap=100)
    gate.is_over_value = 1
    ladder = passed(gate, [10], [10])
    assert sizes_of(ladder) == ([], [10])
    assert gate.bid.reason == Cut.OVER_VALUE
    within = passed(opened(90, cap=100), [10], [10])
    assert sizes_of(within) == ([10], [10])
    assert flags_of(within) == ({0}, {0})


def test_over_value_within_size_is_reduce_only() -> None:
    """T-46: the value limit alone takes the adding side."""
    gate = opened(20)
    gate.is_over_value = 1
    assert sizes_of(passed(gate, [10], [30])) == ([], [20])


def test_stale_venue_limits_leave_the_way_out() -> None:
    """T-33: position .6, the venue lets us sell nothing: asks up to .6 stay."""
    gate = opened(60, cap=100, long=60, short=0)
    ladder = passed(gate, [10], [30, 30, 30])
    assert sizes_of(ladder) == ([], [30, 30])


def test_a_bar_takes_the_adding_part_and_flags_the_rest() -> None:
    """T-15: during a pull with position +2, asks remain up to 2; bids are gone."""
    gate = opened(2)
    gate.bid.bar = gate.ask.bar = Bar.ADDING
    ladder = passed(gate, [1, 1], [1, 2, 3])
    assert sizes_of(ladder) == ([], [1, 1])
    assert flags_of(ladder)[1] == {1}
    assert gate.bid.reason == gate.ask.reason == Cut.BARRED


def test_a_killed_side_is_empty() -> None:
    """I6: after the latch nothing leaves unless the unwind policy says reduce."""
    gate = opened(20)
    gate.bid.bar = gate.ask.bar = Bar.ALL
    assert sizes_of(passed(gate, [5], [5])) == ([], [])
    assert (gate.bid.allowance_lots, gate.ask.allowance_lots) == (0, 0)
    assert gate.ask.reason == Cut.KILLED


def test_unknown_orders_count_as_exposure() -> None:
    """I1: 35 bids that may still fill leave 15 of 50."""
    gate = opened(0)
    gate.bid.other_lots = 35
    assert sizes_of(passed(gate, [10, 10, 10], [10, 10, 10])) == ([10, 5], [10, 10, 10])
    assert gate.bid.reason == Cut.ROOM
    assert gate.bid.cut_lots == 15


def test_the_outermost_goes_first_and_the_terms_stay_with_their_price() -> None:
    """A level that is dropped takes its own terms along, not its neighbour's."""
    ladder = ladder_of([5, 5, 5], [])
    ladder.bids[1].raw_ticks = math.nan
    gates.pass_ladder(opened(42), ladder)
    assert sizes_of(ladder)[0] == [5, 3]
    assert [float(level.terms_bps[0]) for level in ladder.bids[:2]] == [1.0, 3.0]
    assert [float(level.raw_ticks) for level in ladder.bids[:2]] == [999.0, 997.0]


def test_the_fraction_shrinks_only_the_adding_part() -> None:
    """Graduated response: long 4, half size: asks keep the 4 that reduce and half of the rest."""
    gate = opened(4)
    gate.bid.fraction = gate.ask.fraction = 0.5
    ladder = passed(gate, [6, 6], [3, 3, 6])
    assert sizes_of(ladder) == ([3, 3], [3, 2, 3])
    assert gate.bid.reason == Cut.SIZE_FRACTION


@pytest.mark.parametrize("fraction", [math.nan, -1.0, 0.0, -math.inf])
def test_a_bad_fraction_closes(fraction: float) -> None:
    """NaN closes, and only the adding part."""
    gate = opened(4)
    gate.bid.fraction = gate.ask.fraction = fraction
    assert sizes_of(passed(gate, [6], [6])) == ([], [4])


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, 0.0, -3.0])
def test_a_price_that_is_no_price_goes(price: float) -> None:
    """NaN closes: an order without a price is no order; the other levels stay."""
    ladder = ladder_of([5, 5], [5])
    ladder.bids[0].raw_ticks = price
    gate = opened(0)
    gates.pass_ladder(gate, ladder)
    assert sizes_of(ladder) == ([5], [5])
    assert gate.bid.reason == Cut.BAD_LEVEL


@pytest.mark.parametrize("count", [-3, 99])
def test_a_broken_count_of_levels_is_bounded(count: int) -> None:
    """A user's rule cannot make the gate read beyond the ladder."""
    ladder = ladder_of([1] * LEVELS_MAX, [])
    ladder.bid_levels = count
    gates.pass_ladder(opened(0), ladder)
    assert sizes_of(ladder)[0] == [1] * max(0, min(count, LEVELS_MAX))


LOTS = st.integers(-150, 150)
LIMIT = st.integers(0, 100)
SIZES = st.lists(st.integers(-5, 60), max_size=6)


@st.composite
def states(draw: st.DrawFn) -> Gate:
    """A gate in any state: limits at or below the cap, bars, fractions, orders in flight."""
    cap = draw(LIMIT)
    gate = opened(draw(LOTS), cap, min(cap, draw(LIMIT)), min(cap, draw(LIMIT)))
    gate.is_over_value = draw(st.integers(0, 1))
    for side in (gate.bid, gate.ask):
        side.bar = draw(st.sampled_from([Bar.NONE, Bar.NONE, Bar.ADDING, Bar.ALL]))
        side.fraction = draw(st.sampled_from([1.0, 1.0, 0.5, 0.0, math.nan]))
        side.other_lots = draw(st.integers(0, 80))
    return gate


def worst_after(position: int, orders: list[tuple[int, int, bool]]) -> int:
    """Return |position| after fills of (side, size, reduce_only), as the venue fills them."""
    worst = abs(position)
    for side, size, reduce_only in orders:
        if reduce_only:
            size = min(size, max(0, -side * position))
        position += side * size
        worst = max(worst, abs(position))
    return worst


@settings(max_examples=400)
@given(gate=states(), bids=SIZES, asks=SIZES, order=st.randoms(use_true_random=False))
def test_no_order_of_fills_exceeds_the_users_cap(
    gate: Gate, bids: Sizes, asks: Sizes, order: Any
) -> None:
    """T-34, I1: whatever fills, in whatever order and part, |position| stays within the cap.

    Orders outside the ladder were admitted earlier, so they fit the cap themselves; a position
    that was over the cap before may not grow.
    """
    position, cap = int(gate.position_lots), int(gate.user_lots)
    gate.bid.other_lots = min(gate.bid.other_lots, max(0, cap - position))
    gate.ask.other_lots = min(gate.ask.other_lots, max(0, cap + position))
    others = [(1, int(gate.bid.other_lots), False), (-1, int(gate.ask.other_lots), False)]
    ladder = passed(gate, bids, asks)
    ours = [(1, int(b.size_lots), bool(b.reduce_only)) for b in ladder.bids[: ladder.bid_levels]]
    ours += [(-1, int(a.size_lots), bool(a.reduce_only)) for a in ladder.asks[: ladder.ask_levels]]
    fills = others + ours
    order.shuffle(fills)
    fills = [(side, order.randint(0, size), flag) for side, size, flag in fills]
    assert worst_after(position, fills) <= max(cap, abs(position))


@settings(max_examples=400)
@given(gate=states(), bids=SIZES, asks=SIZES)
def test_reducing_survives_everything_but_the_latch(gate: Gate, bids: Sizes, asks: Sizes) -> None:
    """Duty 5, F-27: what was wanted to reduce is kept, up to |position| with what is in flight."""
    position = int(gate.position_lots)
    ladder = passed(gate, bids, asks)
    side, wanted, kept = (
        (gate.ask, asks, sizes_of(ladder)[1])
        if position > 0
        else (gate.bid, bids, sizes_of(ladder)[0])
    )
    if side.bar != Bar.ALL:
        wish = sum(size for size in wanted if size > 0)
        assert sum(kept) >= min(wish, max(0, abs(position) - side.other_lots))


@settings(max_examples=400)
@given(gate=states(), bids=SIZES, asks=SIZES)
def test_the_gate_only_ever_takes_away(gate: Gate, bids: Sizes, asks: Sizes) -> None:
    """No level grows, none appears, the order stays, and what went is counted with a reason."""
    ladder = passed(gate, bids, asks)
    for side, wanted, kept in (
        (gate.bid, bids, sizes_of(ladder)[0]),
        (gate.ask, asks, sizes_of(ladder)[1]),
    ):
        wish = [size for size in wanted if size > 0]
        assert len(kept) <= len(wish)
        remaining = iter(wish)
        assert all(any(size <= larger for larger in remaining) for size in kept)
        assert side.cut_lots == sum(wish) - sum(kept)
        assert side.cut_lots == 0 or side.reason != Cut.NONE


@settings(max_examples=300)
@given(gate=states(), bids=SIZES, asks=SIZES)
def test_barred_adding_never_adds(gate: Gate, bids: Sizes, asks: Sizes) -> None:
    """While adding is barred a side's ladder is reduce-only and at most |position|."""
    ladder = passed(gate, bids, asks)
    position = int(gate.position_lots)
    for side, kept, flags, reduces in (
        (gate.bid, sizes_of(ladder)[0], flags_of(ladder)[0], -position),
        (gate.ask, sizes_of(ladder)[1], flags_of(ladder)[1], position),
    ):
        if side.bar != Bar.NONE:
            assert sum(kept) <= max(0, reduces)
            assert flags <= {1}
