"""Replies and queries as events: nothing is believed beyond its words."""

import json
from typing import Any

import pytest

from hypermaker.core.actions import Ask
from hypermaker.core.events import Events, Flag, Kind, Reason, Source
from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid import rejects
from hypermaker.hyperliquid.answers import FILLS_PAGE_MAX
from hypermaker.hyperliquid.cloid import cloid_of
from hypermaker.hyperliquid.decode import Decoder
from tests.hyperliquid.conftest import RUN_ID

MS = 1_000_000
OPEN = {
    "coin": "BTC",
    "side": "B",
    "limitPx": "83000.0",
    "sz": "0.01",
    "oid": 55,
    "timestamp": 1790360256851,
    "origSz": "0.01",
    "cloid": cloid_of(RUN_ID, 12),
}


def accepted(kind: str, *statuses: Any) -> bytes:
    response = {"type": kind, "data": {"statuses": list(statuses)}}
    return json.dumps({"status": "ok", "response": response}).encode()


def refused(text: str) -> bytes:
    return json.dumps({"status": "err", "response": text}).encode()


DEFAULT = b'{"status":"ok","response":{"type":"default"}}'


class Reader:
    """A decoder with its buffer, returning (kind, order_seq, oid, reason) tuples."""

    def __init__(self, decoder: Decoder, out: Events) -> None:
        self.decoder, self.out = decoder, out

    def reply(self, payload: bytes, kind: Ask, *seqs: int) -> list[tuple[int, int, int, int]]:
        n = self.decoder.decode_reply(payload, seqs, kind, 5, self.out)
        rows = self.out[:n]
        assert all(row.source == Source.REPLY and row.received_ns == 5 for row in rows)
        return [(row.kind, row.order_seq, row.oid, row.reason) for row in rows]


@pytest.fixture
def reader(decoder: Decoder, out: Events) -> Reader:
    return Reader(decoder, out)


def test_a_batch_is_read_item_by_item(reader: Reader) -> None:
    """F23: statuses mix; `filled` is an order the venue knows, its fills say how much."""
    payload = accepted(
        "order",
        {"resting": {"oid": 9, "cloid": cloid_of(RUN_ID, 3)}},
        {"filled": {"totalSz": "0.02", "avgPx": "1891.4", "oid": 10}},
        {"error": "Order must have minimum value of $10. asset=4"},
        "waitingForFill",
        "levitating",
    )
    assert reader.reply(payload, Ask.PLACE, 3, 4, 5, 6, 8) == [
        (Kind.ORDER_RESTED, 3, 9, Reason.NONE),
        (Kind.ORDER_RESTED, 4, 10, Reason.NONE),
        (Kind.ORDER_REFUSED, 5, 0, Reason.NOTIONAL_MIN),
        (Kind.ORDER_RESTED, 6, 0, Reason.NONE),
        (Kind.OUTCOME_UNKNOWN, 8, 0, Reason.OTHER),
    ]


def test_one_error_for_a_batch_refuses_every_order_in_it(reader: Reader) -> None:
    """F24, X14: pre-validation answers once."""
    payload = accepted("order", {"error": rejects.TICK.say(4)})
    refusals = [(Kind.ORDER_REFUSED, seq, 0, Reason.TICK) for seq in (1, 2, 3)]
    assert reader.reply(payload, Ask.PLACE, 1, 2, 3) == refusals


@pytest.mark.parametrize(
    "payload",
    [
        accepted("order", {"resting": {"oid": 9}}),
        accepted("order", *[{"resting": {"oid": 9}}] * 3),
        accepted("order"),
        accepted("order", {"resting": {"oid": 9, "cloid": cloid_of(RUN_ID, 4)}}, "success"),
        DEFAULT,
        b"null",
        b"",
        b"<html>",
        b'{"status":"ok","response":"fine"}',
        b'{"status":"err","response":{"type":"order"}}',
        b'{"status":"maybe","response":"x"}',
    ],
    ids=lambda raw: raw[:50],
)
def test_a_reply_that_does_not_fit_the_question_is_unreadable(
    reader: Reader, payload: bytes
) -> None:
    """F16: wrong count, another order's id, HTML, null. The shell books it as unknown."""
    with pytest.raises(ProtocolError) as caught:
        reader.reply(payload, Ask.PLACE, 3, 4)
    assert caught.value.raw == payload


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (rejects.EXPIRED.say(), Reason.EXPIRED),
        (rejects.NO_SUCH_SIGNER.say(address="0xab"), Reason.SIGNER),
        (rejects.RATE.say(used=2, cap=1, volume="3.5"), Reason.RATE),
        (rejects.NONCE_HIGH.say(nonce=2, bound=1), Reason.NONCE),
        ("something new", Reason.OTHER),
    ],
)
def test_a_refused_action_refuses_all_its_orders(
    reader: Reader, refusal: str, reason: Reason
) -> None:
    rows = reader.reply(refused(refusal), Ask.PLACE, 3, 4)
    assert rows == [(Kind.ORDER_REFUSED, 3, 0, reason), (Kind.ORDER_REFUSED, 4, 0, reason)]


