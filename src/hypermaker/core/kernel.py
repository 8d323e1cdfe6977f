"""How the core is compiled: the `@kernel` alias and the cache that never serves stale code.

Numba's disk cache watches the file a function stands in, not the functions it calls: change a
callee and an old caller is loaded with the old callee inside. So the cache folder itself is named
after a hash of every kernel source and of the versions that made the machine code. A changed
byte in any of them is a new folder, and a new compile (fault F72).

With `NUMBA_DISABLE_JIT=1` the same functions run as ordinary Python, for debuggers and coverage.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite
import numba
import numpy as np

PACKAGE = Path(__file__).resolve().parent.parent
KERNEL_ROOMS = ("core", "estimate", "quote", "risk", "orders", "steps", "backtest", "research")
KERNEL_FILES = ("engine.py", "state.py")
CACHE_FOLDERS_KEPT = 4

F = TypeVar("F", bound=Callable[..., Any])


def kernel_sources(package: Path = PACKAGE) -> list[Path]:
    """Return every file whose code is compiled, in a fixed order."""
    rooms = [path for room in KERNEL_ROOMS for path in (package / room).rglob("*.py")]
    files = [package / name for name in KERNEL_FILES if (package / name).exists()]
    return sorted(rooms + files)


def cache_key(package: Path = PACKAGE) -> str:
    """Return 16 hex digits that change when any kernel source or compiler version changes."""
    digest = hashlib.sha256()
    for part in (numba.__version__, llvmlite.__version__, np.__version__, sys.version):
        digest.update(part.encode())
    digest.update(f"{platform.machine()} {os.environ.get('NUMBA_CPU_NAME', 'host')}".encode())
    for path in kernel_sources(package):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Return the folder that holds one subfolder of machine code per cache key."""
    chosen = os.environ.get("HYPERMAKER_KERNEL_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "hypermaker" / "kernels"


COMPLETE = "complete"
"""Name of the mark in a cache folder that holds the whole engine."""


def is_compiled_before(mark: str = COMPLETE) -> bool:
    """Return whether an earlier process compiled the whole engine from exactly these sources.

    mark   of an engine with another quoting rule in it: the name of its entry point
    """
    return (CACHE_FOLDER / mark).exists()


def mark_compiled(mark: str = COMPLETE) -> None:
    """Note that this version's engine is on disk; a cache that cannot be written stays unmarked."""
    with contextlib.suppress(OSError):
        (CACHE_FOLDER / mark).touch()


def _open_cache(root: Path) -> Path:
    """Create this version's folder, forget the oldest others, and point numba at it."""
    folder = root / cache_key()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:  # a read-only home: compile for this process's lifetime only
        folder = Path(tempfile.mkdtemp(prefix="hypermaker-kernels-"))
    by_age = sorted((p for p in folder.parent.iterdir() if p.is_dir()), key=_modified)
    for stale in by_age[:-CACHE_FOLDERS_KEPT]:
        if len(stale.name) == len(folder.name):
            shutil.rmtree(stale, ignore_errors=True)
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # set at import by numba
    return folder


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process removed it first
        return 0.0


CACHE_FOLDER = _open_cache(cache_root())


def kernel(function: F) -> F:
    """Compile a function of the core: strict IEEE arithmetic, cached on disk, no Python inside.

    Division by zero gives inf or nan as IEEE says (never an exception half-way through a state
    change); callers hold the preconditions.
    """
    options: dict[str, Any] = {
        "cache": True,
        "fastmath": False,
        "error_model": "numpy",
        "no_cfunc_wrapper": True,  # a sixth of the compile time, for C callers we do not have
    }
    return cast(F, numba.njit(**options)(function))


def record(*fields: tuple[Any, ...]) -> np.dtype[Any]:
    """Return the dtype of a flat C struct whose elements allow attribute access.

    Every byte belongs to a field (padding is filled with named bytes), so that copying a record
    copies all of it and its bytes are its identity.
    """
    laid_out = np.dtype(list(fields), align=True)
    assert laid_out.names is not None and laid_out.fields is not None
    packed: list[tuple[Any, ...]] = []
    end = 0
    for field in fields:
        offset = laid_out.fields[field[0]][1]
        if offset > end:
            packed.append((f"_pad{end}", "u1", (offset - end,)))
        packed.append(field)
        end = offset + laid_out.fields[field[0]][0].itemsize
    if laid_out.itemsize > end:
        packed.append((f"_pad{end}", "u1", (laid_out.itemsize - end,)))
    return np.dtype((np.record, np.dtype(packed, align=True)))
