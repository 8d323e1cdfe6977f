"""Why a quote stood where it stood: a session's journal, replayed up to one moment and read.

    fair price + half-spread + inventory + fee + adverse selection + floor + premium + rounding

The terms are those the engine itself computed with, and sum to the distance of the price from the
fair price; `gap_bps` is what they miss by, and is below 1e-9 unless the engine is broken.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from hypermaker.core.actions import Ask
from hypermaker.core.events import Kind, Source
from hypermaker.core.units import BPS, NS_PER_MS, NS_PER_S, format_units, price_decimals
from hypermaker.errors import ConfigError
from hypermaker.hyperliquid.cloid import cloid_of, order_seq_of
from hypermaker.orders import table
from hypermaker.orders.table import Life
from hypermaker.quote.glft import inventory_deviation_lots
from hypermaker.risk.gate import Bar, Cut
from hypermaker.risk.limits import Bound
from hypermaker.state import EngineConfig, State
from hypermaker.steps.want import may_quote
from hypermaker.summary import summarise
from hypermaker.tape.format import Journal
from hypermaker.tape.replay import play

SIDES = {1: "buy", -1: "sell"}


class Quote(msgspec.Struct, frozen=True):
    """One wanted price and what it is the sum of.

    distance_bps   from the fair price, positive behind it (below for a bid, above for an ask)
    terms_bps      by name, in the order they were added up
    gap_bps        distance less the sum of the terms
    """

    side: str
    price: str
    size: str
    is_reduce_only: bool
    distance_bps: float
    terms_bps: dict[str, float]
    gap_bps: float


class Placed(msgspec.Struct, frozen=True):
    """One order: what was asked, and all that was heard of it afterwards.

    heard   (seconds after it was asked for, what was heard), in order
    """

    order_seq: int
    cloid: str
    side: str
    price: str
    size: str
    at: str
    heard: list[tuple[float, str]]


class Moment(msgspec.Struct, frozen=True):
    """What the engine wanted at one moment, and all it knew then.

    is_identical   every action up to here is the recorded one; else this is another engine's view
    quotes         the order's own, or the whole ladder
    resting        orders that could still fill: number, side, price
    feeds_ms       age of each feed; absent: it has never spoken
    """

    at: str
    event: int
    strategy: str
    is_identical: bool
    is_quoting: bool
    fair: float
    order: Placed | None
    quotes: list[Quote]
    resting: list[dict[str, Any]]
    believed: dict[str, float]
    limits: dict[str, Any]
    gate: dict[str, dict[str, Any]]
    feeds_ms: dict[str, float]


def event_of_order(journal: Journal, text: str) -> tuple[int, int]:
    """Return (event index, order number) of the order with this number or client id.

    Raises ConfigError when the session never placed it.
    """
    wanted = order_seq_of(text.lower(), journal.header.run_id)
    if text.isascii() and text.isdigit():
        wanted = int(text)
    is_place = journal.actions["kind"] == Ask.PLACE
    rows = np.flatnonzero(is_place & (journal.actions["order_seq"] == min(wanted, 2**63 - 1)))
    if not len(rows):
        count = int(is_place.sum())
        raise ConfigError("--order", text, f"one of this session's {count} orders, by number or id")
    return int(np.searchsorted(journal.starts, rows[0], side="right")) - 1, wanted


def event_of_last_order(journal: Journal) -> int:
    """Return the index of the event that caused the session's last order.

    Raises ConfigError when there was none.
    """
    rows = np.flatnonzero(journal.actions["kind"] == Ask.PLACE)
    if not len(rows):
        raise ConfigError("--last", journal.header.asset, "a session that placed an order")
    return int(np.searchsorted(journal.starts, rows[-1], side="right")) - 1


def event_at(journal: Journal, text: str) -> int:
    """Return the index of the last event heard by a time.

    text     ISO 8601 (UTC unless it says otherwise), or seconds since the session began
    Raises   ConfigError when it is no time, or outside the session
    """
    times = np.maximum.accumulate(journal.events["received_ns"])
    if not len(times):
        raise ConfigError("--at", text, "a session that heard something")
    first, last = int(times[0]), int(times[-1])
    valid = f"a time from {_clock(first)} to {_clock(last)}, or seconds since the beginning"
    at_ns = _parse_time(text, first, valid)
    if not first <= at_ns <= last:
        raise ConfigError("--at", text, valid)
    return int(np.searchsorted(times, at_ns, side="right")) - 1


def _parse_time(text: str, first_ns: int, valid: str) -> int:
    try:
        return first_ns + round(float(text) * NS_PER_S)
    except (ValueError, OverflowError):
        pass
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError("--at", text, valid) from error
    whole = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return int(whole.timestamp()) * NS_PER_S + whole.microsecond * 1_000


def explain(
    journal: Journal, config: EngineConfig, index: int, *, order_seq: int | None = None
) -> Moment:
    """Return what the engine wanted and knew right after event `index`.

    order_seq   tell of this order only, which that event caused
    """
    is_identical, state = True, None
    for at, states, asked in play(journal, config):
        is_identical = is_identical and asked.tobytes() == journal.actions_of(at).tobytes()
        if at == index:
            state = states
            break
    assert state is not None, index
    order = None if order_seq is None else _placed(journal, config, index, order_seq)
    quotes = _quotes(state, config)
    if order is not None:
        quotes = [q for q in quotes if (q.side, q.price) == (order.side, order.price)]
    return _moment(state, config, index, is_identical=is_identical, order=order, quotes=quotes)


def _moment(
    states: State,
    config: EngineConfig,
    index: int,
    *,
    is_identical: bool,
    order: Placed | None,
    quotes: list[Quote],
) -> Moment:
    state = states[0]
    return Moment(
        at=_clock(int(state.now_ns)),
        event=index,
        strategy=config.strategy,
        is_identical=is_identical,
        is_quoting=bool(may_quote(state)),
        fair=float(state.market.fair_ticks) / 10 ** price_decimals(config.sz_decimals),
        order=order,
        quotes=quotes,
        resting=_resting(state, config),
        believed=_believed(states),
        limits=_limits(state, config),
        gate={"buy": _gate(state.gate.bid, config), "sell": _gate(state.gate.ask, config)},
        feeds_ms=_feeds(state),
    )


def _clock(time_ns: int) -> str:
    """Return UTC with microseconds.

    >>> _clock(1_700_000_000_123_456_789)
    '2023-11-14T22:13:20.123456+00:00'
    """
    whole = datetime.fromtimestamp(time_ns // NS_PER_S, UTC)
    return whole.replace(microsecond=time_ns % NS_PER_S // 1_000).isoformat(timespec="microseconds")


def _price(ticks: int, config: EngineConfig) -> str:
    return format_units(ticks, price_decimals(config.sz_decimals))


def _coin(lots: int, config: EngineConfig) -> str:
    return format_units(lots, config.sz_decimals)


def _placed(journal: Journal, config: EngineConfig, index: int, order_seq: int) -> Placed:
    asked = journal.actions_of(index)
    row = asked[(asked["kind"] == Ask.PLACE) & (asked["order_seq"] == order_seq)][0]
    later = journal.events[index + 1 :]
    mine = later[later["order_seq"] == order_seq]
    start_ns = int(row["cause_ns"])
    return Placed(
        order_seq=order_seq,
        cloid=cloid_of(journal.header.run_id, order_seq),
        side=SIDES[int(row["side"])],
        price=_price(int(row["price_ticks"]), config),
        size=_coin(int(row["size_lots"]), config),
        at=_clock(start_ns),
        heard=[((int(e["received_ns"]) - start_ns) / NS_PER_S, _said(e, config)) for e in mine],
    )


def _said(event: Any, config: EngineConfig) -> str:
    kind = Kind(int(event["kind"]))
    words = kind.name.lower().replace("_", " ")
    return f"{words} {_coin(int(event['size_lots']), config)}" if kind == Kind.FILL else words


def _quotes(states: State, config: EngineConfig) -> list[Quote]:
    """Return the ladder, bids first, best first, each with its terms."""
    told, fair = summarise(states), float(states[0].market.fair_ticks)
    rows: list[tuple[int, Mapping[str, Any], Any]] = []
    for sign, levels, records in (
        (1, told["bids"], states[0].ladder.bids),
        (-1, told["asks"], states[0].ladder.asks),
    ):
        rows += [(sign, level, records[i]) for i, level in enumerate(levels)]
    return [_quote(sign, level, fair, config, kept=kept) for sign, level, kept in rows]


def _quote(
    sign: int, level: Mapping[str, Any], fair_ticks: float, config: EngineConfig, *, kept: Any
) -> Quote:
    terms: dict[str, float] = level["terms_bps"]
    distance = sign * (fair_ticks - level["price_ticks"]) / fair_ticks * BPS
    return Quote(
        side=SIDES[sign],
        price=_price(level["price_ticks"], config),
        size=_coin(level["size_lots"], config),
        is_reduce_only=bool(kept.reduce_only),
        distance_bps=distance,
        terms_bps=terms,
        gap_bps=distance - sum(terms.values()),
    )


def _resting(state: Any, config: EngineConfig) -> list[dict[str, Any]]:
    return [
        {
            "order_seq": int(slot.order_seq),
            "side": SIDES[int(slot.side)],
            "price": _price(int(slot.price_ticks), config),
            "may_fill": _coin(int(table.may_fill_lots(slot)), config),
            "life": Life(int(slot.life)).name.lower(),
        }
        for slot in state.table.slots
        if slot.life != Life.FREE
    ]


def _believed(states: State) -> dict[str, float]:
    """Return what the models said, with standard errors, in the units of their names."""
    market = states[0].market
    sides = {
        "epsilon_bid_bps": float(market.epsilon_bid_bps),
        "epsilon_ask_bps": float(market.epsilon_ask_bps),
        "drift_bps_per_s": float(market.drift_bps_per_s),
        "inventory_deviation_lots": float(inventory_deviation_lots(states[0].glft)),
    }
    models: dict[str, float] = summarise(states)["models"]
    return {name: value for name, value in models.items() if name != "epsilon_bps"} | sides


def _limits(state: Any, config: EngineConfig) -> dict[str, Any]:
    """Return the position and the one effective limit on each side, with what set it."""
    return {
        "position": _coin(int(state.fills.position_lots), config),
        "long_max": _coin(int(state.market.long_lots_max), config),
        "long_set_by": Bound(int(state.limits.long_bound)).name.lower(),
        "short_max": _coin(int(state.market.short_lots_max), config),
        "short_set_by": Bound(int(state.limits.short_bound)).name.lower(),
        "user_max": _coin(int(state.limits.user_lots), config),
    }


def _gate(side: Any, config: EngineConfig) -> dict[str, Any]:
    """Return what the gate let through on one side and what it cut, with the reason."""
    return {
        "room": _coin(int(side.room_lots), config),
        "elsewhere": _coin(int(side.other_lots), config),
        "cut": _coin(int(side.cut_lots), config),
        "reason": Cut(int(side.reason)).name.lower(),
        "bar": Bar(int(side.bar)).name.lower(),
        "adding_share": float(side.fraction),
        "is_reduce_only": bool(side.reduce_only),
    }


def _feeds(state: Any) -> dict[str, float]:
    heard = {source: int(state.touch.heard_ns[source]) for source in Source if source}
    now_ns = int(state.now_ns)
    return {s.name.lower(): (now_ns - ns) / NS_PER_MS for s, ns in heard.items() if ns}
