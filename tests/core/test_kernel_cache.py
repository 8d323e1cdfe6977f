"""The cache of machine code never serves a function whose callee has changed (fault F72)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hypermaker.core import kernel

SOURCES = [path.relative_to(kernel.PACKAGE) for path in kernel.kernel_sources()]

CALLEE = '''"""The function that changes."""

from hypermaker.core.kernel import kernel


@kernel
def factor(x: float) -> float:
    """Return a multiple of x."""
    return {factor} * x
'''

CALLER = '''"""The function that does not change, and the program that calls it."""

from hypermaker.core.kernel import kernel
from hypermaker.estimate.callee import factor


@kernel
def twice(x: float) -> float:
    """Return two multiples of x."""
    return factor(x) + factor(x)


if __name__ == "__main__":
    from hypermaker.quote.caller import twice as compiled

    value = compiled(1.0)
    print(value, sum(compiled.stats.cache_hits.values()))
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package's sources that a test may change."""
    copy = tmp_path / "source" / "hypermaker"
    shutil.copytree(kernel.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize("name", SOURCES, ids=str)
def test_one_changed_byte_in_any_kernel_source_is_another_cache(package: Path, name: Path) -> None:
    """The key covers every byte of every file whose code is compiled."""
    before = kernel.cache_key(package)
    content = bytearray((package / name).read_bytes())
    content[len(content) // 2] ^= 1
    (package / name).write_bytes(content)
    assert kernel.cache_key(package) != before


def test_a_copy_of_the_same_sources_has_the_same_key(package: Path) -> None:
    """Where the package lies and when it was written mean nothing."""
    assert kernel.cache_key(package) == kernel.cache_key()


def test_a_renamed_source_is_another_cache(package: Path) -> None:
    """The key covers names too: a moved function is another function."""
    before = kernel.cache_key(package)
    (package / "core" / "units.py").rename(package / "core" / "units2.py")
    assert kernel.cache_key(package) != before


def test_an_added_source_is_another_cache(package: Path) -> None:
    """A file that joins a kernel room joins the key."""
    before = kernel.cache_key(package)
    (package / "quote" / "another.py").write_bytes(b"")
    assert kernel.cache_key(package) != before


def test_every_file_with_a_kernel_is_in_the_key() -> None:
    """No kernel stands in a file the key does not cover."""
    every = kernel.PACKAGE.rglob("*.py")
    marked = {path for path in every if "\n@kernel" in path.read_text(encoding="utf-8")}
    assert marked and marked <= set(kernel.kernel_sources())


def run_caller(package: Path, factor: int) -> tuple[float, int]:
    """Write the callee with this factor, run the caller, return (its value, hits in the cache)."""
    (package / "estimate" / "callee.py").write_text(CALLEE.format(factor=factor))
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment = clean | {
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPERMAKER_KERNEL_CACHE": str(package.parent.parent / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "hypermaker.quote.caller"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    value, hits = done.stdout.split()
    return float(value), int(hits)


@pytest.mark.slow
def test_a_changed_callee_is_compiled_again(package: Path) -> None:
    """Across processes: the caller's own file never changes, its result follows the callee."""
    (package / "quote" / "caller.py").write_text(CALLER)
    assert run_caller(package, factor=1) == (2.0, 0)
    assert run_caller(package, factor=1) == (2.0, 1)
    assert run_caller(package, factor=3) == (6.0, 0)
    assert run_caller(package, factor=1) == (2.0, 1)


@pytest.mark.slow
def test_without_the_key_a_changed_callee_goes_unnoticed(package: Path) -> None:
    """The hazard is real: with a key that covers no source, the old result comes back."""
    source = package / "core" / "kernel.py"
    text = source.read_text(encoding="utf-8")
    assert "kernel_sources(package):" in text
    source.write_text(text.replace("in kernel_sources(package):", "in ():"))
    (package / "quote" / "caller.py").write_text(CALLER)
    assert run_caller(package, factor=1) == (2.0, 0)
    assert run_caller(package, factor=3) == (2.0, 1)
