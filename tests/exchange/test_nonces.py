"""Which nonces pass: against the rule written down as a set."""

from hypothesis import given
from hypothesis import strategies as st

from hypermaker.exchange.nonces import FUTURE_MS, KEPT, PAST_MS, NonceSet

NOW_MS = 1_800_000_000_000


class SlowNonces:
    """Remembers everything, and sorts it for every question."""

    def __init__(self) -> None:
        self.used: set[int] = set()

    def accepts(self, nonce: int, now_ms: int) -> bool:
        stored = sorted(self.used)[-KEPT:]
        inside = now_ms - PAST_MS < nonce < now_ms + FUTURE_MS
        return inside and nonce not in stored and (len(stored) < KEPT or nonce > stored[0])


@given(st.lists(st.integers(-150, 150), max_size=300))
def test_a_nonce_passes_exactly_when_the_rule_says_so(offsets: list[int]) -> None:
    nonces, slow = NonceSet(), SlowNonces()
    for offset in offsets:
        nonce = NOW_MS + offset
        accepted = nonces.refusal(nonce, NOW_MS) is None
        assert accepted == slow.accepts(nonce, NOW_MS)
        if accepted:
            nonces.use(nonce)
            slow.used.add(nonce)


def test_the_venues_words_say_what_was_wrong() -> None:
    """Protocol sheet 3.12, section 5."""
    nonces = NonceSet()
    nonces.use(NOW_MS)
    assert nonces.refusal(NOW_MS, NOW_MS) == f"Invalid nonce: duplicate nonce {NOW_MS}"
    low, high = NOW_MS - PAST_MS, NOW_MS + FUTURE_MS
    assert nonces.refusal(low, NOW_MS) == f"Invalid nonce: nonce too low {low} < {low}"
    assert nonces.refusal(high, NOW_MS) == f"Invalid nonce: nonce too high {high} > {high}"


def test_with_a_hundred_stored_only_higher_than_the_lowest_passes() -> None:
    nonces = NonceSet()
    for step in range(KEPT):
        nonces.use(NOW_MS + 2 * step)
    assert nonces.refusal(NOW_MS - 1, NOW_MS) == (
        f"Invalid nonce: nonce too low {NOW_MS - 1} < {NOW_MS}"
    )
    assert nonces.refusal(NOW_MS + 1, NOW_MS) is None