@pytest.mark.parametrize(
    "refusal", [rejects.NONCE_DUPLICATE.say(nonce=1), rejects.NONCE_LOW.say(nonce=1, bound=2)]
)
def test_a_spent_nonce_is_never_a_refusal_of_the_order(reader: Reader, refusal: str) -> None:
    """F26, I4: something ran with it; a burn learns that the order did, or an earlier burn."""
    assert reader.reply(refused(refusal), Ask.PLACE, 3)[0][0] == Kind.OUTCOME_UNKNOWN
    assert reader.reply(refused(refusal), Ask.BURN, 3)[0][0] == Kind.BURN_REFUSED


def test_cancels_are_accepted_or_questioned_one_by_one(reader: Reader) -> None:
    """F19, F20."""
    payload = accepted("cancel", "success", {"error": rejects.CANCEL_GONE.say(4)}, "levitating")
    assert [row[:2] for row in reader.reply(payload, Ask.CANCEL, 1, 2, 3)] == [
        (Kind.CANCEL_ACCEPTED, 1),
        (Kind.CANCEL_REFUSED, 2),
        (Kind.OUTCOME_UNKNOWN, 3),
    ]
    whole = reader.reply(refused(rejects.OVER_WEIGHT.say(limit=200)), Ask.CANCEL, 1, 2)
    assert whole == [(Kind.CANCEL_REFUSED, seq, 0, Reason.RATE) for seq in (1, 2)]
    assert reader.reply(accepted("cancel", "success"), Ask.CANCEL_OID, 0)[0][0] == (
        Kind.CANCEL_ACCEPTED
    )


def test_a_burn_is_proof_only_when_accepted(reader: Reader) -> None:
    assert reader.reply(DEFAULT, Ask.BURN, 3) == [(Kind.BURNT, 3, 0, Reason.NONE)]
    throttled = refused(rejects.RATE.say(used=2, cap=1, volume="3.5"))
    assert reader.reply(throttled, Ask.BURN, 3)[0][0] == Kind.OUTCOME_UNKNOWN


def test_open_orders_name_ours_strangers_and_the_missing(decoder: Decoder, out: Events) -> None:
    """F7, I2, I4: absence is a question about exactly the orders we believed open."""
    listed = [
        OPEN,
        OPEN | {"cloid": None, "oid": 56, "timestamp": 4},
        OPEN | {"coin": "ETH", "cloid": cloid_of(RUN_ID, 14)},
    ]
    n = decoder.decode_open_orders(json.dumps(listed).encode(), 5, out, [12, 13])
    found = [(row.kind, row.order_seq, row.oid) for row in out[:n]]
    assert found == [
        (Kind.ORDER_RESTED, 12, 55),
        (Kind.ORDER_FOREIGN, 0, 56),
        (Kind.ORDER_ABSENT, 13, 0),
    ]
    assert {row.source for row in out[:n]} == {Source.QUERY}
    assert {row.marks for row in out[:n]} == {Flag.SNAPSHOT}
    assert decoder.decode_open_orders(b"[]", 5, out) == 0


@pytest.mark.parametrize(
    ("word", "sz", "kind", "left"),
    [
        ("open", "0.01", Kind.ORDER_RESTED, 1000),
        ("filled", "0.0", Kind.ORDER_ENDED, 0),
        ("canceled", "0.004", Kind.ORDER_ENDED, 400),
        ("tickRejected", "0.01", Kind.ORDER_REFUSED, 1000),
    ],
)
def test_an_order_status_speaks_of_the_order_that_was_asked(
    decoder: Decoder, out: Events, word: str, sz: str, kind: Kind, left: int
) -> None:
    """Also when the venue leaves out the client order id."""
    order = OPEN | {"sz": sz, "cloid": None, "tif": "Alo", "children": []}
    reply = {"order": order, "status": word, "statusTimestamp": 9}
    payload = json.dumps({"status": "order", "order": reply}).encode()
    assert decoder.decode_order_status(payload, 12, 5, out) == 1
    row = out[0]
    assert (row.kind, row.order_seq, row.oid, row.remaining_lots) == (kind, 12, 55, left)
    assert row.venue_ns == 9 * MS


def test_an_unknown_oid_is_said_and_proves_nothing_by_itself(decoder: Decoder, out: Events) -> None:
    assert decoder.decode_order_status(b'{"status":"unknownOid"}', 12, 5, out) == 1
    assert (out[0].kind, out[0].order_seq) == (Kind.ORDER_NOT_FOUND, 12)


