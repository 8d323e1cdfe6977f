"""The fair price: inside the touch, leaning as far as the data say, deaf to nonsense."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.estimate import fair_price
from tests.estimate.loops import feed_books

Cases = dict[str, dict[str, Any]]
S = 1_000_000_000


def fresh() -> Any:
    """Return a reset record."""
    array = np.zeros(1, fair_price.FAIR_PRICE)
    fair_price.reset(array[0])
    return array[0]


def market(lean: float, count: int, seed: int = 1) -> tuple[Any, Any]:
    """Return (times, books), one a second; the next mid moves by `lean` times the imbalance."""
    rng = np.random.default_rng(seed)
    lots = rng.integers(1, 50, (count, 2)).astype(float)
    imbalance = (lots[:, 0] - lots[:, 1]) / lots.sum(axis=1)
    mid = 10_000.0 + np.append(0.0, np.cumsum(lean * imbalance + rng.normal(0, 0.5, count))[:-1])
    books = np.column_stack((mid - 1.0, lots[:, 0], mid + 1.0, lots[:, 1]))
    return S + np.arange(count) * S, books


def test_the_weighted_mid_crosses_its_weights(cases: Cases) -> None:
    """MIC-1."""
    case = cases["MIC-1"]
    g = case["inputs"]
    value = fair_price.weighted_mid(g["bid_px"], g["bid_qty"], g["ask_px"], g["ask_qty"])
    assert value == pytest.approx(case["expected"]["weighted_mid"], abs=1e-9)


def test_without_data_the_fair_price_is_the_mid() -> None:
    """A signal starts with no say (F-54)."""
    rec = fresh()
    assert fair_price.fair_ticks(rec) == 0.0 and not fair_price.ready(rec)
    assert fair_price.update(rec, S, (99.0, 1e6), (101.0, 1.0))
    assert fair_price.fair_ticks(rec) == 100.0
    assert fair_price.half_spread_bps(rec) == pytest.approx(100.0)


@pytest.mark.parametrize("truth", [0.0, 0.4, -0.3])
def test_the_lean_is_learned_with_its_error(truth: float) -> None:
    """Where the mid follows imbalance, fair = E[next mid], and the error bar covers the truth."""
    rec = fresh()
    feed_books(rec, *market(truth, 3_000))
    assert abs(fair_price.lean(rec) - truth) < 3 * fair_price.stderr(rec) + 0.02
    assert fair_price.stderr(rec) < 0.05


def test_the_micro_price_predicts_out_of_sample() -> None:
    """6.2: corr(fair - mid, next move) is positive on data that came after the fit."""
    rec = fresh()
    at, books = market(0.4, 4_000)
    feed_books(rec, at[:2_000], books[:2_000])
    shifts, moves = [], []
    for i in range(2_000, 3_999):
        fair_price.update(rec, int(at[i]), (books[i, 0], books[i, 1]), (books[i, 2], books[i, 3]))
        shifts.append(fair_price.fair_ticks(rec) - fair_price.mid_ticks(rec))
        moves.append(books[i + 1, 0] - books[i, 0])
    assert np.corrcoef(shifts, moves)[0, 1] > 0.2


def test_the_effective_count_is_the_faded_count() -> None:
    """T-96: after 10,000 predictions the count is that of the memory, 2 tau, not a floor of it."""
    rec = fresh()
    feed_books(rec, *market(0.2, 10_001))
    from hypermaker.estimate import slope

    keep = math.exp(-1.0 / fair_price.TAU_S)
    assert rec.lean.weight == pytest.approx((1 - keep**10_000) / (1 - keep), rel=1e-9)
    assert slope.effective_count(rec.lean) == pytest.approx(2 * fair_price.TAU_S, rel=0.02)


books = st.tuples(
    st.integers(1, 10**6), st.floats(1e-3, 1e6), st.integers(1, 100), st.floats(1e-3, 1e6)
)


@given(st.lists(books, min_size=1, max_size=60))
def test_fair_never_leaves_the_touch(made: list[tuple[int, float, int, float]]) -> None:
    """T-96, F-29: whatever was learned, bid <= fair <= ask of the last book believed."""
    rec = fresh()
    for i, (bid, bid_lots, width, ask_lots) in enumerate(made):
        fair_price.update(
            rec, (i + 1) * 2 * S, (float(bid), bid_lots), (float(bid + width), ask_lots)
        )
        assert rec.bid_ticks <= fair_price.fair_ticks(rec) <= rec.ask_ticks


@pytest.mark.parametrize("jump", [math.nan, 0.0, 126.0, 74.0])
def test_one_mad_message_does_not_reach_quoting(jump: float) -> None:
    """T-97: NaN, zero or a 25 % jump in one message."""
    rec = fresh()
    fair_price.update(rec, S, (99.0, 5.0), (101.0, 5.0))
    assert not fair_price.update(rec, 2 * S, (jump - 1, 5.0), (jump + 1, 5.0))
    assert fair_price.fair_ticks(rec) == 100.0
    if jump > 1.0:
        assert not fair_price.ready(rec)
    assert fair_price.update(rec, 3 * S, (99.0, 5.0), (101.0, 5.0))
    assert fair_price.ready(rec)


def test_a_jump_that_stays_is_believed() -> None:
    """T-97: the fifth book in a row that agrees is the new price; two mad ones do not agree."""
    rec = fresh()
    fair_price.update(rec, S, (99.0, 5.0), (101.0, 5.0))
    for i in range(5):
        wild = 200.0 if i % 2 else 500.0
        assert not fair_price.update(rec, (2 + i) * S, (wild - 1, 5.0), (wild + 1, 5.0))
    told = [fair_price.update(rec, (9 + i) * S, (199.0, 5.0), (201.0, 5.0)) for i in range(5)]
    assert told == [False] * 4 + [True]
    assert fair_price.fair_ticks(rec) == 200.0 and fair_price.ready(rec)


def test_old_books_are_old() -> None:
    """A slower feed must not turn the clock back."""
    rec = fresh()
    fair_price.update(rec, 5 * S, (99.0, 5.0), (101.0, 5.0))
    assert not fair_price.update(rec, 4 * S, (89.0, 5.0), (91.0, 5.0))
    assert fair_price.mid_ticks(rec) == 100.0 and rec.rejected == 1
