"""The session journal survives a kill at any byte and holds no more than it says."""

import os
import stat
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.core.actions import ACTION, Actions, Ask
from hypermaker.core.events import EVENT, Events, Kind
from hypermaker.errors import ConfigError, TapeError
from hypermaker.shell.journal import JournalWriter, make_header, session_folder
from hypermaker.tape.format import (
    MAGIC,
    Frame,
    Header,
    Tag,
    pack_record,
    read_frames,
    read_journal,
)


class Engine(msgspec.Struct, frozen=True):
    """Stands for an engine's configuration."""

    position_limit_usd: float = 5000.0


def header() -> Header:
    """Return the header of a session of a made-up account."""
    return make_header(
        run_id=0xC0FFEE,
        asset="BTC",
        network="local",
        account="0x" + "ab" * 20,
        started_ns=1_700_000_000 * 10**9,
        engine=Engine(),
    )


def random_steps(seed: int, count: int) -> list[tuple[Events, Actions]]:
    """Return events of random bytes, each with 0 to 3 actions of random bytes."""
    rng = np.random.default_rng(seed)
    steps = []
    for _ in range(count):
        n = int(rng.integers(0, 4))
        steps.append(
            (
                np.frombuffer(rng.bytes(EVENT.itemsize), EVENT),
                np.frombuffer(rng.bytes(ACTION.itemsize * n), ACTION),
            )
        )
    return steps


def write_session(path: Path, steps: list[tuple[Events, Actions]]) -> bytes:
    """Write a journal with these steps and return the file's bytes."""
    writer = JournalWriter(path, header())
    for seq, (event, actions) in enumerate(steps):
        writer.step(event, actions)
        writer.nonces([2 * seq + 1, 2 * seq + 2], 1_700_000_000_000 + seq)
    writer.note("the end")
    writer.close()
    return path.read_bytes()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    steps = random_steps(seed=1, count=50)
    write_session(tmp_path / "s" / "journal.hmj", steps)
    journal = read_journal(tmp_path / "s" / "journal.hmj")
    assert journal.header == header()
    assert journal.torn == 0
    assert journal.notes == ["the end"]
    assert journal.nonces[1] == journal.nonces[2] == 1_700_000_000_000
    assert len(journal.events) == 50
    for index, (event, actions) in enumerate(steps):
        assert journal.events[index : index + 1].tobytes() == event.tobytes()
        assert journal.actions_of(index).tobytes() == actions.tobytes()


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0.0, 1.0), seed=st.integers(0, 5))
def test_a_file_cut_anywhere_reads_as_a_prefix(
    tmp_path_factory: pytest.TempPathFactory, cut: float, seed: int
) -> None:
    """F63: whatever byte the process died at, what reads back is an exact prefix, with its size."""
    folder = tmp_path_factory.mktemp("torn")
    steps = random_steps(seed, count=20)
    raw = write_session(folder / "whole.hmj", steps)
    kept = int(cut * len(raw))
    (folder / "torn.hmj").write_bytes(raw[:kept])
    try:
        journal = read_journal(folder / "torn.hmj")
    except TapeError as error:
        assert kept < 1200, error  # only a torn header may make the file unreadable
        return
    for index in range(len(journal.events)):
        assert journal.events[index : index + 1].tobytes() == steps[index][0].tobytes()
        assert journal.actions_of(index).tobytes() == steps[index][1].tobytes()
    whole = kept - journal.torn
    assert read_journal_bytes(folder, raw[:whole]).torn == 0


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0.0, 0.999), bit=st.integers(0, 7))
def test_a_flipped_bit_ends_the_reading_there(
    tmp_path_factory: pytest.TempPathFactory, where: float, bit: int
) -> None:
    """No step after a damaged record is believed, and none before it is lost or altered."""
    folder = tmp_path_factory.mktemp("flipped")
    steps = random_steps(seed=7, count=20)
    raw = bytearray(write_session(folder / "whole.hmj", steps))
    at = len(MAGIC) + int(where * (len(raw) - len(MAGIC)))
    raw[at] ^= 1 << bit
    try:
        journal = read_journal_bytes(folder, bytes(raw))
    except TapeError:
        assert at < 1200
        return
    assert journal.torn > 0
    for index in range(len(journal.events)):
        assert journal.events[index : index + 1].tobytes() == steps[index][0].tobytes()


def read_journal_bytes(folder: Path, raw: bytes):  # type: ignore[no-untyped-def]
    """Return the journal these bytes make."""
    path = folder / "again.hmj"
    path.write_bytes(raw)
    return read_journal(path)


def test_a_flushed_step_is_on_disk_before_the_file_is_closed(tmp_path: Path) -> None:
    """I4: an intent is readable by another process before anything is sent."""
    path = tmp_path / "journal.hmj"
    writer = JournalWriter(path, header())
    event = np.zeros(1, EVENT)
    event["kind"] = Kind.TIMER
    actions = np.zeros(1, ACTION)
    actions["kind"] = Ask.PLACE
    writer.step(event, actions)
    assert len(read_journal(path).events) == 0
    writer.flush()
    assert read_journal(path).actions["kind"].tolist() == [Ask.PLACE]
    writer.close()


def test_frames_come_back_whole_and_in_order(tmp_path: Path) -> None:
    frames = [Frame(1_000 + i, i % 3, b'{"channel":"bbo"}' * (i % 50)) for i in range(3_000)]
    writer = JournalWriter(tmp_path / "journal.hmj", header())
    for frame in frames:
        writer.frame(frame)
        if frame.received_ns % 100 == 0:
            writer.tick()
    writer.close()
    assert list(read_frames(tmp_path / "journal.hmj")) == frames
    assert (tmp_path / "journal.hmj").stat().st_size < sum(len(f.raw) for f in frames) / 5


def test_only_the_owner_can_read_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S10: files 0600 in a folder 0700, whatever the umask says."""
    monkeypatch.setenv("HYPERMAKER_HOME", str(tmp_path))
    folder = session_folder(0xC0FFEE, 1_700_000_000 * 10**9)
    before = os.umask(0)
    try:
        JournalWriter(folder / "journal.hmj", header()).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "journal.hmj").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.name == "1700000000-00c0ffee"


def test_a_session_never_writes_over_another(tmp_path: Path) -> None:
    JournalWriter(tmp_path / "journal.hmj", header()).close()
    with pytest.raises(ConfigError, match="exists"):
        JournalWriter(tmp_path / "journal.hmj", header())


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not a session journal"),
        (b"PAR1 something else", "not a session journal"),
        (MAGIC, "header is torn"),
        (MAGIC + pack_record(Tag.NOTE, b"hello"), "no header"),
        (MAGIC + pack_record(Tag.HEADER, b"{}"), "header cannot be read"),
    ],
)
def test_what_is_no_journal_is_refused_with_a_reason(
    tmp_path: Path, raw: bytes, reason: str
) -> None:
    (tmp_path / "journal.hmj").write_bytes(raw)
    with pytest.raises(TapeError, match=reason):
        read_journal(tmp_path / "journal.hmj")


def test_a_missing_journal_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="No such file"):
        read_journal(tmp_path / "nothing.hmj")
