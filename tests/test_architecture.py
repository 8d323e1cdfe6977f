"""Imports point one way: what a room may know of the others, and of the world outside.

`cli -> shell, research, dashboard -> backtest, exchange, tape, hyperliquid -> engine -> steps ->
state -> orders, risk, quote, estimate -> core`. Everything that can lose money is importable
without a network; the rooms of the core know no clock, no randomness and no I/O.
"""

import ast
import gc
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "src" / "hypermaker"

BASE = frozenset({"errors", "core"})
MODELS = frozenset({"estimate", "quote", "risk", "orders"})
DECISION = BASE | MODELS | {"state", "steps", "engine"}
WIRE = BASE | {"hyperliquid"}
BESIDE = {"config", "explain", "proposal", "strategy", "summary"}
DATA = DECISION | BESIDE | {"hyperliquid", "exchange", "tape", "backtest"}
OUTSIDE = DATA | {"shell", "research", "dashboard"}

MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "core": BASE,
    "estimate": BASE,
    "quote": BASE,
    "risk": BASE,
    "orders": BASE,
    "state": BASE | MODELS,
    "steps": BASE | MODELS | {"state"},
    "engine": DECISION,
    "strategy": DECISION,
    "proposal": DECISION | {"config", "strategy"},
    "explain": DECISION | {"hyperliquid", "strategy", "summary", "tape"},
    "summary": DECISION,
    "config": DECISION,
    "hyperliquid": BASE,
    "exchange": WIRE,
    "tape": DECISION | {"hyperliquid", "strategy"},
    "backtest": DECISION | {"hyperliquid", "exchange", "tape"},
    "shell": DATA,
    "research": DATA,
    "dashboard": DATA,
    "cli": OUTSIDE,
    "__main__": OUTSIDE | {"cli"},
    "__init__": frozenset(),
}
"""Room (or file beside the rooms) to the rooms it may import, besides itself."""

CORE_ROOMS = frozenset({"core", "estimate", "quote", "risk", "orders", "state", "steps", "engine"})
SANS_IO_ROOMS = CORE_ROOMS | {"hyperliquid", "exchange", "backtest"}
CLOCK_OR_CHANCE = frozenset({"time", "datetime", "random", "secrets", "uuid"})
INPUT_OUTPUT = frozenset(
    {
        *("asyncio", "socket", "ssl", "select", "selectors", "http", "urllib", "subprocess"),
        *("threading", "multiprocessing", "concurrent", "signal", "logging", "sqlite3"),
        *("aiohttp", "uvloop", "requests", "websockets", "rich", "typer", "structlog"),
    }
)
SET_UP_OF_THE_COMPILER = PACKAGE / "core" / "kernel.py"
NOT_A_PACKAGE_NAME = {"sha3": "safe-pysha3", "Crypto": "pycryptodome"}

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """Return the room a file of the package stands in; files beside the rooms are their own."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree, parsed once.

    The garbage collector waits meanwhile: a finaliser that formats a traceback parses source, and
    CPython 3.11 takes a parse inside a parse for a broken tree (its issue 106905).
    """
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything a file imports, relative imports made absolute."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["hypermaker", *path.relative_to(PACKAGE).parent.parts]
            up = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def outside_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, top-level name) of what a file imports from outside the package."""
    for line, name in imports_of(path):
        if not name.startswith("hypermaker"):
            yield line, name.partition(".")[0]


def test_imports_point_one_way() -> None:
    """No room imports a room above it, nor a sibling of its own level."""
    offenders = []
    unplaced = sorted({room_of(path) for path in FILES} - set(MAY_IMPORT))
    assert not unplaced, f"say in MAY_IMPORT what these may import: {unplaced}"
    for path in FILES:
        room = room_of(path)
        for line, name in imports_of(path):
            parts = name.split(".")
            if parts[0] != "hypermaker" or len(parts) < 2 or parts[1] == "__version__":
                continue
            if parts[1] != room and parts[1] not in MAY_IMPORT[room]:
                offenders.append(f"{path.relative_to(REPOSITORY)}:{line} {room} imports {name}")
    assert not offenders, "\n".join(offenders)


def test_every_room_named_here_is_allowed_only_rooms_named_here() -> None:
    """The table above has no room that another line misspells."""
    assert set().union(*MAY_IMPORT.values()) <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("rooms", "banned"),
    [(CORE_ROOMS, CLOCK_OR_CHANCE | INPUT_OUTPUT), (SANS_IO_ROOMS, INPUT_OUTPUT)],
    ids=["core knows no clock and no chance", "decisions and protocol do no input or output"],
)
def test_inner_rooms_know_nothing_of_the_world(
    rooms: frozenset[str], banned: frozenset[str]
) -> None:
    """A module that is not imported cannot be called by mistake."""
    offenders = [
        f"{path.relative_to(REPOSITORY)}:{line} imports {name}"
        for path in FILES
        if room_of(path) in rooms and path != SET_UP_OF_THE_COMPILER
        for line, name in outside_imports(path)
        if name in banned
    ]
    assert not offenders, "\n".join(offenders)


def test_the_local_exchange_and_the_client_share_one_wire_format() -> None:
    """Neither side has a wire module of its own, so they cannot drift apart."""
    wires = [path for path in FILES if path.stem.partition("_")[0] == "wire"]
    strays = [path for path in wires if room_of(path) != "hyperliquid"]
    assert wires and not strays, strays


def test_every_package_imported_is_a_declared_dependency() -> None:
    """What the source imports, `pip install` brings; what it brings, something imports."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {_distribution(line) for line in project["dependencies"]}
    imported = {
        NOT_A_PACKAGE_NAME.get(name, name): f"{path.relative_to(REPOSITORY)}:{line}"
        for path in FILES
        for line, name in outside_imports(path)
        if name not in sys.stdlib_module_names
    }
    comes_along = {"llvmlite"}  # numba's own
    undeclared = {name: at for name, at in imported.items() if name not in declared | comes_along}
    assert not undeclared, undeclared
    assert declared <= set(imported), f"not imported: {declared - set(imported)}"


def _distribution(requirement: str) -> str:
    for stop in "<>=~! ;[":
        requirement = requirement.partition(stop)[0]
    return requirement
