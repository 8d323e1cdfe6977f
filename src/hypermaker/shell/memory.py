"""What a session keeps for the next one on the same account and coin: one small file, one lock.

The file holds the latch with its daily figures, and the last nonce. It is replaced whole (written
beside, synced, renamed), so at any moment it is either the last one or the one before. The lock is
the kernel's, held by the process that trades and gone with it: it cannot go stale.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hypermaker.core.units import NS_PER_S
from hypermaker.errors import ConfigError, LatchedError
from hypermaker.risk.kept import Kept
from hypermaker.shell.journal import home_folder

RESETS_NAME = "resets.log"
NONCE_MARGIN_MS = 10_000
"""Nonces that may have been spent since the file was last written."""


class Memory(msgspec.Struct, frozen=True):
    """One account on one coin, between sessions.

    network, account, asset   whose it is
    kept                      the latch
    last_nonce                [ms] the highest this account's signer is known to have spent
    """

    network: str
    account: str
    asset: str
    kept: Kept = Kept()
    last_nonce: int = 0

    @property
    def path(self) -> Path:
        """The file this is kept in."""
        asset = "".join(letter if letter.isalnum() else "_" for letter in self.asset)
        return state_folder() / f"{self.network}-{self.account}-{asset}.json"


_read = msgspec.json.Decoder(Memory).decode


def state_folder() -> Path:
    """Return the folder of all such files."""
    return home_folder() / "state"


def load(blank: Memory) -> Memory:
    """Return what was kept for this account and coin, or `blank` when nothing was.

    Raises ConfigError when the file is there and cannot be read: an unknown latch is a closed one.
    """
    return read_memory(blank.path) if blank.path.exists() else blank


def refuse_latched(memory: Memory) -> None:
    """Raise LatchedError, naming reason, time and the way out, when the kill switch has fired."""
    kept = memory.kept
    if kept.is_killed:
        at = datetime.fromtimestamp(kept.killed_ns / NS_PER_S, UTC)
        raise LatchedError(
            f"stopped by {kept.reason_name} at {at:%Y-%m-%d %H:%M:%S} UTC ({kept.killed_value} "
            f"beyond {kept.killed_limit}); when you know why, open it with: hypermaker reset "
            f"--network {memory.network} --account {memory.account} --asset {memory.asset} "
            "--reason TEXT"
        )


def read_memory(path: Path) -> Memory:
    """Return what a file holds; raises ConfigError for anything but a whole file of ours."""
    try:
        return _read(path.read_bytes())
    except OSError as error:
        raise ConfigError("state file", path, error.strerror or "cannot be read") from error
    except msgspec.DecodeError as error:
        valid = f"not whole ({error}); look at it, then delete it to start without a memory"
        raise ConfigError("state file", path, valid) from error


def save(memory: Memory) -> None:
    """Replace the file, on disk before this returns; raises OSError when the disk is full."""
    path = memory.path
    beside = path.with_suffix(".json.part")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(opened, msgspec.json.format(msgspec.json.encode(memory), indent=2))
        os.fsync(opened)
    finally:
        os.close(opened)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def latched(wanted: Mapping[str, str]) -> list[Memory]:
    """Return every memory whose latch has fired and whose fields are as wanted.

    Raises ConfigError for a file that cannot be read.
    """
    found = [read_memory(path) for path in sorted(state_folder().glob("*.json"))]
    return [
        memory
        for memory in found
        if memory.kept.is_killed
        and all(getattr(memory, name) == text for name, text in wanted.items())
    ]


def open_latch(memory: Memory, reason: str) -> None:
    """Forget the kill and the day's figures, and keep who was opened when and why.

    The note is on disk before the latch is open. Raises ConfigError when it cannot be written.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    kept = memory.kept
    line = f"{at} {memory.network} {memory.account} {memory.asset} {kept.reason_name}: {reason}\n"
    path = home_folder() / RESETS_NAME
    try:
        with path.open("a", encoding="utf-8") as log:
            path.chmod(0o600)
            log.write(line)
            log.flush()
            os.fsync(log.fileno())
        save(msgspec.structs.replace(memory, kept=Kept()))
    except OSError as error:
        raise ConfigError("HYPERMAKER_HOME", path, error.strerror or "not writable") from error


@contextmanager
def claimed(memory: Memory) -> Iterator[None]:
    """Be the only process that trades this account and coin while the block runs (F65).

    Raises ConfigError naming the process that already does, or when the folder cannot be made.
    """
    path = memory.path.with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError("HYPERMAKER_HOME", path, error.strerror or "not writable") from error
    try:
        _take(opened, memory)
        yield
    finally:
        os.close(opened)


def _take(opened: int, memory: Memory) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.read(opened, 32).decode(errors="replace").strip() or "another process"
        valid = f"process {owner} trades it already, for {memory.account} on {memory.network}"
        raise ConfigError("--asset", memory.asset, valid) from error
    os.ftruncate(opened, 0)
    os.write(opened, b"%d\n" % os.getpid())
