"""Nonces that only go up, and client order ids that name their run."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hypermaker.hyperliquid.cloid import cloid_of, order_seq_of
from hypermaker.hyperliquid.nonce import NonceCounter

SEQ = st.integers(1, 2**63 - 1)
RUN = st.integers(0, 2**64 - 1)


@given(st.lists(st.integers(0, 2**45), max_size=50), st.integers(0, 2**45))
def test_nonces_strictly_increase_whatever_the_clock_does(clock: list[int], last: int) -> None:
    """F26, F59, I8: also across a restart that remembers the last one."""
    counter = NonceCounter(last)
    seen = [last] + [counter.next(now_ms) for now_ms in clock]
    assert all(before < after for before, after in pairwise(seen))
    assert all(nonce >= now for nonce, now in zip(seen[1:], clock, strict=True))


@given(RUN, SEQ)
def test_a_cloid_gives_its_order_back_to_its_own_run_only(run_id: int, order_seq: int) -> None:
    """F27, F29: another run's order is a stranger."""
    cloid = cloid_of(run_id, order_seq)
    assert len(cloid) == 34 and cloid == cloid.lower()
    assert order_seq_of(cloid, run_id) == order_seq
    assert order_seq_of(cloid.upper().replace("0X", "0x"), run_id) == order_seq
    assert order_seq_of(cloid, (run_id + 1) % 2**64) == 0


@given(st.none() | st.text(max_size=40))
def test_a_foreign_id_is_zero_not_an_error(text: str | None) -> None:
    assert order_seq_of(text, 7) == 0
    assert order_seq_of("0x" + "g" * 32, 7) == 0
