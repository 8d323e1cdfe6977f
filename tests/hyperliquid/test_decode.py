"""Frames as events: exact, in the engine's units, or refused with their bytes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from hypermaker.core.events import Events, Flag, Kind, Reason, Source
from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid.cloid import cloid_of
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.wire_ws import Acknowledgement, ErrorFrame, PongFrame, PostReply
from tests.hyperliquid.conftest import ACCOUNT, RUN_ID

Read = Callable[[bytes], Events]
MS = 1_000_000


def frame(channel: str, data: Any) -> bytes:
    return json.dumps({"channel": channel, "data": data}).encode()


def level(px: str, sz: str) -> dict[str, Any]:
    return {"px": px, "sz": sz, "n": 1}


def fill(**changed: Any) -> dict[str, Any]:
    base = {
        "coin": "BTC",
        "px": "66653.0",
        "sz": "0.001",
        "side": "A",
        "time": 1781528065899,
        "startPosition": "-0.0213",
        "dir": "Open Short",
        "closedPnl": "0.0",
        "hash": "0xe2",
        "oid": 55030848197,
        "crossed": False,
        "fee": "-0.009997",
        "tid": 745210434703679,
        "cloid": cloid_of(RUN_ID, 33),
        "feeToken": "USDC",
        "twapId": None,
    }
    return base | changed


def update(status: str, sz: str = "0.01", **changed: Any) -> dict[str, Any]:
    order = {
        "coin": "BTC",
        "side": "B",
        "limitPx": "83000.0",
        "sz": sz,
        "oid": 556696349186,
        "timestamp": 1790360256851,
        "origSz": "0.01",
        "cloid": cloid_of(RUN_ID, 12),
    }
    return {"order": order | changed, "status": status, "statusTimestamp": 1790360256999}


def test_the_touch_is_one_row_and_an_empty_side_has_no_lots(read: Read) -> None:
    """F51, X2."""
    rows = read(frame("bbo", {"coin": "BTC", "time": 9, "bbo": [level("84143.0", "1.5"), None]}))
    assert len(rows) == 1
    row = rows[0]
    assert (row.kind, row.source, row.venue_ns, row.received_ns) == (1, Source.BBO, 9 * MS, 5)
    assert (row.bid_ticks, row.bid_lots, row.ask_ticks, row.ask_lots) == (841430, 150000, 0, 0)


@pytest.mark.parametrize(
    ("extra", "source"), [({}, Source.BOOK_SLOW), ({"fast": True}, Source.BOOK_FAST)]
)
def test_a_book_is_one_row_a_level_of_its_own_source(
    read: Read, extra: dict[str, bool], source: Source
) -> None:
    """X1: only fast frames say so. The deeper side decides how many rows there are."""
    bids = [level("84143.0", "10.25923"), level("84142.0", "0.00001")]
    data = {"coin": "BTC", "time": 7, "levels": [bids, [level("84144.5", "2")]], **extra}
    first, second = read(frame("l2Book", data))
    assert [first.kind, first.source, first.level, first.marks] == [Kind.DEPTH, source, 0, 0]
    assert (first.bid_ticks, first.bid_lots) == (841430, 1025923)
    assert (first.ask_ticks, first.ask_lots) == (841445, 200000)
    assert (second.level, second.marks) == (1, Flag.LAST)
    assert (second.bid_ticks, second.bid_lots, second.ask_ticks, second.ask_lots) == (
        841420,
        1,
        0,
        0,
    )
    assert (second.venue_ns, second.received_ns, second.order_seq) == (7 * MS, 5, 0)


def test_an_empty_book_is_said_not_skipped(read: Read) -> None:
    """A delisted coin sends it; so does a halted one."""
    (row,) = read(frame("l2Book", {"coin": "BTC", "time": 7, "levels": [[], []]}))
    assert (row.kind, row.marks, row.bid_lots, row.ask_lots) == (Kind.DEPTH, Flag.LAST, 0, 0)


def test_rows_of_an_earlier_frame_never_shine_through(read: Read) -> None:
    """The buffer is reused: a short frame after a long one must overwrite every byte."""
    read(frame("userFills", {"user": ACCOUNT, "fills": [fill()] * 4}))
    (row,) = read(frame("l2Book", {"coin": "BTC", "time": 7, "levels": [[], []]}))
    assert (row.side, row.reason, row.price_ticks, row.tid, row.fee_usd_micro) == (0, 0, 0, 0, 0)
    assert row.order_seq == 0


def test_trades_carry_the_aggressors_side_and_replayed_ones_say_so(
    read: Read, decoder: Decoder
) -> None:
    """F6, T: the first frame after the acknowledgement is old news, and only that one."""
    trade = {"coin": "BTC", "side": "A", "px": "84143.0", "sz": "0.5", "time": 3, "tid": 77}
    trades = frame("trades", [trade, trade | {"side": "B", "coin": "ETH"}, trade | {"side": "B"}])
    ack = {"method": "subscribe", "subscription": {"type": "trades", "coin": "BTC"}}
    assert len(read(frame("subscriptionResponse", ack))) == 0
    assert isinstance(decoder.notice, Acknowledgement)
    replayed = read(trades).copy()
    assert decoder.notice is None
    live = read(trades)
    assert [r.side for r in replayed] == [-1, 1] == [r.side for r in live]
    assert [r.marks for r in replayed] == [Flag.BACKFILL] * 2
    assert [r.marks for r in live] == [0, 0]
    assert (live[0].price_ticks, live[0].size_lots, live[0].tid) == (841430, 50000, 77)


def test_another_coins_subscription_does_not_mark_our_trades(read: Read) -> None:
    ack = {"method": "subscribe", "subscription": {"type": "trades", "coin": "ETH"}}
    read(frame("subscriptionResponse", ack))
    trade = {"coin": "BTC", "side": "A", "px": "84143.0", "sz": "0.5", "time": 3, "tid": 77}
    assert read(frame("trades", [trade]))[0].marks == 0


def test_the_context_is_rounded_money_and_rates(read: Read) -> None:
    context = {
        "funding": "0.0000125",
        "openInterest": "38359.47984",
        "prevDayPx": "83921.0",
        "dayNtlVlm": "1026494754.6038066149",
        "premium": None,
        "oraclePx": "85004.96",
        "markPx": "84981.0",
        "midPx": None,
        "impactPxs": None,
        "dayBaseVlm": "12151.74372",
    }
    (row,) = read(frame("activeAssetCtx", {"coin": "BTC", "ctx": context}))
    assert (row.kind, row.mark_ticks, row.oracle_ticks) == (Kind.CONTEXT, 849810, 850050)
    assert (row.open_interest_lots, row.funding_e10) == (3835947984, 125000)


@pytest.mark.parametrize(
    ("status", "sz", "kind", "reason", "left"),
    [
        ("open", "0.01", Kind.ORDER_RESTED, Reason.NONE, 1000),
        ("triggered", "0.01", Kind.ORDER_RESTED, Reason.NONE, 1000),
        ("filled", "0.0", Kind.ORDER_ENDED, Reason.FILLED, 0),
        ("canceled", "0.004", Kind.ORDER_ENDED, Reason.CANCELED, 400),
        ("selfTradeCanceled", "0.01", Kind.ORDER_ENDED, Reason.SELF_TRADE, 1000),
        ("liquidatedCanceled", "0.01", Kind.ORDER_ENDED, Reason.LIQUIDATED, 1000),
        ("badAloPxRejected", "0.01", Kind.ORDER_REFUSED, Reason.POST_ONLY_CROSS, 1000),
        ("meteorRejected", "0.01", Kind.ORDER_REFUSED, Reason.OTHER, 1000),
        ("meteorCanceled", "0.002", Kind.ORDER_ENDED, Reason.OTHER, 200),
        ("levitating", "0.01", Kind.OUTCOME_UNKNOWN, Reason.OTHER, 1000),
    ],
)
def test_a_status_word_becomes_what_it_proves(
    read: Read, status: str, sz: str, kind: Kind, reason: Reason, left: int
) -> None:
    """F11, F22, F30: with what remained, and classed by suffix when nobody has seen it."""
    (row,) = read(frame("orderUpdates", [update(status, sz)]))
    assert (row.kind, row.reason, row.remaining_lots) == (kind, reason, left)
    assert (row.order_seq, row.oid, row.venue_ns) == (12, 556696349186, 1790360256999 * MS)
    assert row.source == Source.USER


@pytest.mark.parametrize("cloid", [None, cloid_of(RUN_ID + 1, 12), "0xnonsense"])
def test_an_open_order_of_nobody_we_know_is_foreign(read: Read, cloid: str | None) -> None:
    """F27, F41, I2."""
    (row,) = read(frame("orderUpdates", [update("open", cloid=cloid)]))
    assert (row.kind, row.order_seq, row.oid) == (Kind.ORDER_FOREIGN, 0, 556696349186)


def test_other_coins_give_no_rows(read: Read) -> None:
    rows = read(frame("orderUpdates", [update("open", coin="ETH"), update("filled", "0.0")]))
    assert [row.kind for row in rows] == [Kind.ORDER_ENDED]


def test_fills_count_fees_in_millionths_and_name_their_order(read: Read) -> None:
    data = {"user": ACCOUNT, "fills": [fill(), fill(side="B", crossed=True, cloid=None, tid=5)]}
    maker, taker = read(frame("userFills", data))
    assert (maker.kind, maker.side, maker.marks, maker.order_seq) == (Kind.FILL, -1, 0, 33)
    assert (maker.price_ticks, maker.size_lots, maker.fee_usd_micro) == (666530, 100, -9997)
    assert (maker.tid, maker.venue_ns) == (745210434703679, 1781528065899 * MS)
    assert (taker.side, taker.marks, taker.order_seq) == (1, Flag.TAKER, 0)


@pytest.mark.parametrize(
    ("said", "flag"),
    [({}, 0), ({"isSnapshot": False}, 0), ({"isSnapshot": True}, Flag.SNAPSHOT)],
)
def test_snapshot_fills_say_so(read: Read, said: dict[str, bool], flag: int) -> None:
    """F39, X15: the key may be absent on live frames."""
    (row,) = read(frame("userFills", {"user": ACCOUNT, "fills": [fill()], **said}))
    assert row.marks == flag


def test_fills_of_another_user_are_not_ours(read: Read) -> None:
    assert len(read(frame("userFills", {"user": "0x" + "cd" * 20, "fills": [fill()]}))) == 0
    assert len(read(frame("userFills", {"user": ACCOUNT.upper(), "fills": [fill()]}))) == 1


def test_being_hit_by_a_liquidation_is_not_being_liquidated(read: Read) -> None:
    """F42: both legs carry the object; only one position was forced."""
    hit = {"liquidatedUser": "0x36", "markPx": "66607.0", "method": "market"}
    forced = hit | {"liquidatedUser": ACCOUNT}
    data = {
        "fills": [
            fill(liquidation=hit),
            fill(liquidation=forced, crossed=True),
            fill(dir="Auto-Deleveraging"),
        ]
    }
    rows = read(frame("user", data))
    assert [bool(row.marks & Flag.LIQUIDATION) for row in rows] == [True] * 3
    assert [row.reason for row in rows] == [Reason.NONE, Reason.LIQUIDATED, Reason.LIQUIDATED]


def test_user_events_give_funding_and_leave_cancels_to_order_updates(read: Read) -> None:
    paid = {"time": 3, "coin": "BTC", "usdc": "-0.145796", "szi": "4", "fundingRate": "0.00001"}
    (row,) = read(frame("user", {"funding": paid}))
    assert (row.kind, row.payment_usd_micro, row.venue_ns) == (Kind.FUNDING, -145796, 3 * MS)
    assert len(read(frame("user", {"funding": paid | {"coin": "ETH"}}))) == 0
    assert len(read(frame("user", {"nonUserCancel": [{"coin": "BTC", "oid": 1}]}))) == 0
    assert len(read(frame("user", {"twapHistory": [{"any": 1}]}))) == 0


def test_what_we_may_trade_comes_per_side(read: Read) -> None:
    data = {
        "user": ACCOUNT,
        "coin": "BTC",
        "leverage": {"type": "cross", "value": 10},
        "maxTradeSzs": ["683.30131", "684.41969"],
        "availableToTrade": ["2937170.68", "2941978.03"],
    }
    (row,) = read(frame("activeAssetData", data))
    assert (row.kind, row.buy_lots_max, row.sell_lots_max) == (Kind.LIMITS, 68330131, 68441969)
    assert len(read(frame("activeAssetData", data | {"user": "0x0"}))) == 0


def test_control_frames_become_notices(decoder: Decoder, out: Events) -> None:
    assert decoder.decode(b'{"channel":"pong"}', 1, out) == 0
    assert isinstance(decoder.notice, PongFrame)
    decoder.decode(frame("error", "Already subscribed: {}"), 1, out)
    assert isinstance(decoder.notice, ErrorFrame) and "Already" in decoder.notice.data
    post = {"id": 7, "response": {"type": "action", "payload": {"status": "ok"}}}
    decoder.decode(frame("post", post), 1, out)
    assert isinstance(decoder.notice, PostReply) and decoder.notice.id == 7
    assert json.loads(bytes(decoder.notice.response.payload)) == {"status": "ok"}
    decoder.decode(frame("bbo", {"coin": "BTC", "time": 9, "bbo": [None, None]}), 1, out)
    assert decoder.notice is None


def test_the_greeting_and_unread_channels_pass(read: Read) -> None:
    assert len(read(b"Websocket connection established.")) == 0
    for channel in ("candle", "allMids", "webData3", "notification", "activeSpotAssetCtx"):
        assert len(read(frame(channel, {"whatever": [1, None]}))) == 0


BAD_NUMBERS = [
    "0", "0.0", "-1", "NaN", "nan", "Infinity", "inf", "-inf", "1e400", "", "x", "1,5", "0x10",
    "84143.05", "84143.0001", "99999999999999999999",
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_NUMBERS)
@pytest.mark.parametrize("channel", ["bbo", "l2Book", "trades", "userFills"])
def test_a_price_that_is_none_is_refused_with_the_bytes(read: Read, bad: str, channel: str) -> None:
    """F54: NaN, infinity, zero, negative, absurd, or finer than the grid."""
    good, broken = level("84143.0", "1"), level(bad, "1")
    data: dict[str, Any] = {
        "bbo": {"coin": "BTC", "time": 9, "bbo": [broken, good]},
        "l2Book": {"coin": "BTC", "time": 9, "levels": [[good], [good, broken]]},
        "trades": [{"coin": "BTC", "side": "A", "px": bad, "sz": "1", "time": 3, "tid": 1}],
        "userFills": {"user": ACCOUNT, "fills": [fill(px=bad)]},
    }
    raw = frame(channel, data[channel])
    with pytest.raises(ProtocolError) as caught:
        read(raw)
    assert caught.value.raw == raw


@pytest.mark.parametrize("bad", ["0", "-1", "NaN", "inf", "", "0.000001", "99999999999999999999"])
def test_a_size_that_is_none_is_refused(read: Read, bad: str) -> None:
    for channel, data in (
        ("bbo", {"coin": "BTC", "time": 9, "bbo": [level("1", bad), None]}),
        ("l2Book", {"coin": "BTC", "time": 9, "levels": [[level("1", bad)], []]}),
        ("userFills", {"user": ACCOUNT, "fills": [fill(sz=bad)]}),
    ):
        with pytest.raises(ProtocolError):
            read(frame(channel, data))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>502</html>",
        b'{"channel":"bbo"}',
        b'{"channel":"bbo","data":null}',
        b'{"channel":"levitation","data":{}}',
        b'{"channel":5,"data":{}}',
        b'{"channel":"pong"',
        b'{"channel":"candle","data":{',
        b"\xff\xfe",
        b'{"channel":"error","data":{}}',
        b'{"channel":"post","data":{"id":"7","response":{"type":"action","payload":{}}}}',
        b"[" * 100_000,
        frame("orderUpdates", [update("open", "-0.01")]),
        frame("orderUpdates", [update("open", "NaN")]),
        frame("orderUpdates", [update("open", oid=2**70)]),
        frame("userFills", {"user": ACCOUNT, "fills": [fill(fee="NaN")]}),
        frame("userFills", {"user": ACCOUNT, "fills": [fill(side="C")]}),
        frame("userFills", {"user": ACCOUNT, "fills": [fill(time=10**18)]}),
        frame("l2Book", {"coin": "BTC", "time": 1, "levels": [[]]}),
        frame("l2Book", {"coin": "BTC", "time": 1, "levels": [[level("1", "1")] * 513, []]}),
    ],
    ids=lambda raw: raw[:60],
)
def test_a_frame_that_breaks_the_protocol_is_kept_whole(read: Read, raw: bytes) -> None:
    """F11."""
    with pytest.raises(ProtocolError) as caught:
        read(raw)
    assert caught.value.raw == raw


def test_more_rows_than_the_buffer_holds_is_a_protocol_error(decoder: Decoder) -> None:
    import numpy as np

    from hypermaker.core.events import EVENT

    small = np.zeros(2, EVENT)
    for raw in (
        frame("userFills", {"user": ACCOUNT, "fills": [fill()] * 3}),
        frame("l2Book", {"coin": "BTC", "time": 1, "levels": [[level("1", "1")] * 3, []]}),
    ):
        with pytest.raises(ProtocolError):
            decoder.decode(raw, 1, small)
