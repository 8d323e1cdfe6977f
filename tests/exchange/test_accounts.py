"""Money moves between accounts and nowhere else, in whole units of 10^-6 USD."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from hypermaker.exchange.accounts import Position

TRADES = st.lists(
    st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 10_000)), min_size=1, max_size=40
)


def exact_entry(trades: list[tuple[int, int]]) -> tuple[int, Fraction]:
    """Return position and cost by the venue's convention, in exact fractions."""
    lots, cost = 0, Fraction(0)
    for traded, price in trades:
        if lots * traded >= 0:
            lots, cost = lots + traded, cost + traded * price
        elif abs(traded) <= abs(lots):
            cost = cost * (lots + traded) / lots
            lots += traded
        else:
            lots += traded
            cost = Fraction(lots * price)
    return lots, cost


@given(TRADES)
def test_realised_results_add_up_to_what_the_cash_says(trades: list[tuple[int, int]]) -> None:
    """Cash in plus what is held at cost equals the sum of realised results, exactly."""
    position, cash, realised = Position(), 0, 0
    for lots, price in trades:
        realised += position.trade(lots, price)
        cash -= lots * price
    assert position.lots == sum(lots for lots, _ in trades)
    assert cash + position.cost_usd_micro == realised


@given(TRADES)
def test_the_entry_price_is_averaged_on_increases_and_kept_on_reductions(
    trades: list[tuple[int, int]],
) -> None:
    """Against exact fractions; each reduction may round by less than one unit."""
    position = Position()
    for lots, price in trades:
        position.trade(lots, price)
    lots, cost = exact_entry(trades)
    assert position.lots == lots
    assert abs(position.cost_usd_micro - cost) <= len(trades)


def test_a_flip_closes_the_whole_position_before_it_opens_the_other_side() -> None:
    position = Position()
    assert position.trade(10, 100) == 0
    assert position.trade(-25, 110) == 100
    assert (position.lots, position.cost_usd_micro) == (-15, -15 * 110)
    assert position.trade(15, 100) == 150
    assert (position.lots, position.cost_usd_micro) == (0, 0)
