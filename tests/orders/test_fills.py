"""Each fill moves the position once, in every order of arrival and however often it is told."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.orders import fills
from hypermaker.orders.fills import FILLS, RING


def fresh():
    return np.zeros(1, FILLS)[0]


def tell(book, at, tid, side=1, size=1):
    if fills.is_unseen(book, at, tid):
        fills.move(book, side, 100, size)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=200), st.randoms())
def test_position_is_the_sum_over_distinct_keys_in_any_order(keys, rnd):
    """T-71, F08, F39: duplicates and reorderings change nothing."""
    told = keys + keys[: len(keys) // 2]
    rnd.shuffle(told)
    book = fresh()
    for at, tid in told:
        tell(book, at, tid)
    assert book.position_lots == len(set(keys))
    assert book.duplicates == len(told) - len(set(keys))


def test_the_same_trade_id_in_another_block_is_another_fill():
    """X20: the key is (block time, coin, tid), not the tid alone."""
    book = fresh()
    tell(book, 1, 7)
    tell(book, 2, 7)
    tell(book, 2, 7)
    assert book.position_lots == 2


def test_eviction_cannot_admit_an_old_fill_again():
    """T-72: after the ring has turned over, a replayed history counts nothing."""
    book = fresh()
    for i in range(3 * RING):
        tell(book, i + 1, i)
    for i in range(3 * RING):
        tell(book, i + 1, i)
    assert book.position_lots == 3 * RING


def test_fills_before_the_position_snapshot_are_history():
    """T-31, F-08: what the first snapshot of fills replays is already in the position."""
    book = fresh()
    fills.adopt(book, 5, 1_000)
    for i in range(20):
        tell(book, 900 + i, i)
    assert book.position_lots == 5
    tell(book, 1_000, 99)
    assert book.position_lots == 6
