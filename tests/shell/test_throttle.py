"""Repeated warnings: one an interval, with a count; changes always."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.shell.throttle import KEYS_MAX, Throttle

S = 1_000_000_000


def test_ten_thousand_cycles_in_reduce_only_warn_once_an_interval() -> None:
    """T-47: 10,000 cycles of 100 ms, interval 60 s: 17 lines that account for all 10,000."""
    throttle = Throttle(interval_ns=60 * S)
    said = [throttle.allows("reduce-only", cycle * S // 10) for cycle in range(10_000)]
    counts = [count for count in said if count is not None]
    assert len(counts) == 17
    assert counts == [0] + [599] * 16


def test_keys_do_not_silence_each_other() -> None:
    """T-47: each key has its own interval."""
    throttle = Throttle(interval_ns=S)
    assert throttle.allows("a", 0) == 0
    assert throttle.allows(("b", "BTC"), 1) == 0
    assert throttle.allows("a", 2) is None


def test_entering_and_leaving_are_always_said() -> None:
    """T-47: state changes pass, however fast; the same state does not."""
    throttle = Throttle(interval_ns=60 * S)
    told = [throttle.changed("response", state) for state in (0, 1, 1, 0, 0, 1)]
    assert told == [True, True, False, True, False, True]


def test_a_clock_that_steps_back_silences_nothing() -> None:
    """F59: after a step back the warning is said again, not swallowed till time catches up."""
    throttle = Throttle(interval_ns=60 * S)
    assert throttle.allows("a", 10**6 * S) == 0
    assert throttle.allows("a", 5) == 0


@pytest.mark.parametrize("extra", [1, 10])
def test_memory_is_bounded(extra: int) -> None:
    """I11: endless keys forget the one unused for longest, and only that one."""
    throttle = Throttle(interval_ns=60 * S)
    for key in range(KEYS_MAX + extra):
        throttle.allows(key, key)
    assert throttle.allows(0, KEYS_MAX + extra) == 0
    assert throttle.allows(KEYS_MAX, KEYS_MAX + extra) is None


@given(gaps=st.lists(st.integers(0, 30), max_size=200))
def test_nothing_is_lost_and_nothing_is_said_too_soon(gaps: list[int]) -> None:
    """T-47: said and swallowed together are all there were; two sayings are an interval apart."""
    throttle, now, said, total = Throttle(interval_ns=50), 0, [], 0
    for gap in gaps:
        now += gap
        count = throttle.allows("k", now)
        if count is not None:
            said.append(now)
            total += count + 1
    rest = throttle.allows("k", now + 1000) if gaps else 0
    assert total + (rest or 0) == len(gaps)
    assert all(later - earlier >= 50 for earlier, later in pairwise(said))
