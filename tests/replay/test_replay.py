"""A journal replays to the same bytes, and a difference is found where it is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hypermaker.config import network_of
from hypermaker.core.actions import Ask
from hypermaker.core.events import Kind
from hypermaker.core.units import USD_MICRO
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.shell.clock import steady_clock
from hypermaker.shell.live import Outcome, Plan, run_session
from hypermaker.shell.local import fresh_signer
from hypermaker.shell.serve import start_exchange
from hypermaker.shell.warmup import warm_up
from hypermaker.tape.format import Journal, read_journal
from hypermaker.tape.replay import engine_config, is_same_code, replay

pytestmark = pytest.mark.timeout(600)  # a cold start compiles the engine first
SECONDS = 4.0


async def record() -> Outcome:
    """Run a session of a few seconds against an exchange in this process."""
    clock, signer = steady_clock(), fresh_signer()
    funded = ((signer.address, 10_000 * USD_MICRO),)
    running = await start_exchange(
        ExchangeConfig(seed=5, assets=("BTC",), funded=funded), clock=clock
    )
    try:
        plan = Plan(network_of("local", running.url), "BTC", seconds=SECONDS)
        return await run_session(plan, signer, clock=clock, stop=asyncio.Event())
    finally:
        await running.stop()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The journal of one session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERMAKER_HOME", str(tmp_path_factory.mktemp("home")))
        warm_up()
        yield Path(asyncio.run(record()).session)


def test_a_recorded_session_replays_to_the_same_bytes(recorded: Path) -> None:
    """I10: every action of every event, through an engine that starts from nothing."""
    journal = read_journal(recorded)
    assert is_same_code(journal)
    assert (journal.actions["kind"] == Ask.PLACE).sum() >= 4
    assert replay(journal, engine_config(journal, recorded)) is None


def test_every_order_has_a_nonce_on_disk(recorded: Path) -> None:
    """F62."""
    journal = read_journal(recorded)
    placed = journal.actions[journal.actions["kind"] == Ask.PLACE]["order_seq"].tolist()
    assert set(placed) == set(journal.nonces)
    assert placed == sorted(set(placed))


def tampered(journal: Journal, index: int) -> Journal:
    """Return the journal with one tick added to the price of one recorded order."""
    actions = np.array(journal.actions)
    actions["price_ticks"][index] += 1
    return Journal(
        journal.header,
        journal.events,
        actions,
        journal.starts,
        journal.nonces,
        journal.notes,
        journal.torn,
    )


def test_one_changed_tick_is_found_at_its_event(recorded: Path) -> None:
    journal = read_journal(recorded)
    index = int(np.flatnonzero(journal.actions["kind"] == Ask.PLACE)[3])
    found = replay(tampered(journal, index), engine_config(journal, recorded))
    assert found is not None
    assert journal.starts[found.index] <= index < journal.starts[found.index + 1]
    assert found.recorded["price_ticks"].sum() == found.replayed["price_ticks"].sum() + 1


def test_lost_events_are_found(recorded: Path) -> None:
    """A journal without the touches that caused nothing by themselves is not the same session."""
    journal = read_journal(recorded)
    config = engine_config(journal, recorded)
    counts = np.diff(journal.starts)
    keep = (counts > 0) | ~np.isin(journal.events["kind"], (Kind.BBO, Kind.DEPTH))
    starts = np.concatenate([[0], np.cumsum(counts[keep])])
    cut = Journal(
        journal.header,
        np.ascontiguousarray(journal.events[keep]),
        journal.actions,
        starts,
        journal.nonces,
        journal.notes,
        0,
    )
    assert replay(cut, config) is not None


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_the_command_verifies_a_session_whatever_the_hash_seed(
    recorded: Path, hash_seed: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hypermaker", "replay", str(recorded.parent), "--verify", "--json"],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"identical":true' in done.stdout
