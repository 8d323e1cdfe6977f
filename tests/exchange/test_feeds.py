"""What a socket is told, when, and what makes the venue hang up (protocol sheet section 7)."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hypermaker.core.events import EVENT, Kind
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.venue import FrameSent
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.decode import Decoder
from tests.exchange.actors import ALICE, BOB, SOL, Bench, order

PRICE = 1_230_000
LOTS = 100
USER = {"user": ALICE.address}


def test_an_acknowledgement_echoes_the_normalised_form_before_the_first_data(
    shared: Path,
) -> None:
    bench = Bench()
    session = bench.listen({"type": "l2Book", "coin": "BTC", "fast": True})
    lines = shared / "fixtures/hyperliquid/ws_frames/observatory_20260924.jsonl"
    frames = [msgspec.json.decode(line)["frame"] for line in lines.read_bytes().splitlines()]
    acknowledgement = next(f for f in frames if f.get("channel") == "subscriptionResponse")
    first, second = bench.frames[session]
    assert first == acknowledgement
    assert second["channel"] == "l2Book" and second["data"]["fast"] is True


@pytest.mark.parametrize(
    "subscription",
    [
        {"type": "bbo", "coin": "btc"},
        {"type": "trades", "coin": "NOPE"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": 2},
        {"type": "allMids", "dex": "nobody"},
    ],
)
def test_one_unknown_name_closes_the_socket_without_a_word(subscription: dict[str, Any]) -> None:
    """Protocol sheet 7.3: every subscription on it dies."""
    bench = Bench()
    session = bench.listen({"type": "bbo", "coin": "BTC"})
    told = len(bench.frames[session])
    bench.tell(session, {"method": "subscribe", "subscription": subscription})
    bench.wait(10.0)
    assert session in bench.closed
    assert len(bench.frames[session]) == told


@pytest.mark.parametrize(
    "raw",
    [
        b"not json",
        b'{"method":"subscribe","subscription":{"type":"webData2","user":"0x1"}}',
        b'{"method":"subscribe","subscription":{"type":"bbo","coin":["BTC","ETH"]}}',
        b'{"method":"dance"}',
        b'{"method":"post","request":{"type":"info","payload":{}}}',
    ],
)
def test_what_it_cannot_read_it_sends_back_and_stays(raw: bytes) -> None:
    bench = Bench()
    session = bench.listen()
    bench.tell(session, raw)
    bench.wait(0.0)
    text = "Error parsing JSON into valid websocket request: " + raw.decode()
    assert bench.heard(session, "error") == [text]
    assert session not in bench.closed


def test_a_second_subscription_and_an_unsubscription_of_nothing_are_told() -> None:
    bench = Bench()
    book = {"type": "l2Book", "coin": "SOL"}
    session = bench.listen(book, book)
    shown = '{"type":"l2Book","coin":"SOL","nSigFigs":null,"mantissa":null,"fast":false}'
    assert bench.heard(session, "error") == [f"Already subscribed: {shown}"]
    for _ in range(2):
        bench.tell(session, {"method": "unsubscribe", "subscription": book})
    bench.wait(20.0)
    assert bench.heard(session, "error")[1:] == [f"Already unsubscribed: {shown}"]
    assert len(bench.heard(session, "l2Book")) == 1


def test_a_socket_that_hears_nothing_for_a_minute_is_closed_and_a_pong_keeps_it() -> None:
    """Protocol sheet 7.2: client traffic alone does not count, what the server sends does."""
    bench = Bench()
    silent, alive = bench.listen(), bench.listen()
    bench.wait(30.0)
    bench.tell(alive, {"method": "ping"})
    bench.wait(31.0)
    assert bench.closed == {silent}
    assert bench.frames[alive] == [{"channel": "pong"}]
    bench.wait(30.0)
    assert alive in bench.closed


def test_the_touch_is_told_when_it_changes_and_not_otherwise() -> None:
    bench = Bench()
    session = bench.listen({"type": "bbo", "coin": "SOL"})
    bench.wait(5.0)
    assert [data["bbo"] for data in bench.heard(session, "bbo")] == [[None, None]]
    bench.rest(ALICE, 1, PRICE, LOTS)
    bench.rest(ALICE, 1, PRICE - 100, LOTS)
    told = bench.heard(session, "bbo")[1:]
    assert [data["bbo"] for data in told] == [[{"px": "123.0", "sz": "1.0", "n": 1}, None]]


def test_books_come_at_the_venues_cadence_changed_or_not() -> None:
    """Protocol sheet 7.4: 20 levels every 5.36 s, 5 levels every 0.538 s."""
    bench = Bench()
    slow = bench.listen({"type": "l2Book", "coin": "SOL"})
    fast = bench.listen({"type": "l2Book", "coin": "SOL", "fast": True})
    for step in range(7):
        bench.rest(ALICE, 1, PRICE - 100 * step, LOTS)
    bench.wait(47.0)
    assert len(bench.heard(slow, "l2Book")) == 1 + int(54 / 5.36)
    assert len(bench.heard(fast, "l2Book")) == 1 + int(54 / 0.538)
    assert len(bench.heard(slow, "l2Book")[-1]["levels"][0]) == 7
    assert len(bench.heard(fast, "l2Book")[-1]["levels"][0]) == 5


def test_a_subscriber_to_trades_is_told_up_to_thirty_old_ones_without_a_flag() -> None:
    bench = Bench()
    for _ in range(33):
        bench.rest(BOB, -1, PRICE, LOTS)
        bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    session = bench.listen({"type": "trades", "coin": "SOL"})
    (replayed,) = bench.heard(session, "trades")
    assert len(replayed) == 30
    bench.rest(BOB, -1, PRICE, LOTS)
    bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    (live,) = bench.heard(session, "trades")[-1]
    assert live["side"] == "B" and live["users"] == [ALICE.address, BOB.address]
    assert live.keys() == replayed[0].keys()


def test_an_orders_life_is_told_in_the_venues_words() -> None:
    """Protocol sheet 7.6: filled on arrival is open, then filled, in one message."""
    bench = Bench()
    session = bench.listen({"type": "orderUpdates", **USER})
    bench.rest(BOB, -1, PRICE, LOTS)
    bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    oid = bench.rest(ALICE, 1, PRICE - 500, LOTS)
    bench.act(ALICE, encode.cancel_action(5, [oid]))
    bench.rest(BOB, -1, PRICE, LOTS)
    bench.place(ALICE, order(1, PRICE, LOTS))
    walks = [[row["status"] for row in data] for data in bench.heard(session, "orderUpdates")]
    assert walks == [["open", "filled"], ["open"], ["canceled"], ["badAloPxRejected"]]
    sizes = [[row["order"]["sz"] for row in d] for d in bench.heard(session, "orderUpdates")]
    assert sizes == [["1.0", "0.0"], ["1.0"], ["1.0"], ["1.0"]]


def test_fills_come_as_a_snapshot_first_and_live_without_the_flag() -> None:
    bench = Bench()
    bench.rest(BOB, -1, PRICE, 2 * LOTS)
    bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    session = bench.listen({"type": "userFills", **USER}, {"type": "userEvents", **USER})
    bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    snapshot, live = bench.heard(session, "userFills")
    assert snapshot["isSnapshot"] is True and len(snapshot["fills"]) == 1
    assert "isSnapshot" not in live and live["user"] == ALICE.address
    (event,) = bench.heard(session, "user")
    assert event == {"fills": live["fills"]}


def test_a_cancel_by_the_venue_is_a_user_event() -> None:
    bench = Bench()
    session = bench.listen({"type": "userEvents", **USER})
    own = bench.rest(ALICE, -1, PRICE, LOTS)
    bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    assert {"nonUserCancel": [{"coin": "SOL", "oid": own}]} in bench.heard(session, "user")


def test_feeds_of_state_come_by_themselves() -> None:
    bench = Bench(ExchangeConfig(assets=("SOL",)))
    session = bench.listen(
        {"type": "activeAssetCtx", "coin": "SOL"},
        {"type": "activeAssetData", "coin": "SOL", **USER},
        {"type": "allMids"},
        {"type": "clearinghouseState", **USER},
        {"type": "openOrders", **USER},
    )
    bench.wait(10.0)
    counts = {
        channel: len(bench.heard(session, channel))
        for channel in ("activeAssetCtx", "activeAssetData", "allMids", "clearinghouseState")
    }
    assert counts == {
        "activeAssetCtx": 11, "activeAssetData": 11, "allMids": 3, "clearinghouseState": 3,
    }  # fmt: skip
    assert bench.heard(session, "allMids")[0]["mids"].keys() >= {"BTC", "SOL"}


def test_posts_carry_actions_and_questions_and_keep_their_id() -> None:
    """Protocol sheet 7.7."""
    bench = Bench()
    session = bench.listen()
    action = encode.place_action([order(1, PRICE, LOTS)])
    signed = encode.signed_request(ALICE, action, bench.nonce())
    bench.tell(session, encode.post_frame(7, signed))
    bench.tell(session, encode.post_info_frame(8, b'{"type":"l2Book","coin":"nobody"}'))
    bench.tell(session, encode.post_info_frame(9, b'{"type":"nothing"}'))
    bench.wait(1.0)
    answers = {data["id"]: data["response"] for data in bench.heard(session, "post")}
    assert answers[7]["payload"]["response"]["data"]["statuses"][0].keys() == {"resting"}
    assert answers[8] == {"type": "info", "payload": {"type": "l2Book", "data": None}}
    assert answers[9]["type"] == "error"


def test_ten_users_a_connection_are_enough() -> None:
    bench = Bench()
    many = [{"type": "userFills", "user": f"0x{number:040x}"} for number in range(11)]
    session = bench.listen(*many)
    assert bench.heard(session, "error") == ["Cannot track more than 10 total users."]


def test_the_client_reads_everything_the_exchange_says() -> None:
    """The exchange's bytes through the client's decoder: same fills, same position."""
    bench = Bench(ExchangeConfig(assets=("SOL",)))
    session = bench.listen(
        *({"type": kind, "coin": "SOL"} for kind in ("bbo", "trades", "l2Book", "activeAssetCtx")),
        *({"type": kind, **USER} for kind in ("orderUpdates", "userFills", "userEvents")),
    )
    decoder, rows = Decoder(SOL, ALICE.address, run_id=1), np.zeros(2_100, EVENT)
    seen: dict[int, int] = {}
    lots = 0
    for _ in range(20):
        bid, ask = bench.exchange.state.by_name["SOL"].book.touch()
        sent = [order(1, ask + 2_000, 50, "Ioc"), order(-1, bid - 2_000, 20, "Ioc")]
        bench.submit(ALICE, encode.place_action(sent))
        bench.now_ns += 10**9
        for out in bench.exchange.advance(bench.now_ns):
            if isinstance(out, FrameSent) and out.frame is not None:
                assert out.session == session
                for row in rows[: decoder.decode(out.frame, bench.now_ns, rows)]:
                    seen[row["kind"]] = seen.get(row["kind"], 0) + 1
                    if row["kind"] == Kind.FILL:
                        lots += int(row["side"]) * int(row["size_lots"])
    assert {Kind.BBO, Kind.TRADE, Kind.DEPTH, Kind.CONTEXT, Kind.FILL, Kind.ORDER_ENDED} <= set(
        seen
    )
    assert lots in (bench.position(ALICE), 2 * bench.position(ALICE)) and lots != 0
