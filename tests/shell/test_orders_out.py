"""Every action leaves once, after it is on disk, and ends with an answer or as unknown."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hypermaker.core.actions import ACTION, Actions, Ask
from hypermaker.core.events import Events, Kind, Reason, Source
from hypermaker.core.units import NS_PER_S
from hypermaker.hyperliquid import encode, signing
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.cloid import cloid_of
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signature, Signer
from hypermaker.hyperliquid.wire_exchange import ExchangeRequest
from hypermaker.hyperliquid.wire_ws import PostReply, PostResponse
from hypermaker.shell.journal import JournalWriter, make_header
from hypermaker.shell.orders_out import IN_FLIGHT_MAX, REPLY_NS_MAX, OrdersOut, Trader
from hypermaker.shell.transport import Http, open_session
from hypermaker.tape.format import read_journal

RUN_ID = 77
START_NS = 1_790_000_000 * NS_PER_S
BTC = Asset("BTC", 0, 5, 40)
KEY = bytes(range(1, 33))


class Post(msgspec.Struct):
    """A frame as the venue would read it."""

    id: int
    request: dict[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        """The signed request."""
        body: dict[str, Any] = self.request["payload"]
        return body


class Line:
    """The far end of a connection: keeps what was sent, and what was on disk at that moment."""

    def __init__(self, journal: Path) -> None:
        self.posts: list[Post] = []
        self.nonces_on_disk: list[dict[int, int]] = []
        self.has_room = True
        self._journal = journal

    def send(self, raw: bytes) -> bool:
        if not self.has_room:
            return False
        self.posts.append(msgspec.json.decode(raw, type=Post))
        self.nonces_on_disk.append(read_journal(self._journal).nonces)
        return True


class Desk:
    """OrdersOut with a line, a clock that is set by hand, and an ear that keeps what it hears."""

    def __init__(self, folder: Path) -> None:
        self.now_ns = START_NS
        self.heard: list[tuple[Kind, int]] = []
        self.reasons: list[Reason] = []
        self.sources: list[Source] = []
        signer = Signer(KEY, mainnet=False)
        self.address = signer.address
        self.nonces = NonceCounter()
        trader = Trader(BTC, self.address, RUN_ID, signer, self.nonces)
        header = make_header(
            run_id=RUN_ID,
            asset="BTC",
            network="local",
            account=self.address,
            started_ns=START_NS,
            engine=BTC,
        )
        path = folder / "journal.hmj"
        journal = JournalWriter(path, header)
        decoder = Decoder(BTC, self.address, RUN_ID)
        self.out = OrdersOut(trader, decoder, self.hear, journal=journal, clock=lambda: self.now_ns)
        self.line = Line(path)
        self.out.socket = self.line

    def hear(self, events: Events) -> None:
        self.heard += [(Kind(e["kind"]), int(e["order_seq"])) for e in events]
        self.reasons += [Reason(int(e["reason"])) for e in events]
        self.sources += [Source(int(e["source"])) for e in events]

    def answer(self, post_id: int, payload: Any, kind: str = "action") -> None:
        """Let the venue answer a post."""
        raw = msgspec.Raw(payload if isinstance(payload, bytes) else msgspec.json.encode(payload))
        reply = PostReply(post_id, PostResponse(kind, raw))  # type: ignore[arg-type]
        self.out.on_reply(reply, self.now_ns)


def actions(*rows: dict[str, int]) -> Actions:
    """Return ACTION records with these fields."""
    made = np.zeros(len(rows), ACTION)
    for at, row in enumerate(rows):
        for name, value in row.items():
            made[at][name] = value
    return made


def place(order_seq: int, side: int = 1) -> dict[str, int]:
    """Return a PLACE of 0.001 BTC at 64,250 USD."""
    return {
        "kind": Ask.PLACE,
        "order_seq": order_seq,
        "side": side,
        "price_ticks": 642_500,
        "size_lots": 100,
    }


def cancel(order_seq: int) -> dict[str, int]:
    """Return a CANCEL."""
    return {"kind": Ask.CANCEL, "order_seq": order_seq}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk whose engine only listens."""
    return Desk(tmp_path)


