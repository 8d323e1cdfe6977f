"""One law for every estimator in the room; a new file there is held to it by itself.

Each keeps a record named like its module and brings its events and a brute-force twin in
`laws/<module>.py` (see `laws/law.py`).
"""

import ast
import inspect
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hypermaker.estimate
from tests.estimate.laws import law

NAMES = law.estimator_names()
REPOSITORY = Path(__file__).resolve().parent.parent.parent
PREFIXES = (1, 2, 7, 60, 233, law.LENGTH)
SHIFTS_NS = (86_400_000_000_000 * 365, -1_234_567_890_123)
each_estimator = pytest.mark.parametrize("name", NAMES)


def read(name: str, array: object, ns: int) -> dict[str, float]:
    """Return every reading of a record as plain floats."""
    told = law.law_of(name).read(array[0], ns)  # type: ignore[index]
    return {key: float(value) for key, value in told.items()}


def same(a: float, b: float) -> bool:
    """Return whether two readings are the same number, "no answer" included."""
    return a == b or (math.isnan(a) and math.isnan(b))


def test_the_room_is_not_empty() -> None:
    """Discovery finds what the issue asks for."""
    asked = {"hawkes", "cascade", "volatility", "stochastic_vol", "fill_intensity", "fair_price"}
    assert asked | {"order_flow", "adverse_selection", "funding", "welford"} <= set(NAMES)


@each_estimator
def test_it_has_the_shape_of_an_estimator(name: str) -> None:
    """A record, `reset`, `ready`, `stderr` and documented kernels."""
    module = law.module_of(name)
    for part in ("reset", "ready", "stderr"):
        assert callable(getattr(module, part)), f"{name} has no {part}"


@each_estimator
def test_it_equals_its_brute_force_twin(name: str) -> None:
    """Property (g): the O(1) state gives what the whole list gives, to 1e-9, at every length."""
    for seed in (7, 8):
        events = law.events_of(name, seed)
        compared = 0
        for length in [n for n in PREFIXES if n < len(events)] + [len(events)]:
            part = events[:length]
            ns = law.end_of(part)
            told = read(name, law.run(name, part), ns)
            for key, expected in law.law_of(name).twin(part, ns).items():
                assert told[key] == pytest.approx(float(expected), rel=1e-9, abs=1e-300), (
                    f"{key} after {length} events, seed {seed}"
                )
                compared += 1
        assert compared > len(PREFIXES)


@each_estimator
def test_it_keeps_o1_memory(name: str) -> None:
    """A flat record of fixed size, and no kernel of the file makes anything."""
    dtype = law.dtype_of(name)
    assert not dtype.hasobject
    assert dtype.itemsize <= 32_768
    tree = ast.parse(inspect.getsource(law.module_of(name)))
    makers = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            marked = any(ast.unparse(mark) == "kernel" for mark in function.decorator_list)
            body = [node for statement in function.body for node in ast.walk(statement)]
            made = [node for node in body if isinstance(node, makers)]
            calls = [ast.unparse(node.func) for node in body if isinstance(node, ast.Call)]
            assert not (marked and made), f"{name}.{function.name} makes a container"
            assert not any(call.startswith("np.") for call in calls), f"{name}.{function.name}"


@each_estimator
def test_every_byte_belongs_to_a_field(name: str) -> None:
    """Two records that were reset are the same bytes, whatever lay there before."""
    other = np.zeros(1, law.dtype_of(name))
    law.law_of(name).start(other[0])
    fields = law.dtype_of(name).fields
    assert fields is not None
    told, blank = read(name, law.started(name), 10**18), read(name, other, 10**18)
    assert all(same(told[key], blank[key]) for key in told)


@each_estimator
def test_only_differences_of_time_matter(name: str) -> None:
    """The same stream a year later or half an hour earlier gives the same bits."""
    events = law.events_of(name)
    told = read(name, law.run(name, events), law.end_of(events))
    for shift in getattr(law.law_of(name), "SHIFT_NS", SHIFTS_NS):
        moved = law.events_of(name, ns=law.START_NS + shift)
        assert [event[1] - shift for event in moved] == [event[1] for event in events]
        later = read(name, law.run(name, moved), law.end_of(moved))
        assert all(same(told[key], later[key]) for key in told)


@each_estimator
def test_it_survives_save_and_load_mid_stream(name: str) -> None:
    """The bytes are the state: copied anywhere, they go on as if nothing had happened.

    Chunking is the same promise: what came in one piece or in many leaves the same bytes.
    """
    events = law.events_of(name)
    straight = law.run(name, events)
    array = law.started(name)
    for i, event in enumerate(events):
        if i % 37 == 0:
            array = np.frombuffer(bytearray(array.tobytes()), law.dtype_of(name))
        law.law_of(name).feed(array[0], event)
    assert array.tobytes() == straight.tobytes()


@each_estimator
def test_nonsense_is_counted_and_changes_nothing(name: str) -> None:
    """NaN, infinities, zeros and old news leave every reading alone, and say so in `rejected`."""
    bad = law.law_of(name).BAD
    has_counter = "rejected" in (law.dtype_of(name).names or ())
    assert bool(bad) == has_counter
    events = law.events_of(name)
    for length in (3, len(events)):
        array = law.run(name, events[:length])
        ns = law.end_of(events[:length])
        before = read(name, array, ns)
        for n, event in enumerate(bad):
            rejected = array["rejected"][0]
            law.law_of(name).feed(array[0], event)
            assert array["rejected"][0] == rejected + 1, f"{event} was not counted"
            after = read(name, array, ns)
            assert all(same(before[key], after[key]) for key in before), f"bad event {n}: {event}"


@each_estimator
def test_a_prior_never_pretends_to_be_data(name: str) -> None:
    """Before the first event: not ready, and no error bar (F-32); both come with the data."""
    fresh = read(name, law.started(name), law.START_NS)
    assert fresh["ready"] == 0.0
    assert fresh["stderr"] == math.inf
    events = law.events_of(name, count=4 * law.LENGTH)
    told = read(name, law.run(name, events), law.end_of(events))
    assert told["ready"] == 1.0
    assert 0.0 < told["stderr"] < math.inf


@each_estimator
def test_reading_changes_nothing(name: str) -> None:
    """T-05: a getter is a pure read, at whatever time it asks."""
    events = law.events_of(name)[:100]
    array = law.run(name, events)
    before = array.tobytes()
    for later in (0, 1, 10**9, 10**13):
        read(name, array, law.end_of(events) + later)
    assert array.tobytes() == before


def test_compiled_and_interpreted_give_the_same_bits() -> None:
    """Every state on the way through a stream, hashed in both modes, each in its own process."""
    printed = []
    for disabled in ("0", "1"):
        env = dict(os.environ, NUMBA_DISABLE_JIT=disabled)
        env["PYTHONPATH"] = os.pathsep.join((str(REPOSITORY / "src"), str(REPOSITORY)))
        command = [sys.executable, "-m", "tests.estimate.laws.law"]
        done = subprocess.run(
            command, env=env, cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        printed.append(dict(line.split() for line in done.stdout.splitlines()))
    assert set(printed[0]) == set(NAMES)
    assert printed[0] == printed[1]


def test_every_record_of_the_room_is_held_to_the_law() -> None:
    """A module with a record is an estimator with a law, or is listed as none, with the reason."""
    folder = Path(hypermaker.estimate.__file__ or "").parent
    stems = {path.stem for path in folder.glob("*.py")}
    laws = {path.stem for path in Path(law.__file__).parent.glob("*.py")} - {"law"}
    assert set(NAMES) == laws
    assert set(law.NO_ESTIMATORS) <= stems
