"""Which of many repeated warnings to say: one an interval and key, with a count of the others.

A change of state (entering or leaving reduce-only, say) is always said. Time comes from the
caller, and nothing is written here: the answer says what to write (T-47, F-85).
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import TypeVar

KEYS_MAX = 1024

T = TypeVar("T")


class Throttle:
    """Remembers, for each key, when it was last said and how often it was swallowed since.

    At most `KEYS_MAX` keys are kept; the one unused for longest is forgotten, so a forgotten key
    is said once too often rather than never.
    """

    def __init__(self, interval_ns: int) -> None:
        self.interval_ns = interval_ns
        self._said: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()
        self._states: OrderedDict[Hashable, Hashable] = OrderedDict()

    def allows(self, key: Hashable, now_ns: int) -> int | None:
        """Return how many were swallowed since the last one said, None to swallow this too.

        >>> throttle = Throttle(interval_ns=10)
        >>> [throttle.allows("reduce-only", t) for t in (0, 3, 9, 10, 11)]
        [0, None, None, 2, None]
        """
        said_ns, swallowed = self._said.get(key, (None, 0))
        if said_ns is not None and 0 <= now_ns - said_ns < self.interval_ns:
            _keep(self._said, key, (said_ns, swallowed + 1))
            return None
        _keep(self._said, key, (now_ns, 0))
        return swallowed

    def changed(self, key: Hashable, state: Hashable) -> bool:
        """Return whether a key's state differs from the last one told; the first always does."""
        differs = key not in self._states or self._states[key] != state
        _keep(self._states, key, state)
        return differs


def _keep(table: OrderedDict[Hashable, T], key: Hashable, value: T) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > KEYS_MAX:
        table.popitem(last=False)