def statuses(kind: str, *entries: Any) -> dict[str, Any]:
    """Return an accepted action's reply."""
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": list(entries)}}}


def resting(order_seq: int, oid: int) -> dict[str, Any]:
    """Return the status of an order that rests."""
    return {"resting": {"oid": oid, "cloid": cloid_of(RUN_ID, order_seq)}}


def test_the_orders_of_one_step_are_one_post_only_action_signed_by_us(desk: Desk) -> None:
    desk.out.carry_out(actions(place(1), place(2, side=-1)))
    (post,) = desk.line.posts
    action = post.body["action"]
    assert action["type"] == "order"
    assert [o["t"] for o in action["orders"]] == [{"limit": {"tif": "Alo"}}] * 2
    assert [o["b"] for o in action["orders"]] == [True, False]
    assert [(o["p"], o["s"]) for o in action["orders"]] == [("64250", "0.001")] * 2
    assert [o["c"] for o in action["orders"]] == [cloid_of(RUN_ID, 1), cloid_of(RUN_ID, 2)]
    request = msgspec.convert(post.body, ExchangeRequest)
    hashed = signing.action_hash(encode.pack(request.action), post.body["nonce"])
    digest = signing.l1_digest(hashed, mainnet=False)
    said = msgspec.convert(post.body["signature"], Signature)
    assert signing.recover_address(digest, said) == desk.address


def test_a_nonce_is_on_disk_before_its_order_leaves(desk: Desk) -> None:
    """F62: after a kill at any point the journal knows every order that can exist."""
    desk.out.carry_out(actions(place(1), place(2)))
    nonce = desk.line.posts[0].body["nonce"]
    assert desk.line.nonces_on_disk[0] == {1: nonce, 2: nonce}


def test_cancels_go_first_and_fast(desk: Desk) -> None:
    desk.out.carry_out(actions(place(5), cancel(1), cancel(2)))
    first, second = (post.body["action"] for post in desk.line.posts)
    assert first["type"] == "cancelByCloid"
    assert first["f"] is True
    assert [c["cloid"] for c in first["cancels"]] == [cloid_of(RUN_ID, 1), cloid_of(RUN_ID, 2)]
    assert second["type"] == "order"


def test_a_stranger_is_cancelled_by_its_oid(desk: Desk) -> None:
    """I2."""
    desk.out.carry_out(actions({"kind": Ask.CANCEL_OID, "oid": 99}))
    assert desk.line.posts[0].body["action"] == {
        "type": "cancel",
        "cancels": [{"a": 0, "o": 99}],
        "f": True,
    }


def test_nonces_only_go_up(desk: Desk) -> None:
    """I8, F59: also when the clock steps back."""
    for step, seq in zip((0, 0, -5, 1), range(1, 5), strict=True):
        desk.now_ns = START_NS + step * NS_PER_S
        desk.out.carry_out(actions(place(seq)))
    nonces = [post.body["nonce"] for post in desk.line.posts]
    assert nonces == sorted(set(nonces))


def test_replies_become_events_item_by_item(desk: Desk) -> None:
    """F23: a batch that is accepted in part."""
    desk.out.carry_out(actions(place(1), place(2), cancel(7)))
    cancels, orders = desk.line.posts
    refusal = {"error": "Insufficient margin to place order. asset=0"}
    desk.answer(orders.id, statuses("order", resting(1, 1001), refusal))
    desk.answer(cancels.id, statuses("cancel", "success"))
    assert desk.heard == [
        (Kind.ORDER_RESTED, 1),
        (Kind.ORDER_REFUSED, 2),
        (Kind.CANCEL_ACCEPTED, 7),
    ]
    assert desk.out.in_flight == 0


