"""What a session says aloud: one human line a change of state, and warnings that do not repeat.

Every line goes to the operator and into the journal. A change (quoting or not, the risk response,
a link, the latch) is always said; what merely goes on is said once an interval, with a count of
what was swallowed (T-47, F-85). Nothing here decides anything.
"""

import sys
from collections.abc import Callable, Hashable

from hypermaker.core.units import NS_PER_S
from hypermaker.risk.gate import Cut
from hypermaker.risk.kill_switch import KillReason
from hypermaker.risk.monitors import Response
from hypermaker.shell.clock import Clock
from hypermaker.shell.journal import JournalWriter
from hypermaker.shell.throttle import Throttle
from hypermaker.state import State
from hypermaker.steps.want import may_quote

REPEAT_NS = 60 * NS_PER_S
Say = Callable[[str], None]
"""Takes one line for a person."""


def to_stderr(text: str) -> None:
    """Say a line on the terminal, away from what a program may read."""
    print(text, file=sys.stderr, flush=True)


class Voice:
    """Speaks for one session.

    say   where lines go besides the journal
    """

    def __init__(self, say: Say, journal: JournalWriter, clock: Clock) -> None:
        self._say, self._journal, self._clock = say, journal, clock
        self._throttle = Throttle(REPEAT_NS)
        self._counts: dict[str, int] = {}

    def tell(self, text: str) -> None:
        """Say this now, whatever was said before."""
        self._journal.note(text)
        self._say(text)

    def warn(self, key: Hashable, text: str) -> None:
        """Say this unless it was said within the last minute."""
        swallowed = self._throttle.allows(key, self._clock())
        if swallowed is not None:
            self.tell(f"{text} (and {swallowed} times before)" if swallowed else text)

    def changed(self, key: Hashable, state: Hashable, text: str) -> None:
        """Say this when the key's state is not what it was."""
        if self._throttle.changed(key, state):
            self.tell(text)

    def watch(self, states: State) -> None:
        """Look at the engine and say what is different; called at every timer."""
        state = states[0]
        quoting = bool(may_quote(state))
        self.changed("quoting", quoting, "quoting" if quoting else "not quoting")
        response = Response(int(state.monitors.response))
        why = _names(int(state.monitors.reasons))
        self.changed("response", (response, why), f"risk response: {response.name.lower()}{why}")
        self._watch_gate(states)
        if state.counters.mismatch_since_ns:
            self.warn("apart", "the venue's position is not ours; nothing is added until it is")
        self._count("refused", int(state.table.refused), "orders were refused")
        self._count("unknown", int(state.table.unknown_outcomes), "the fate of orders is unknown")
        self._count("strangers", int(state.table.strangers), "open orders that nobody here placed")

    def _watch_gate(self, states: State) -> None:
        """Reduce-only: entering and leaving always, that it goes on now and then."""
        gate = states[0].gate
        for name, side in (("bids", gate.bid), ("asks", gate.ask)):
            limited = bool(side.reduce_only) and int(side.reason) in (Cut.OVER_SIZE, Cut.OVER_VALUE)
            reason = Cut(int(side.reason)).name.lower().replace("_", " ")
            text = f"{name} only reduce: {reason} limit" if limited else f"{name} may add again"
            if self._throttle.changed(name, limited):
                if limited or name in self._counts:
                    self.tell(text)
                self._counts[name] = 1
                self._throttle.allows((name, "on"), self._clock())
            elif limited:
                held = int(gate.position_lots)
                self.warn((name, "on"), f"{name} still only reduce, position {held} lots")

    def _count(self, key: str, count: int, text: str) -> None:
        """Warn when a counter of the engine has grown."""
        grown = count - self._counts.get(key, 0)
        if grown > 0:
            self._counts[key] = count
            self.warn(key, f"{text}: {grown} more, {count} in all")


def _names(reasons: int) -> str:
    """Return the names of a set of kill reasons, as the end of a line."""
    named = [r.name.lower() for r in KillReason if r and reasons & 1 << r]
    return f" ({', '.join(named)})" if named else ""
