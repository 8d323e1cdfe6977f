"""Damaged bytes: events within their bounds or ProtocolError, never anything else (F11)."""

import json
import random
from pathlib import Path

import pytest

from hypermaker.core.actions import Ask
from hypermaker.core.events import Events, Kind
from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid.decode import Decoder
from tests.hyperliquid.conftest import ACCOUNT
from tests.hyperliquid.test_answers import OPEN, STATE, accepted, fills, held, refused
from tests.hyperliquid.test_decode import fill, frame, level, update

INTERESTING = [
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"-",
    b".",
    b"0",
    b"9",
    b"e",
    b"\\",
    b"\xff",
]
SPLICES = [b"null", b"NaN", b"-1", b"1e999", b'"NaN"', b'"-0"', b"9" * 40, b"[[[[", b"true", b"{}"]


def seeds() -> list[bytes]:
    """Return one good frame of every kind."""
    trade = {"coin": "BTC", "side": "A", "px": "84143.0", "sz": "0.5", "time": 3, "tid": 77}
    levels = [level("84143.0", "10.2"), level("84142.0", "1.6")]
    book = {"coin": "BTC", "time": 7, "levels": [levels, levels]}
    return [
        frame("bbo", {"coin": "BTC", "time": 9, "bbo": levels}),
        frame("l2Book", book),
        frame("trades", [trade, trade]),
        frame("orderUpdates", [update("open"), update("canceled")]),
        frame("userFills", {"user": ACCOUNT, "fills": [fill(), fill()], "isSnapshot": True}),
        frame("user", {"fills": [fill()]}),
        frame("post", {"id": 7, "response": {"type": "info", "payload": {"data": None}}}),
    ]


def mutated(raw: bytes, source: random.Random) -> bytes:
    """Return the bytes with one to four wounds: flips, cuts, insertions, doubled pieces."""
    hurt = bytearray(raw)
    for _ in range(source.randrange(1, 5)):
        at = source.randrange(len(hurt) + 1)
        match source.randrange(6):
            case 0:
                hurt[at : at + 1] = source.choice(INTERESTING)
            case 1:
                hurt[at : at + source.randrange(1, 12)] = b""
            case 2:
                hurt[at:at] = source.choice(SPLICES)
            case 3:
                hurt[at:at] = hurt[at : at + source.randrange(1, 40)]
            case 4:
                hurt[at:] = b""
            case _:
                hurt[at : at + source.randrange(1, 8)] = source.choice(SPLICES)
    return bytes(hurt)


def check_rows(rows: Events) -> None:
    """Assert what the engine relies on: known kinds, prices and sizes above zero."""
    for row in rows:
        kind = Kind(int(row.kind))
        if kind in (Kind.TRADE, Kind.FILL):
            assert row.price_ticks > 0 and row.size_lots > 0 and row.side in (-1, 1)
        if kind in (Kind.BBO, Kind.DEPTH):
            assert (row.bid_ticks > 0) == (row.bid_lots > 0) and row.bid_ticks >= 0
            assert (row.ask_ticks > 0) == (row.ask_lots > 0) and row.ask_ticks >= 0
        if kind == Kind.ORDER_ENDED:
            assert row.remaining_lots >= 0


def test_a_damaged_frame_is_events_or_a_protocol_error(decoder: Decoder, out: Events) -> None:
    source, refusals, rounds = random.Random(8), 0, 20_000
    good = seeds()
    for _ in range(rounds):
        raw = mutated(source.choice(good), source)
        try:
            check_rows(out[: decoder.decode(raw, 5, out)])
        except ProtocolError as error:
            assert error.raw == raw
            refusals += 1
    assert rounds // 2 < refusals < rounds


def test_a_damaged_answer_is_events_or_a_protocol_error(decoder: Decoder, out: Events) -> None:
    source, refusals, rounds = random.Random(9), 0, 12_000
    state = json.dumps(STATE | {"assetPositions": [held("BTC", "-0.0335")]}).encode()
    orders = json.dumps([OPEN, OPEN | {"cloid": None}]).encode()
    reply = accepted("order", {"resting": {"oid": 9}}, {"error": "Order has zero size."}, "success")
    readers = [
        (state, lambda raw: decoder.decode_clearinghouse(raw, 5, out)),
        (orders, lambda raw: decoder.decode_open_orders(raw, 5, out, [12])),
        (fills(2), lambda raw: decoder.decode_user_fills(raw, 5, out, 12)),
        (reply, lambda raw: decoder.decode_reply(raw, (1, 2, 3), Ask.PLACE, 5, out)),
        (refused("Action already expired"), lambda raw: decoder.decode_reply(
            raw, (1, 2), Ask.CANCEL, 5, out)),
    ]  # fmt: skip
    for _ in range(rounds):
        good, read = source.choice(readers)
        raw = mutated(good, source)
        try:
            check_rows(out[: read(raw)])
        except ProtocolError as error:
            assert error.raw == raw
            refusals += 1
    assert rounds // 3 < refusals < rounds


@pytest.mark.parametrize(
    "name", ["bytex_20260925", "gocryptotrader_20261006", "observatory_20260924"]
)
def test_damaged_recordings_too(shared: Path, decoder: Decoder, out: Events, name: str) -> None:
    source = random.Random(10)
    lines = (shared / f"fixtures/hyperliquid/ws_frames/{name}.jsonl").read_text().splitlines()
    frames = [json.dumps(json.loads(line)["frame"]).encode() for line in lines]
    for _ in range(3_000):
        raw = mutated(source.choice(frames), source)
        try:
            check_rows(out[: decoder.decode(raw, 5, out)])
        except ProtocolError as error:
            assert error.raw == raw
