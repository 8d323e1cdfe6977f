"""The journal writer: what was heard and what was asked, on disk before anything leaves.

`step` buffers; `flush` hands everything to the operating system in one write, so it survives the
death of this process. The session flushes before it signs and at every timer. When the disk does
not take it (full, gone), UnsafeExitError ends the session, which cancels everything (fault F63);
what comes after that is not written, so the file ends where it is whole.
"""

import os
import sys
from pathlib import Path

import msgspec
import numba
import numpy as np

from hypermaker import __version__
from hypermaker.core.actions import Actions
from hypermaker.core.events import Events
from hypermaker.core.kernel import cache_key
from hypermaker.errors import ConfigError, UnsafeExitError
from hypermaker.tape.format import (
    FORMAT,
    Frame,
    Header,
    Tag,
    pack_frames,
    pack_header,
    pack_nonces,
    pack_record,
)

FRAMES_BYTES_MIN = 64 * 1024
"""Raw frames are compressed together from here on: 0.3 ms of work, off the quoting path."""
JOURNAL_NAME = "journal.hmj"


def home_folder() -> Path:
    """Return the folder that holds sessions: $HYPERMAKER_HOME, else ~/.hypermaker."""
    chosen = os.environ.get("HYPERMAKER_HOME")
    return Path(chosen) if chosen else Path.home() / ".hypermaker"


def session_folder(run_id: int, started_ns: int) -> Path:
    """Return where a session keeps its files; sorts by start, unique by run id."""
    return home_folder() / "sessions" / f"{started_ns // 1_000_000_000}-{run_id:08x}"


def make_header(
    *, run_id: int, asset: str, network: str, account: str, started_ns: int, engine: msgspec.Struct
) -> Header:
    """Return the header of a session that starts now, on this machine, with this code."""
    versions = {
        "hypermaker": __version__,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "numba": numba.__version__,
    }
    plain = msgspec.to_builtins(engine)
    return Header(FORMAT, run_id, asset, network, account, started_ns, versions, cache_key(), plain)


class JournalWriter:
    """Appends one session to one file, readable by its owner only.

    Raises ConfigError when the file cannot be made, UnsafeExitError when a write fails later.
    """

    def __init__(self, path: Path, header: Header) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(path, mode, 0o600)
        except OSError as error:
            raise ConfigError("HYPERMAKER_HOME", path, error.strerror or "not writable") from error
        self.path = path
        self._buffer = bytearray(pack_header(header))
        self._frames: list[Frame] = []
        self._frames_bytes = 0
        self._is_broken = False
        self.flush()

    def frame(self, frame: Frame) -> None:
        """Keep one message as it came; frames reach the disk together, compressed, at a timer."""
        self._frames.append(frame)
        self._frames_bytes += len(frame.raw)

    def step(self, event: Events, actions: Actions) -> None:
        """Keep one event and the actions it caused.

        event     EVENT, shape (1,)
        actions   ACTION, shape (n,)
        """
        self._buffer += pack_record(Tag.STEP, event.tobytes() + actions.tobytes())

    def nonces(self, order_seqs: list[int], nonce: int) -> None:
        """Keep which nonce carries these orders."""
        self._buffer += pack_nonces(order_seqs, nonce)

    def note(self, text: str) -> None:
        """Keep a sentence for whoever reads the journal later."""
        self._buffer += pack_record(Tag.NOTE, text.encode())

    def flush(self) -> None:
        """Hand everything but the pending frames to the operating system."""
        pending = memoryview(bytes(self._buffer))
        self._buffer.clear()
        try:
            while pending and not self._is_broken:
                pending = pending[os.write(self._file, pending) :]
        except OSError as error:
            raise self._broken(error) from error

    def tick(self) -> None:
        """Compress the frames once there are enough, and flush; called at every timer."""
        if self._frames_bytes >= FRAMES_BYTES_MIN:
            self._pack_frames()
        self.flush()

    def close(self) -> None:
        """Write what is pending, wait for the disk, and let go of the file."""
        if self._frames:
            self._pack_frames()
        try:
            self.flush()
            if not self._is_broken:
                os.fsync(self._file)
        except OSError as error:
            raise self._broken(error) from error
        finally:
            os.close(self._file)

    def _broken(self, error: OSError) -> UnsafeExitError:
        """Note that nothing more can be written, and return why we have to leave."""
        self._is_broken = True
        why = error.strerror or repr(error)
        return UnsafeExitError(f"the journal {self.path} cannot be written: {why}")

    def _pack_frames(self) -> None:
        self._buffer += pack_frames(self._frames)
        self._frames = []
        self._frames_bytes = 0
