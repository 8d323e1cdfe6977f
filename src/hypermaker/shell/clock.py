"""The one place where time enters: wall-clock nanoseconds that never step back.

Ages and deadlines need a clock that only goes forward; nonces and venue times need the wall. So
the wall is read once and the monotonic clock carries it on (fault F59).
"""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns nanoseconds since the epoch, never less than the call before."""


def steady_clock() -> Clock:
    """Return a clock that starts at the wall's time and then runs with the monotonic clock."""
    offset = time.time_ns() - time.monotonic_ns()

    def now_ns() -> int:
        return time.monotonic_ns() + offset

    return now_ns
