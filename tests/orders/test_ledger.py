"""The PnL identity is exact, whatever happened and in whatever order it was heard."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.core.events import Kind, event
from hypermaker.core.kernel import kernel
from hypermaker.orders import ledger
from hypermaker.orders.ledger import LEDGER, MARKOUT_NS


@kernel
def _book(book, events):
    ledger.book_fill(book, events[0])


def book_fill(book, side, price, size, *, fee=0, at=0):
    _book(
        book,
        event(Kind.FILL, at, at, side=side, price_ticks=price, size_lots=size, fee_usd_micro=fee),
    )


def fresh():
    return np.zeros(1, LEDGER)[0]


def test_acceptance_case_per_4_of_the_quant_models(shared):
    """PER-4, T-75: spread 0.70, inventory 0.60, fees -0.05997, funding -0.02006, total 1.21997."""
    text = (shared / "reference" / "quant-models.md").read_text()
    case = json.loads(re.search(r'^\{"id":"PER-4".*\}$', text, re.M).group())
    inputs, expected = case["inputs"], case["expected"]
    book, ticks = fresh(), 1000  # one tick is 0.001 USD, one lot 0.001 coin
    fills = {row[0]: row[1:] for row in inputs["fills"]}
    for i, mid in enumerate(inputs["mids"]):
        ledger.mark(book, int(2 * mid * ticks), i, i)
        if i in fills:
            side, size, price = fills[i]
            fee = round(size * price * inputs["maker_fee"] * 1e6)
            sign = 1 if side == "buy" else -1
            book_fill(book, sign, round(price * ticks), round(size * 1000), fee=fee, at=i + 1)
    paid = expected["final_position"] * inputs["funding_oracle"] * inputs["funding_rate"]
    ledger.book_funding(book, -round(paid * 1e6))
    assert book.spread_half / 2e6 == pytest.approx(expected["spread_capture"], abs=1e-10)
    assert book.moved_half / 2e6 == pytest.approx(expected["inventory_pnl"], abs=1e-10)
    billed = 0.5e-6 * len(fills)  # the venue bills each fill in whole micro-USD
    assert -book.fees_usd_micro / 1e6 == pytest.approx(expected["fees"], abs=billed)
    assert ledger.total_half(book) / 2e6 == pytest.approx(expected["total"], abs=billed)
    assert ledger.value_half(book) == ledger.total_half(book)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.integers(10_000, 20_000), st.integers(0, 20)),
        st.tuples(st.just("fill"), st.sampled_from([-1, 1]), st.integers(9_000, 11_000)),
        st.tuples(st.just("funding"), st.integers(-500, 500), st.just(0)),
        st.tuples(st.just("adopt"), st.integers(-50, 50), st.just(0)),
    ),
    max_size=120,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(-20, 20))
def test_profit_by_cause_adds_up_to_cash_and_position_to_the_last_unit(steps, inherited):
    """T-75: the five causes sum to the change of account value, exactly, in integers."""
    book = fresh()
    book.position_lots = inherited
    now = 0
    for what, a, b in steps:
        now += MARKOUT_NS // 3
        if what == "mark":
            ledger.mark(book, a, now - b, now)
        elif what == "fill":
            book_fill(book, a, b, 1 + b % 7, fee=b % 13 - 3, at=now)
        elif what == "funding":
            ledger.book_funding(book, a)
        elif book.mid2_ticks > 0:
            ledger.adopt(book, a)
    assert ledger.total_half(book) == ledger.value_half(book)


def test_adverse_is_signed_and_measured_over_the_markout():
    """T-76: buy, then the mid falls: a cost; what happens after the markout is inventory."""
    book = fresh()
    ledger.mark(book, 20_000, 0, 0)
    book_fill(book, 1, 9_990, 10, at=1)
    ledger.mark(book, 19_960, 2, 2)
    assert ledger.adverse_half(book) == -400
    ledger.mark(book, 19_960, 3, 1 + MARKOUT_NS)
    ledger.mark(book, 21_000, 4, 2 + MARKOUT_NS)
    assert ledger.adverse_half(book) == -400
    assert book.spread_half == 200


def test_the_mid_before_the_fill_is_the_one_in_force_at_exchange_time():
    """T-76: a fill heard after the touch has moved is not credited with the moved mid."""
    book = fresh()
    ledger.mark(book, 20_000, 100, 150)
    ledger.mark(book, 19_900, 200, 250)
    book_fill(book, 1, 9_990, 1, at=200)
    assert book.spread_half == 20_000 - 2 * 9_990
    assert ledger.adverse_half(book) == 19_900 - 20_000


def test_a_burst_of_fills_larger_than_the_markout_ring_loses_nothing():
    """F-40: the identity holds through a sweep of hundreds of fills inside one markout."""
    book = fresh()
    ledger.mark(book, 20_000, 0, 0)
    for i in range(300):
        book_fill(book, 1, 9_990 - i % 5, 1 + i % 3, fee=1, at=i + 1)
    ledger.mark(book, 19_000, 400, 400)
    assert ledger.total_half(book) == ledger.value_half(book)
