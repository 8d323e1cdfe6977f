"""What an estimator must bring to be held to the law: a module of its name in this folder with

    start(rec)               reset with parameters that make every branch run
    stream(rng, count, ns)   a list of events (name, venue_ns, ...) from venue time ns on
    feed(rec, event)         the call of the kernel that the event stands for
    read(rec, ns)            {name: number}: every reading, "ready" and "stderr" among them
    twin(events, ns)         the same readings (or some of them) from the whole list, by brute force
    BAD                      events that make no sense: each must be counted in `rejected` and
                             change nothing else
    SHIFT_NS                 (optional) shifts of venue time that must not matter

`python -m tests.estimate.laws.law` prints one hash per estimator; run compiled and interpreted
they must agree.
"""

import hashlib
import importlib
import pkgutil
from types import ModuleType
from typing import Any

import numpy as np

import hypermaker.estimate

START_NS = 1_757_015_216_123_456_789
"""A venue time that is on no round grid."""
LENGTH = 400
NO_ESTIMATORS = {
    "touch": "a fused reading of the book, which has no parameter and no error bar",
}
"""Rooms-mates with a record that learn nothing, with the reason."""
Event = tuple[Any, ...]


def estimator_names() -> list[str]:
    """Return every module of the room that keeps a record named like itself."""
    names = sorted(found.name for found in pkgutil.iter_modules(hypermaker.estimate.__path__))
    return [n for n in names if hasattr(module_of(n), n.upper()) and n not in NO_ESTIMATORS]


def module_of(name: str) -> ModuleType:
    """Return the module of an estimator."""
    return importlib.import_module(f"hypermaker.estimate.{name}")


def law_of(name: str) -> ModuleType:
    """Return what the estimator's module in this folder brings."""
    return importlib.import_module(f"tests.estimate.laws.{name}")


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the record of an estimator."""
    dtype: np.dtype[Any] = getattr(module_of(name), name.upper())
    return dtype


def started(name: str) -> Any:
    """Return a fresh array of one record, reset; garbage before the reset must not show."""
    array = np.zeros(1, dtype_of(name))
    array.view(np.uint8)[:] = 0xA5
    law_of(name).start(array[0])
    return array


def run(name: str, events: list[Event]) -> Any:
    """Return the record after these events."""
    array = started(name)
    for event in events:
        law_of(name).feed(array[0], event)
    return array


def events_of(name: str, seed: int = 7, count: int = LENGTH, ns: int = START_NS) -> list[Event]:
    """Return the estimator's stream for this seed."""
    events: list[Event] = law_of(name).stream(np.random.default_rng(seed), count, ns)
    return events


def end_of(events: list[Event]) -> int:
    """Return a moment after all of them."""
    return max(event[1] for event in events) + 1_234_567


def digest(name: str) -> str:
    """Return a hash of every state and reading on the way through a stream."""
    told = hashlib.sha256()
    array = started(name)
    for event in events_of(name):
        law_of(name).feed(array[0], event)
        told.update(array.tobytes())
        for key, value in sorted(law_of(name).read(array[0], event[1] + 1_000).items()):
            told.update(key.encode() + np.float64(value).tobytes())
    return told.hexdigest()


if __name__ == "__main__":
    for each in estimator_names():
        print(each, digest(each))
