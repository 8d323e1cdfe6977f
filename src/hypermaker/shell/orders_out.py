"""From the engine's actions to signed requests, and from the venue's answers back to events.

    PLACEs of one step    one ALO-only `order` action
    CANCELs of one step   one `cancelByCloid` with the fast flag, sent before the orders
    CANCEL_OID            `cancel`, for orders the engine does not know
    BURN                  a `noop` with the very nonce that carried the order
    ASK, ASK_FILLS        to `questions`
    KILLED                ends the session

In a dry run nothing that changes anything is signed at all: orders are refused here, and told.

Every action gets an answer, or OUTCOME_UNKNOWN for each of its orders: after the deadline, when the
connection is lost, when the answer cannot be read. A late answer is still evidence and is applied
(F10). A signed action is never signed again: an order goes over the WebSocket or is refused here
before it is signed; only cancels and burns, which may run twice, fall back to HTTP.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import numpy as np

from hypermaker.core.actions import Actions, Ask, Mark
from hypermaker.core.events import EVENT, Events, Kind, Reason, Source
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.errors import LinkError, ProtocolError
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.cloid import cloid_of
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signer
from hypermaker.hyperliquid.wire_exchange import ENTRIES_MAX, Action, OrderWire
from hypermaker.hyperliquid.wire_ws import PostReply
from hypermaker.risk.kill_switch import KillReason
from hypermaker.shell.clock import Clock
from hypermaker.shell.journal import JournalWriter
from hypermaker.shell.transport import Http

REPLY_NS_MAX = 5 * NS_PER_S
IN_FLIGHT_MAX = 80
"""Posts waiting for an answer; the venue allows 100, the rest is kept for cancels."""
LATE_MAX = 512
NONCES_MAX = 100_000
Hear = Callable[[Events], None]
"""Takes EVENT, shape (n,)."""
Question = tuple[Ask, int, int]
"""ASK or ASK_FILLS, the order, and when it was sent [ms, our clock]."""


class Outlet(Protocol):
    """Where posts go: `transport.Socket`."""

    @property
    def has_room(self) -> bool:
        """Whether `send` will take a frame now."""

    def send(self, raw: bytes) -> bool:
        """Take one frame; False when it was not taken and never will be."""


class Trader(msgspec.Struct, frozen=True):
    """Who trades what: everything an action needs besides its content.

    address   of the account that holds the position, lowercase
    vault     the same when the signer acts for a sub-account or vault, else None
    """

    asset: Asset
    address: str
    run_id: int
    signer: Signer
    nonces: NonceCounter
    vault: str | None = None


class _Sent(msgspec.Struct, frozen=True):
    kind: Ask
    order_seqs: list[int]
    deadline_ns: int


class OrdersOut:
    """Signs and sends what the engine asks for; books what comes back.

    socket      the connection orders go over; None while there is none
    questions   what is to be asked over HTTP; when it is full, questions are dropped, because the
                engine asks again by itself
    tell_dry    set in a dry run: takes what would have been sent, and nothing is
    """

    def __init__(
        self,
        trader: Trader,
        decoder: Decoder,
        hear: Hear,
        *,
        journal: JournalWriter,
        clock: Clock,
    ) -> None:
        self.socket: Outlet | None = None
        self.questions: asyncio.Queue[Question] = asyncio.Queue(256)
        self.killed: KillReason | None = None
        self.tell_dry: Callable[[str], None] | None = None
        self.requests = 0
        self._trader = trader
        self._decoder = decoder
        self._journal = journal
        self._clock = clock
        self._hear = hear
        self._http: Http | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._post_id = 0
        self._pending: dict[int, _Sent] = {}
        self._late: dict[int, _Sent] = {}
        self._nonce_of: dict[int, int] = {}
        self._rows = np.zeros(ENTRIES_MAX, EVENT)

    def begin(self, http: Http, tasks: asyncio.TaskGroup) -> None:
        """Take the fall-back for cancels, and who owns what runs over it."""
        self._http, self._tasks = http, tasks

    @property
    def in_flight(self) -> int:
        """How many actions wait for an answer."""
        return len(self._pending)

    def carry_out(self, actions: Actions) -> None:
        """Sign and send the actions of one engine step: cancels first, then orders.

        actions   ACTION, shape (n,)
        """
        asset = self._trader.asset
        places: list[tuple[int, OrderWire]] = []
        cancels: list[int] = []
        strangers: list[int] = []
        burns: dict[int, list[int]] = defaultdict(list)
        for kind, side, flags, _, reason, _, seq, oid, price, size, *_ in actions.tolist():
            if kind == Ask.PLACE:
                cloid = cloid_of(self._trader.run_id, seq)
                reduce_only = bool(flags & Mark.REDUCE_ONLY)
                wire = encode.order(
                    asset,
                    side,
                    price_ticks=price,
                    size_lots=size,
                    reduce_only=reduce_only,
                    cloid=cloid,
                )
                places.append((seq, wire))
            elif kind == Ask.CANCEL:
                cancels.append(seq)
            elif kind == Ask.CANCEL_OID:
                strangers.append(oid)
            elif kind == Ask.BURN:
                burns[self._nonce_of[seq]].append(seq)
            elif kind == Ask.KILLED:
                self.killed = KillReason(reason)
            else:
                self._question(Ask(kind), seq)
        self._cancel(cancels, strangers)
        self._place(places)
        for nonce, order_seqs in burns.items():
            self._send(encode.noop_action(), Ask.BURN, order_seqs, nonce)

    def _place(self, places: list[tuple[int, OrderWire]]) -> None:
        if not places:
            return
        order_seqs = [order_seq for order_seq, _ in places]
        if self.tell_dry is not None:
            wishes = (f"{'buy' if o.b else 'sell'} {o.s} at {o.p}" for _, o in places)
            self.tell_dry(f"would place {', '.join(wishes)}")
            self._say(Kind.ORDER_REFUSED, order_seqs, self._clock(), Reason.OTHER)
            return
        socket = self.socket
        if socket is None or not socket.has_room or self.in_flight >= IN_FLIGHT_MAX:
            self._say(Kind.ORDER_REFUSED, order_seqs, self._clock(), Reason.RATE)
            return
        nonce = self._next_nonce()
        for order_seq in order_seqs:
            self._nonce_of[order_seq] = nonce
        while len(self._nonce_of) > NONCES_MAX:
            del self._nonce_of[next(iter(self._nonce_of))]
        self._journal.nonces(order_seqs, nonce)
        action = encode.place_action([order for _, order in places])
        self._send(action, Ask.PLACE, order_seqs, nonce)

    def _cancel(self, order_seqs: list[int], oids: list[int]) -> None:
        asset_id = self._trader.asset.asset_id
        if self.tell_dry is not None:
            if order_seqs or oids:
                self.tell_dry(f"would cancel {len(order_seqs) + len(oids)} orders")
            return
        if order_seqs:
            cloids = [cloid_of(self._trader.run_id, order_seq) for order_seq in order_seqs]
            action = encode.cancel_by_cloid_action(asset_id, cloids)
            self._send(action, Ask.CANCEL, order_seqs, self._next_nonce())
        if oids:
            by_oid = encode.cancel_action(asset_id, oids)
            self._send(by_oid, Ask.CANCEL_OID, [0] * len(oids), self._next_nonce())

    def _next_nonce(self) -> int:
        return self._trader.nonces.next(self._clock() // NS_PER_MS)

    def _question(self, kind: Ask, order_seq: int) -> None:
        if not self.questions.full():
            sent_ms = self._nonce_of.get(order_seq, self._clock() // NS_PER_MS)
            self.questions.put_nowait((kind, order_seq, sent_ms))

    def _send(self, action: Action, kind: Ask, order_seqs: list[int], nonce: int) -> None:
        """Sign once and hand over; what was asked is on disk before it leaves."""
        assert self.tell_dry is None, "a dry run signs nothing"
        self._journal.flush()
        trader = self._trader
        body = encode.signed_request(trader.signer, action, nonce, trader.vault)
        self.requests += len(order_seqs)
        sent = _Sent(kind, order_seqs, self._clock() + REPLY_NS_MAX)
        self._post_id += 1
        if self.socket is not None and self.socket.send(encode.post_frame(self._post_id, body)):
            self._pending[self._post_id] = sent
        else:
            assert kind is not Ask.PLACE, "orders are refused before signing when there is no room"
            assert self._http is not None and self._tasks is not None
            self._tasks.create_task(self._send_http(self._http, sent, body))

    async def _send_http(self, http: Http, sent: _Sent, body: bytes) -> None:
        try:
            answer = await http.exchange(body)
        except LinkError as error:
            self._journal.note(f"{sent.kind.name} over HTTP: {error}")
            self._say(Kind.OUTCOME_UNKNOWN, sent.order_seqs, self._clock())
            return
        self._book(answer, sent, self._clock())

    def on_reply(self, reply: PostReply, received_ns: int) -> None:
        """Book the answer to one of our posts; a late one is still evidence."""
        sent = self._pending.pop(reply.id, None) or self._late.pop(reply.id, None)
        if sent is None:
            return
        if reply.response.type != "action":
            text = bytes(reply.response.payload).decode(errors="replace")
            self._journal.note(f"{sent.kind.name} answered by an error: {text[:200]}")
            self._say(Kind.OUTCOME_UNKNOWN, sent.order_seqs, received_ns)
            return
        self._book(bytes(reply.response.payload), sent, received_ns)

    def _book(self, answer: bytes, sent: _Sent, received_ns: int) -> None:
        try:
            count = self._decoder.decode_reply(
                answer, sent.order_seqs, sent.kind, received_ns, self._rows
            )
        except ProtocolError as error:
            self._journal.note(f"{sent.kind.name} answered by what cannot be read: {error}")
            self._say(Kind.OUTCOME_UNKNOWN, sent.order_seqs, received_ns)
            return
        self._hear(self._rows[:count])

    def expire(self, now_ns: int) -> None:
        """Book as unknown what has waited too long; called at every timer."""
        for post_id in [i for i, sent in self._pending.items() if sent.deadline_ns <= now_ns]:
            sent = self._pending.pop(post_id)
            self._late[post_id] = sent
            self._say(Kind.OUTCOME_UNKNOWN, sent.order_seqs, now_ns)
        while len(self._late) > LATE_MAX:
            del self._late[next(iter(self._late))]

    def on_link_lost(self, now_ns: int) -> None:
        """Book as unknown all that was on its way: no answer comes over another connection."""
        self.socket = None
        lost, self._pending = self._pending, {}
        self._late.clear()
        for sent in lost.values():
            self._say(Kind.OUTCOME_UNKNOWN, sent.order_seqs, now_ns)

    def _say(
        self,
        kind: Kind,
        order_seqs: Sequence[int],
        received_ns: int,
        reason: Reason = Reason.NONE,
    ) -> None:
        """Tell the engine one thing about several orders: our word, no sign of the venue's life."""
        said = np.zeros(len(order_seqs), EVENT)
        said["kind"], said["source"], said["reason"] = kind, Source.LOCAL, reason
        said["received_ns"], said["order_seq"] = received_ns, order_seqs
        self._hear(said)
