"""Events, actions and records: fixed sizes, every byte named, every kind explained."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hypermaker
from hypermaker.core import actions, events, ladder, market
from hypermaker.core.kernel import KERNEL_ROOMS, record

SCALARS = st.sampled_from(["u1", "i1", "u2", "i2", "u4", "f4", "i8", "f8"])
SHAPES = st.sampled_from([(), (2,), (3,), (2, 3)])
FIELDS = st.lists(st.tuples(SCALARS, SHAPES), min_size=1, max_size=12)


def bytes_named(dtype: np.dtype[Any]) -> set[int]:
    """Return the offsets of a record that belong to some field, nested ones included."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        inner = bytes_named(base)
        return {i * base.itemsize + b for i in range(int(np.prod(shape))) for b in inner}
    if dtype.fields is None:
        return set(range(dtype.itemsize))
    return {entry[1] + b for entry in dtype.fields.values() for b in bytes_named(entry[0])}


def lines_that_explain(module: ModuleType, name: str) -> list[str]:
    """Return the lines of a module's docstring table that begin with a kind's name."""
    assert module.__doc__ is not None
    return re.findall(rf"^{name} +\S.*$", module.__doc__, re.MULTILINE)


def test_events_and_actions_are_one_cache_line() -> None:
    """64 bytes, so that tapes are arrays and a journal record has a fixed size."""
    assert events.EVENT.itemsize == actions.ACTION.itemsize == 64


@pytest.mark.parametrize("kind", [kind for kind in events.Kind if kind], ids=lambda k: k.name)
def test_every_event_kind_is_explained_once(kind: events.Kind) -> None:
    """The table in the docstring is the contract; a kind without a line has none."""
    assert len(lines_that_explain(events, kind.name)) == 1


@pytest.mark.parametrize("ask", [ask for ask in actions.Ask if ask], ids=lambda a: a.name)
def test_every_action_kind_is_explained_once(ask: actions.Ask) -> None:
    """The same for what we ask."""
    assert len(lines_that_explain(actions, ask.name)) == 1


def test_the_table_of_events_names_every_field_and_no_other() -> None:
    """Fields and table cannot drift apart."""
    assert events.__doc__ is not None
    rows = events.__doc__.partition("kind  ")[2]
    named = set(re.findall(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\btid\b|\boid\b", rows))
    head = {"kind", "source", "side", "marks", "level", "reason"}
    assert named == set(events.EVENT.names or ()) - head


def test_every_byte_of_an_event_can_be_reached() -> None:
    """A union shares bytes but hides none: an event's bytes are its identity."""
    assert bytes_named(events.EVENT) == set(range(64))


def test_numbers_of_a_kind_are_never_used_twice() -> None:
    """Journals hold the numbers, so an alias would make two kinds one."""
    for names in (events.Kind, events.Source, events.Flag, events.Reason, actions.Ask):
        assert len(names.__members__) == len(list(names))


def test_flags_are_single_bits() -> None:
    """Several marks fit on one event."""
    marks = [int(flag) for flag in events.Flag if flag]
    assert all(mark & (mark - 1) == 0 and mark < 256 for mark in marks)


def test_an_event_keeps_what_it_was_given_and_refuses_what_it_has_not() -> None:
    """The constructor for tests and rare paths."""
    made = events.event(events.Kind.BBO, 7, venue_ns=5, bid_ticks=3, ask_lots=9)
    assert made.shape == (1,) and made.dtype == events.EVENT
    assert (made[0].kind, made[0].received_ns, made[0].venue_ns) == (events.Kind.BBO, 7, 5)
    assert (made[0].bid_ticks, made[0].ask_lots, made[0].ask_ticks) == (3, 9, 0)
    with pytest.raises(ValueError, match="colour"):
        events.event(events.Kind.BBO, 7, colour=1)


def test_the_action_buffer_starts_empty() -> None:
    """Nothing is asked before the engine asks it."""
    buffer = actions.empty_actions()
    assert buffer.shape == (actions.ACTIONS_MAX,) and not buffer.tobytes().strip(b"\0")


@given(FIELDS)
def test_records_leave_no_byte_unnamed(fields: list[tuple[str, tuple[int, ...]]]) -> None:
    """Copying a record copies all of it, at the offsets a C compiler would choose."""
    wanted = [(f"f{i}", form, shape) for i, (form, shape) in enumerate(fields)]
    made, plain = record(*wanted), np.dtype(wanted, align=True)
    assert made.itemsize == plain.itemsize
    assert bytes_named(made) == set(range(made.itemsize))
    assert made.fields is not None and plain.fields is not None
    for name, _, _ in wanted:
        assert made.fields[name][1] == plain.fields[name][1]
    assert all(name.startswith("_pad") for name in set(made.names or ()) - set(plain.names or ()))


def records_of_the_package() -> dict[str, np.dtype[Any]]:
    """Return every record type some module of the decision rooms defines, by its name."""
    rooms = {*KERNEL_ROOMS, "state", "engine"}
    found = {}
    for module in pkgutil.walk_packages(hypermaker.__path__, "hypermaker."):
        if module.name.split(".")[1] in rooms:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, np.dtype) and value.fields:
                    found[name] = value
    return found


def test_the_records_of_the_package_leave_no_byte_unnamed() -> None:
    """The bytes of a state are its identity: none of them is left to chance."""
    records = records_of_the_package()
    assert {"EVENT", "ACTION", "MARKET", "LADDER"} <= set(records)
    for name, dtype in records.items():
        assert bytes_named(dtype) == set(range(dtype.itemsize)), name
        assert np.zeros(1, dtype)[0].dtype.type is np.record, name


def test_every_number_of_a_record_stands_where_the_processor_wants_it() -> None:
    """A record inside a record does not put an eight-byte number on an odd address."""
    for name, dtype in records_of_the_package().items():
        astray = [(at, form) for at, form in numbers_of(dtype) if at % form.itemsize]
        assert not astray, (name, astray)


def numbers_of(dtype: np.dtype[Any], start: int = 0) -> Iterator[tuple[int, np.dtype[Any]]]:
    """Yield (offset, type) of every number in a record, of repeated parts the first two."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        for i in range(min(2, int(np.prod(shape)))):
            yield from numbers_of(base, start + i * base.itemsize)
    elif dtype.fields is not None:
        for entry in dtype.fields.values():
            yield from numbers_of(entry[0], start + entry[1])
    else:
        yield start, dtype


def test_a_level_has_room_for_every_term_of_its_price() -> None:
    """The premium's terms follow the quoter's, one slot each."""
    assert ladder.LEVEL["terms_bps"].shape == (len(ladder.Term) - 1 + len(market.Premium),)
