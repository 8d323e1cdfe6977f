"""Nonces: milliseconds that only ever go up, whatever the clock does (faults F26, F59)."""


class NonceCounter:
    """Strictly increasing nonces for one signer.

    Parameters
    ----------
    last   the highest nonce ever used by this signer [ms]; the shell keeps it across restarts

    """

    __slots__ = ("last",)

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def next(self, now_ms: int) -> int:
        """Return the time, or one more than the last nonce where the clock has not moved on.

        >>> counter = NonceCounter()
        >>> counter.next(1000), counter.next(1000), counter.next(900), counter.next(2000)
        (1000, 1001, 1002, 2000)
        """
        self.last = max(now_ms, self.last + 1)
        return self.last