STATE: dict[str, Any] = {
    "marginSummary": {
        "accountValue": "13109.4823280001",
        "totalNtlPos": "100.0",
        "totalRawUsd": "13009.454678",
        "totalMarginUsed": "4.967826",
    },
    "crossMarginSummary": {
        "accountValue": "13104.5",
        "totalNtlPos": "0.0",
        "totalRawUsd": "13104.5",
        "totalMarginUsed": "0.0",
    },
    "withdrawable": "13104.514502",
    "assetPositions": [],
    "time": 1708622398623,
}


def held(coin: str, szi: str) -> dict[str, Any]:
    position = {
        "coin": coin,
        "szi": szi,
        "leverage": {"type": "cross", "value": 20},
        "entryPx": "29863.37",
        "positionValue": "100.0",
        "unrealizedPnl": "-0.0134",
        "returnOnEquity": "-0.0026789",
        "liquidationPx": None,
        "marginUsed": "4.967826",
    }
    return {"type": "oneWay", "position": position}


def test_the_account_is_a_position_and_free_margin(decoder: Decoder, out: Events) -> None:
    """A coin that is not listed is flat: the answer is whole, so absence is knowledge here."""
    state = STATE | {"assetPositions": [held("ETH", "1"), held("BTC", "-0.0335")]}
    assert decoder.decode_clearinghouse(json.dumps(state).encode(), 5, out) == 2
    position, account = out[:2]
    assert (position.kind, position.position_lots, position.entry_ticks) == (
        Kind.POSITION,
        -3350,
        298634,
    )
    assert (account.kind, account.equity_usd_micro) == (Kind.ACCOUNT, 13109482328)
    assert account.margin_usd_micro == 13109482328 - 4967826
    assert position.venue_ns == account.venue_ns == 1708622398623 * MS
    decoder.decode_clearinghouse(json.dumps(STATE).encode(), 5, out)
    assert (out[0].kind, out[0].position_lots, out[0].entry_ticks) == (Kind.POSITION, 0, 0)


def fills(count: int) -> bytes:
    fill = {
        "coin": "BTC",
        "px": "66653.0",
        "sz": "0.001",
        "side": "A",
        "startPosition": "0.0",
        "dir": "Open Short",
        "closedPnl": "0.0",
        "hash": "0x0",
        "oid": 5,
        "crossed": False,
        "fee": "0.01",
    }
    newest_first = [fill | {"time": count - at, "tid": at} for at in range(count)]
    return json.dumps(newest_first).encode()


def test_fills_come_oldest_first_and_end_with_told_only_when_complete(
    decoder: Decoder, out: Events
) -> None:
    """F38, F39, F48: a full page may have left some out, so it proves nothing."""
    n = decoder.decode_user_fills(fills(3), 5, out, 12)
    assert [row.kind for row in out[:n]] == [Kind.FILL] * 3 + [Kind.FILLS_TOLD]
    assert [row.tid for row in out[:3]] == [2, 1, 0] and out[3].order_seq == 12
    assert {row.marks for row in out[:3]} == {Flag.SNAPSHOT}
    n = decoder.decode_user_fills(fills(FILLS_PAGE_MAX), 5, out, 12)
    assert n == FILLS_PAGE_MAX and out[n - 1].kind == Kind.FILL
    assert decoder.decode_user_fills(b"[]", 5, out) == 0


def test_fees_and_budget_are_read_not_assumed(decoder: Decoder, out: Events) -> None:
    fees = b'{"userCrossRate":"0.000288","userAddRate":"-0.00003","feeSchedule":{"x":1}}'
    assert decoder.decode_user_fees(fees, 5, out) == 1
    assert (out[0].kind, out[0].maker_e10, out[0].taker_e10) == (Kind.FEES, -300_000, 2_880_000)
    limit = b'{"cumVlm":"87197.94","nRequestsUsed":396,"nRequestsCap":97197,"nRequestsSurplus":4}'
    assert decoder.decode_rate_limit(limit, 5, out) == 1
    assert (out[0].kind, out[0].requests_left, out[0].requests_cap) == (Kind.BUDGET, 96805, 97197)


@pytest.mark.parametrize("raw", [b"null", b"", b"<html>", b"{}", b"[null]", b'{"status":"order"}'])
def test_an_answer_to_another_question_is_a_protocol_error(
    decoder: Decoder, out: Events, raw: bytes
) -> None:
    """F50: absent is not zero."""
    readers = [
        lambda: decoder.decode_open_orders(raw, 5, out),
        lambda: decoder.decode_order_status(raw, 12, 5, out),
        lambda: decoder.decode_clearinghouse(raw, 5, out),
        lambda: decoder.decode_user_fills(raw, 5, out),
        lambda: decoder.decode_user_fees(raw, 5, out),
        lambda: decoder.decode_rate_limit(raw, 5, out),
        lambda: decoder.decode_active_asset_data(raw, 5, out),
    ]
    for read in readers:
        with pytest.raises(ProtocolError) as caught:
            read()
        assert caught.value.raw == raw