def test_no_answer_in_time_is_unknown_and_a_late_one_still_counts(desk: Desk) -> None:
    """F9, F10, F15: the deadline ends nothing but our waiting."""
    desk.out.carry_out(actions(place(1), place(2)))
    desk.out.expire(START_NS + REPLY_NS_MAX - 1)
    assert desk.heard == []
    desk.out.expire(START_NS + REPLY_NS_MAX)
    assert desk.heard == [(Kind.OUTCOME_UNKNOWN, 1), (Kind.OUTCOME_UNKNOWN, 2)]
    desk.answer(desk.line.posts[0].id, statuses("order", resting(1, 11), resting(2, 12)))
    assert desk.heard[2:] == [(Kind.ORDER_RESTED, 1), (Kind.ORDER_RESTED, 2)]
    desk.answer(desk.line.posts[0].id, statuses("order", resting(1, 11), resting(2, 12)))
    assert len(desk.heard) == 4


def test_a_lost_connection_makes_all_that_was_on_its_way_unknown(desk: Desk) -> None:
    """F1, F16: and nothing is sent again by itself (F28)."""
    desk.out.carry_out(actions(place(1), cancel(7)))
    sent = len(desk.line.posts)
    desk.out.on_link_lost(desk.now_ns)
    assert sorted(desk.heard) == sorted([(Kind.OUTCOME_UNKNOWN, 1), (Kind.OUTCOME_UNKNOWN, 7)])
    assert len(desk.line.posts) == sent
    desk.out.expire(START_NS + 2 * REPLY_NS_MAX)
    assert len(desk.heard) == 2


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b'"429 Too Many Requests"', "error"),
        (b"null", "action"),
        (b'{"status":"ok","response":{"type":"order","data":{"statuses":[]}}}', "action"),
        (b'"<html>502</html>"', "action"),
    ],
)
def test_an_answer_that_says_nothing_is_unknown_never_a_refusal(
    desk: Desk, payload: bytes, kind: str
) -> None:
    """F16, F17, I4."""
    desk.out.carry_out(actions(place(1), place(2)))
    desk.answer(desk.line.posts[0].id, payload, kind)
    assert desk.heard == [(Kind.OUTCOME_UNKNOWN, 1), (Kind.OUTCOME_UNKNOWN, 2)]


def test_a_burn_spends_the_very_nonce_of_the_order(desk: Desk) -> None:
    """Reliability section 4: orders of one batch share a nonce, so one noop burns them all."""
    desk.out.carry_out(actions(place(1), place(2)))
    desk.now_ns += NS_PER_S
    desk.out.carry_out(actions(place(3)))
    burn = [{"kind": Ask.BURN, "order_seq": seq} for seq in (1, 2, 3)]
    desk.out.carry_out(actions(*burn))
    first, second, noop, other = desk.line.posts
    assert noop.body["action"] == other.body["action"] == {"type": "noop"}
    assert noop.body["nonce"] == first.body["nonce"]
    assert other.body["nonce"] == second.body["nonce"]
    desk.answer(noop.id, {"status": "ok", "response": {"type": "default"}})
    desk.answer(other.id, {"status": "err", "response": "Invalid nonce: duplicate nonce 5"})
    assert desk.heard == [(Kind.BURNT, 1), (Kind.BURNT, 2), (Kind.BURN_REFUSED, 3)]


@pytest.mark.parametrize("why", ["no connection", "no room", "too many in flight"])
def test_an_order_that_cannot_leave_is_refused_before_it_is_signed(desk: Desk, why: str) -> None:
    """F28: no nonce is used, so there is nothing that could run later."""
    seq = 1
    if why == "no connection":
        desk.out.socket = None
    elif why == "no room":
        desk.line.has_room = False
    else:
        for seq in range(1, IN_FLIGHT_MAX + 1):
            desk.out.carry_out(actions(place(seq)))
        seq = IN_FLIGHT_MAX + 1
    sent, nonce = len(desk.line.posts), desk.nonces.last
    desk.out.carry_out(actions(place(seq)))
    assert desk.heard == [(Kind.ORDER_REFUSED, seq)]
    assert desk.reasons == [Reason.RATE]
    assert len(desk.line.posts) == sent
    assert desk.nonces.last == nonce


