"""A disk that takes no more ends a session in good order: nothing rests, one line, exit 3 (F63)."""

import asyncio
import os
from pathlib import Path

import pytest

from hypermaker import __main__
from hypermaker.errors import UnsafeExitError
from hypermaker.shell.warmup import warm_up
from hypermaker.tape.format import read_journal
from tests.shell.virtual import World, play

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@needs_full
@pytest.mark.timeout(600)
def test_a_full_disk_ends_in_a_sweep_and_one_line(tmp_path: Path) -> None:
    """The next write fails with ENOSPC of the kernel's own; what is on disk stays readable."""
    warm_up()

    async def story(world: World) -> None:
        running = asyncio.create_task(world.run())
        await world.quoting()
        path = world.maker.session.journal.path
        full = os.open(FULL, os.O_WRONLY)
        os.dup2(full, world.maker.session.journal._file)
        os.close(full)
        with pytest.raises(UnsafeExitError) as ended:
            await running
        text = str(ended.value)
        assert "No space left on device" in text
        assert "lists no open order of BTC" in text
        assert "\n" not in text
        assert world.open_oids() == []
        assert __main__.exit_status(ended.value) == 3
        assert read_journal(path).nonces

    play(story, tmp_path)


@pytest.mark.timeout(600)
def test_a_state_file_that_cannot_be_written_is_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A latch that would be forgotten is no latch: the session ends, in the same way."""
    warm_up()

    async def story(world: World) -> None:
        running = asyncio.create_task(world.run())
        await world.quoting()
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(UnsafeExitError, match="cannot be written"):
            await running
        assert world.open_oids() == []

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    play(story, tmp_path)
