"""What is said aloud: every change once, whatever goes on once a minute with a count (T-47)."""

from pathlib import Path
from typing import Any

import pytest

from hypermaker.core.units import NS_PER_S
from hypermaker.risk.gate import Cut
from hypermaker.risk.monitors import Response
from hypermaker.shell.journal import JournalWriter, make_header
from hypermaker.shell.voice import REPEAT_NS, Voice
from hypermaker.state import EngineConfig, State, initial_state
from hypermaker.tape.format import read_journal

CONFIG = EngineConfig(
    coin="BTC", sz_decimals=5, position_limit_lots=2_000, position_limit_usd=2_000.0, quote_lots=50
)
CYCLES = 10_000


class Room:
    """A voice, what it said, and the time in the test's hand."""

    def __init__(self, folder: Path) -> None:
        self.path, self.said = folder / "journal.hmj", [""]
        self.said.clear()
        self.now_ns = 1_790_000_000 * NS_PER_S
        header = make_header(
            run_id=1, asset="BTC", network="local", account="0x", started_ns=1, engine=CONFIG
        )
        self.journal = JournalWriter(self.path, header)
        self.voice = Voice(self.said.append, self.journal, lambda: self.now_ns)
        self.states: State = initial_state(CONFIG)

    @property
    def state(self) -> Any:
        """The engine's record, to be changed by hand."""
        return self.states[0]

    def watch(self, seconds: float = 0.25) -> list[str]:
        """Let time pass, look, and return what is said now."""
        before = len(self.said)
        self.now_ns += int(seconds * NS_PER_S)
        self.voice.watch(self.states)
        return self.said[before:]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A room in which the first look is over."""
    made = Room(tmp_path)
    made.watch()
    return made


def test_ten_thousand_reduce_only_cycles_are_a_line_a_minute(room: Room) -> None:
    """T-47: entering and leaving are always said; in between one line an interval, with a count."""
    ask = room.state.gate.bid
    ask.reduce_only, ask.reason = 1, Cut.OVER_SIZE
    entered = room.watch()
    assert entered == ["bids only reduce: over size limit"]
    lines = [line for _ in range(CYCLES) for line in room.watch()]
    assert len(lines) == pytest.approx(CYCLES * 0.25 / (REPEAT_NS / NS_PER_S), abs=1)
    assert all("still only reduce" in line for line in lines)
    assert "239 times before" in lines[1]
    ask.reduce_only, ask.reason = 0, Cut.NONE
    assert room.watch() == ["bids may add again"]
    assert room.watch() == []


def test_a_side_that_never_was_limited_is_not_announced(room: Room) -> None:
    assert not any("may add" in line for line in room.said)


def test_a_response_is_said_when_it_changes_and_names_its_rows(room: Room) -> None:
    room.state.monitors.response, room.state.monitors.reasons = Response.PULL, 1 << 5
    assert room.watch() == ["risk response: pull (stale_market)"]
    assert room.watch() == []
    room.state.monitors.response, room.state.monitors.reasons = Response.NONE, 0
    assert room.watch() == ["risk response: none"]


def test_counters_are_told_as_they_grow_but_not_each_time(room: Room) -> None:
    for _ in range(100):
        room.state.table.refused += 1
        room.watch()
    assert [line for line in room.said if "refused" in line] == [
        "orders were refused: 1 more, 1 in all"
    ]
    room.state.table.refused += 1
    (line,) = room.watch(seconds=60.0)
    assert line == "orders were refused: 1 more, 101 in all (and 99 times before)"


def test_every_line_is_in_the_journal_too(room: Room) -> None:
    room.voice.tell("something changed")
    room.journal.close()
    assert "something changed" in read_journal(room.path).notes