def test_questions_wait_their_turn_and_a_full_queue_drops_them(desk: Desk) -> None:
    """The engine asks again by itself, so a question may be lost but may not pile up."""
    desk.out.carry_out(actions(place(1)))
    ask = {"kind": Ask.ASK, "order_seq": 1}
    for _ in range(300):
        desk.out.carry_out(actions(ask))
    assert desk.out.questions.qsize() == 256
    assert desk.out.questions.get_nowait() == (Ask.ASK, 1, desk.line.posts[0].body["nonce"])


def over_http(desk: Desk, asked: Actions, answer: Callable[[], web.Response]) -> list[Any]:
    """Carry out actions with no WebSocket; return the bodies that came over HTTP."""
    bodies: list[Any] = []

    async def exchange(request: web.Request) -> web.Response:
        bodies.append(msgspec.json.decode(await request.read()))
        return answer()

    async def scenario() -> None:
        app = web.Application()
        app.router.add_post("/exchange", exchange)
        async with (
            TestServer(app) as server,
            open_session() as session,
            asyncio.TaskGroup() as tasks,
        ):
            desk.out.socket = None
            desk.out.begin(Http(session, str(server.make_url("")).rstrip("/")), tasks)
            desk.out.carry_out(asked)

    asyncio.run(scenario())
    return bodies


def test_cancels_find_another_way_when_the_socket_is_gone(desk: Desk) -> None:
    """F14: cancelling must not depend on one transport."""
    body = msgspec.json.encode(statuses("cancel", "success")).decode()
    answer = lambda: web.Response(text=body)  # noqa: E731
    bodies = over_http(desk, actions(cancel(4)), answer)
    assert bodies[0]["action"]["type"] == "cancelByCloid"
    assert desk.heard == [(Kind.CANCEL_ACCEPTED, 4)]


def test_a_cancel_that_fails_over_http_is_unknown(desk: Desk) -> None:
    """F18."""
    over_http(desk, actions(cancel(4)), lambda: web.Response(status=502))
    assert desk.heard == [(Kind.OUTCOME_UNKNOWN, 4)]


def test_no_key_and_no_signature_is_in_the_journal(desk: Desk, tmp_path: Path) -> None:
    """S10, I12: what is on disk cannot be replayed against the venue."""
    desk.out.carry_out(actions(place(1), cancel(3)))
    raw = (tmp_path / "journal.hmj").read_bytes()
    for post in desk.line.posts:
        for part in ("r", "s"):
            assert post.body["signature"][part][2:].encode() not in raw
            digits = post.body["signature"][part][2:].rjust(64, "0")
            assert bytes.fromhex(digits) not in raw
    assert KEY not in raw
    assert KEY.hex().encode() not in raw


def test_our_own_words_are_not_the_venues(desk: Desk) -> None:
    """A refusal for want of a socket is no error of the venue's rate, nor a sign of its life."""
    desk.out.socket = None
    desk.out.carry_out(actions(place(1)))
    desk.out.socket = desk.line
    desk.out.carry_out(actions(place(2)))
    desk.now_ns += REPLY_NS_MAX + 1
    desk.out.expire(desk.now_ns)
    assert desk.heard == [(Kind.ORDER_REFUSED, 1), (Kind.OUTCOME_UNKNOWN, 2)]
    assert desk.sources == [Source.LOCAL, Source.LOCAL]


def test_a_dry_run_signs_nothing(desk: Desk) -> None:
    """T-29: orders are refused here, cancels are only told."""
    told: list[str] = []
    desk.out.tell_dry = told.append
    desk.out.carry_out(actions(place(1), cancel(2), {"kind": Ask.CANCEL_OID, "oid": 5}))
    assert desk.line.posts == []
    assert desk.heard == [(Kind.ORDER_REFUSED, 1)]
    assert told == ["would cancel 2 orders", "would place buy 0.001 at 64250"]
