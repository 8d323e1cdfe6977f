"""One running engine: everything it hears goes through `hear`, everything it asks comes out of it.

    event -> engine -> journal -> whoever carries the actions out

The order is the promise: what an event caused is in the journal before anyone may sign it, and
`orders_out` flushes the journal before it sends, so after a crash at any point the journal holds
every order that can exist (fault F62, promise I10).
"""

from collections import deque
from collections.abc import Callable

import msgspec

from hypermaker.core.actions import Actions, empty_actions
from hypermaker.core.events import Events, Flag, Kind, Reason, Source, event
from hypermaker.orders.table import Life
from hypermaker.shell.clock import Clock
from hypermaker.shell.journal import JournalWriter
from hypermaker.state import EngineConfig, initial_state
from hypermaker.strategy import step_of

CarryOut = Callable[[Actions], None]


class LiveOrder(msgspec.Struct, frozen=True):
    """What the engine's table says of one order that may still fill; a view for the shell."""

    order_seq: int
    oid: int
    life: Life
    changed_ns: int


class Session:
    """The engine of one asset, its journal, and the way out for its actions.

    `carry_out` is called with ACTION, shape (n,), n > 0, and must not keep the array; until it is
    set, nothing the engine asks for goes anywhere.
    """

    def __init__(self, config: EngineConfig, journal: JournalWriter, clock: Clock) -> None:
        self.config = config
        self.state = initial_state(config)
        self.journal = journal
        self.events = 0
        self.carry_out: CarryOut = _nowhere
        self.clock = clock
        self._step = step_of(config)
        self._actions = empty_actions()
        self._backlog: deque[Events] = deque()
        self._is_stepping = False

    def hear(self, events: Events) -> None:
        """Let the engine take events in order, and carry out what each one causes.

        events   EVENT, shape (n,); kept until the engine has taken them, so not to be reused when
                 this is called from inside `carry_out`
        """
        if self._is_stepping:
            self._backlog.append(events.copy())
            return
        self._is_stepping = True
        try:
            self._step_all(events)
            while self._backlog:
                self._step_all(self._backlog.popleft())
        finally:
            self._is_stepping = False

    def _step_all(self, events: Events) -> None:
        for index in range(len(events)):
            one = events[index : index + 1]
            count = self._step(self.state, one, self._actions)
            asked = self._actions[:count]
            self.journal.step(one, asked)
            if count:
                self.carry_out(asked)
        self.events += len(events)

    def tick(self) -> None:
        """Let time pass: one TIMER event; what was heard since the last one goes to disk."""
        self.hear(event(Kind.TIMER, self.clock(), source=Source.LOCAL))
        self.journal.tick()

    def link(self, sources: tuple[Source, ...], *, up: bool) -> None:
        """Say that feeds are there, or that their silence means nothing from now on."""
        flag = Flag.UP if up else Flag.DOWN
        for source in sources:
            self.hear(event(Kind.LINK, self.clock(), source=source, marks=flag))

    def control(self, reason: Reason) -> None:
        """Give the operator's order: pause, resume or kill."""
        self.hear(event(Kind.CONTROL, self.clock(), source=Source.LOCAL, reason=reason))

    def live_orders(self) -> list[LiveOrder]:
        """Return every order the engine still counts as exposure."""
        slots = self.state[0]["table"]["slots"]
        taken = slots[slots["life"] != Life.FREE]
        return [
            LiveOrder(int(o["order_seq"]), int(o["oid"]), Life(o["life"]), int(o["changed_ns"]))
            for o in taken
        ]

    @property
    def position_lots(self) -> int:
        """The engine's position, > 0 long."""
        return int(self.state[0]["fills"]["position_lots"])

    @property
    def is_apart(self) -> bool:
        """Whether the venue's last word on the position was not the engine's."""
        return bool(self.state[0]["counters"]["mismatch_since_ns"])

    @property
    def newest_fill_ms(self) -> int:
        """Venue time of the newest fill the engine has counted; 0 before the first."""
        return int(self.state[0]["fills"]["newest_venue_ns"]) // 1_000_000


def _nowhere(_: Actions) -> None:
    return
