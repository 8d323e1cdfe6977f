"""Replay: the same events through a fresh engine must ask for the same things, byte for byte."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from hypermaker.core.actions import Actions, empty_actions
from hypermaker.core.kernel import cache_key
from hypermaker.errors import TapeError
from hypermaker.state import EngineConfig, State, initial_state
from hypermaker.strategy import load_strategy, step_of
from hypermaker.tape.format import Journal


class Difference(msgspec.Struct, frozen=True):
    """The first event on which a replay disagrees with the recording.

    index      of the event in the journal
    recorded   ACTION, shape (n,): what the session asked for
    replayed   ACTION, shape (m,): what the engine asks for now
    """

    index: int
    recorded: Actions
    replayed: Actions


def engine_config(journal: Journal, path: Path) -> EngineConfig:
    """Return the engine's configuration as the session had it.

    Raises TapeError when this version of the engine has other settings.
    """
    try:
        return msgspec.convert(journal.header.engine, EngineConfig)
    except msgspec.ValidationError as error:
        raise TapeError(path, f"another engine's settings: {error}") from error


def is_same_code(journal: Journal) -> bool:
    """Return whether the session ran exactly the kernels and compilers of this process."""
    return journal.header.kernel_key == cache_key()


def with_strategy_now(config: EngineConfig) -> EngineConfig:
    """Return the configuration with the strategy's file as it is now.

    Unequal to what was given when the file has changed since the session.

    Raises ConfigError when the file is gone or is no strategy any more.
    """
    now = load_strategy(config.strategy)
    return msgspec.structs.replace(config, strategy_sha256=now.sha256)


def play(journal: Journal, config: EngineConfig) -> Iterator[tuple[int, State, Actions]]:
    """Yield (event index, state, what the engine asked) after each event of a journal.

    The arrays are the same every time and change with the next event. Cost: one engine step an
    event, no allocation.
    """
    step = step_of(config)
    state, actions = initial_state(config), empty_actions()
    for index in range(len(journal.events)):
        count = step(state, journal.events[index : index + 1], actions)
        yield index, state, actions[:count]


def replay(journal: Journal, config: EngineConfig) -> Difference | None:
    """Return the first step whose actions differ from the recorded ones, or None."""
    for index, _, replayed in play(journal, config):
        recorded = journal.actions_of(index)
        if len(replayed) != len(recorded) or replayed.tobytes() != recorded.tobytes():
            return Difference(index, np.array(recorded), np.array(replayed))
    return None
