"""Which nonces a signer may still use: the venue's replay protection.

A nonce is valid when it was not used before, is greater than the smallest of the 100 highest ones
stored for this key, and lies inside (T - 2 days, T + 1 day) of the block's time T.
Source: venue docs, "Nonces and API wallets".
"""

from bisect import bisect_left, insort

from hypermaker.hyperliquid import rejects

KEPT = 100
DAY_MS = 86_400_000
PAST_MS = 2 * DAY_MS
FUTURE_MS = DAY_MS


class NonceSet:
    """The highest nonces of one signing key, in ascending order."""

    __slots__ = ("_stored",)

    def __init__(self) -> None:
        self._stored: list[int] = []

    def refusal(self, nonce: int, now_ms: int) -> str | None:
        """Return why the venue refuses a nonce, in its words, or None when it may be used."""
        if nonce <= now_ms - PAST_MS:
            return rejects.NONCE_LOW.say(nonce=nonce, bound=now_ms - PAST_MS)
        if nonce >= now_ms + FUTURE_MS:
            return rejects.NONCE_HIGH.say(nonce=nonce, bound=now_ms + FUTURE_MS)
        at = bisect_left(self._stored, nonce)
        if at < len(self._stored) and self._stored[at] == nonce:
            return rejects.NONCE_DUPLICATE.say(nonce=nonce)
        if len(self._stored) == KEPT and at == 0:
            return rejects.NONCE_LOW.say(nonce=nonce, bound=self._stored[0])
        return None

    def use(self, nonce: int) -> None:
        """Store a nonce that was found valid, forgetting the lowest beyond the hundredth."""
        insort(self._stored, nonce)
        if len(self._stored) > KEPT:
            del self._stored[0]
