"""Who listens to what, and what they are sent when: sessions, topics, cadences.

Feeds of blocks (`bbo`, `trades`, the user streams) are sent when a block is known and something
changed; feeds of state at the venue's own cadence whether or not anything changed. One frame is
encoded once, however many sessions listen. A session the server has sent nothing to for a minute
is closed; so is one that names a coin nobody lists, without a word.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.exchange.frames import PONG, Frames, frame
from hypermaker.exchange.journal import BlockJournal
from hypermaker.exchange.markets import Market
from hypermaker.exchange.schedule import Schedule
from hypermaker.exchange.state import ExchangeState
from hypermaker.exchange.subscriptions import (
    MalformedError,
    Topic,
    UnknownCoinError,
    topic_of,
)
from hypermaker.hyperliquid.wire_ws import ClientFrame, Subscription

IDLE_NS = 60 * NS_PER_S
BOOK_NS = 5_360 * NS_PER_MS
BOOK_FAST_NS = 538 * NS_PER_MS
CONTEXT_NS = NS_PER_S
MIDS_NS = 5 * NS_PER_S
ACCOUNT_NS = 4_500 * NS_PER_MS
SUBSCRIPTIONS_MAX = 1_000
USERS_MAX = 10

_decoder = msgspec.json.Decoder(ClientFrame)
Touch = tuple[tuple[int, int, int], ...]
Send = Callable[[int, bytes | None], None]
"""Called with a session and a frame for it, or None to close it without a word."""
Post = Callable[[int, ClientFrame], None]
"""Called with a session and its post request."""


class Session:
    """One socket: what it listens to, and when it was last sent something."""

    __slots__ = ("last_sent_ns", "topics")

    def __init__(self, now_ns: int) -> None:
        self.last_sent_ns = now_ns
        self.topics: dict[Topic, None] = {}


class Feeds:
    """All sessions of an exchange.

    Parameters
    ----------
    send   where frames go
    post   who answers posts
    """

    def __init__(
        self, state: ExchangeState, frames: Frames, schedule: Schedule, *, send: Send, post: Post
    ) -> None:
        self.state, self.frames, self._schedule = state, frames, schedule
        self._send_out, self._post = send, post
        self.sessions: dict[int, Session] = {}
        self._listeners: dict[Topic, dict[int, None]] = {}
        self._touches: dict[str, Touch] = {}
        start = schedule.now_ns
        for period, kinds in (
            (BOOK_FAST_NS, ("l2Book fast",)),
            (BOOK_NS, ("l2Book",)),
            (CONTEXT_NS, ("activeAssetCtx", "activeAssetData")),
            (MIDS_NS, ("allMids",)),
            (ACCOUNT_NS, ("clearinghouseState", "openOrders")),
        ):
            schedule.every(period, self._cadence(kinds), start + period)

    def connect(self, session: int) -> None:
        """Begin a session; nothing greets it. It is closed once it has heard nothing for 60 s."""
        self.sessions[session] = Session(self._schedule.now_ns)
        self._schedule.at(self._schedule.now_ns + IDLE_NS, lambda now: self._idle(session, now))

    def disconnect(self, session: int) -> None:
        """Forget a session; unknown ones are ignored, both sides may close at once."""
        gone = self.sessions.pop(session, None)
        for topic in gone.topics if gone else ():
            self._unlisten(topic, session)

    def receive(self, session: int, raw: bytes) -> None:
        """Take one frame from a client."""
        if session not in self.sessions:
            return
        try:
            asked = _decoder.decode(raw)
            self._receive(session, asked)
        except (msgspec.DecodeError, UnicodeDecodeError, MalformedError):
            text = raw.decode("utf-8", "replace")
            self._error(session, f"Error parsing JSON into valid websocket request: {text}")
        except UnknownCoinError:
            self._close(session)

    def _receive(self, session: int, asked: ClientFrame) -> None:
        if asked.method == "ping":
            self.send(session, PONG)
        elif asked.method == "post":
            if asked.id is None or asked.request is None:
                raise MalformedError("post")
            self._post(session, asked)
        elif asked.subscription is None:
            raise MalformedError(asked.method)
        elif asked.method == "subscribe":
            self._subscribe(session, asked.subscription)
        else:
            self._unsubscribe(session, asked.subscription)

    def send(self, session: int, data: bytes) -> None:
        """Send one frame to one session, if it is still there."""
        there = self.sessions.get(session)
        if there is not None:
            there.last_sent_ns = self._schedule.now_ns
            self._send_out(session, data)

    def _error(self, session: int, text: str) -> None:
        self.send(session, frame("error", text))

    def _close(self, session: int) -> None:
        self.disconnect(session)
        self._send_out(session, None)

    def _idle(self, session: int, now_ns: int) -> None:
        there = self.sessions.get(session)
        if there is None:
            return
        if now_ns - there.last_sent_ns >= IDLE_NS:
            self._close(session)
        else:
            due = there.last_sent_ns + IDLE_NS
            self._schedule.at(due, lambda now: self._idle(session, now))

    def _subscribe(self, session: int, asked: Subscription) -> None:
        topic = topic_of(asked, self.state)
        topics = self.sessions[session].topics
        if topic in topics:
            shown = msgspec.json.encode(topic.as_json()).decode()
            return self._error(session, f"Already subscribed: {shown}")
        if len(topics) >= SUBSCRIPTIONS_MAX:
            return self._error(
                session, f"Cannot subscribe to more than {SUBSCRIPTIONS_MAX} channels."
            )
        if len({one.user for one in (*topics, topic) if one.user}) > USERS_MAX:
            return self._error(session, f"Cannot track more than {USERS_MAX} total users.")
        topics[topic] = None
        self._listeners.setdefault(topic, {})[session] = None
        self._acknowledge(session, "subscribe", topic)
        first = self._first(topic)
        if first is not None:
            self.send(session, first)
        return None

    def _unsubscribe(self, session: int, asked: Subscription) -> None:
        topic = topic_of(asked, self.state)
        if topic not in self.sessions[session].topics:
            shown = msgspec.json.encode(topic.as_json()).decode()
            return self._error(session, f"Already unsubscribed: {shown}")
        del self.sessions[session].topics[topic]
        self._unlisten(topic, session)
        self._acknowledge(session, "unsubscribe", topic)
        return None

    def _acknowledge(self, session: int, method: str, topic: Topic) -> None:
        data = {"method": method, "subscription": topic.as_json()}
        self.send(session, frame("subscriptionResponse", data))

    def _unlisten(self, topic: Topic, session: int) -> None:
        listeners = self._listeners[topic]
        del listeners[session]
        if not listeners:
            del self._listeners[topic]

    def _first(self, topic: Topic) -> bytes | None:
        """Return what a new subscriber is sent at once: a snapshot, or a replay of prints."""
        market = self.state.by_name.get(topic.coin)
        if topic.type == "trades":
            recent = list(market.recent) if market else []
            return self.frames.trades(topic.coin, recent) if recent else None
        if topic.type == "bbo" and market:
            self._touches[topic.coin] = _touch(market)
        if topic.type == "userFills":
            return self.frames.fills_snapshot(topic.user)
        if topic.type == "userFundings":
            return self.frames.fundings_snapshot(topic.user)
        if topic.type == "userNonFundingLedgerUpdates":
            return self.frames.ledger_snapshot(topic.user)
        return self._state_frame(topic)

    def _state_frame(self, topic: Topic) -> bytes | None:
        """Return a topic's whole state now; None for streams of events and delisted coins."""
        if topic.coin in self.state.delisted and topic.type not in ("l2Book", "bbo"):
            return None
        frames = self.frames
        makers: dict[str, Callable[[], bytes]] = {
            "l2Book": lambda: frames.book(topic),
            "bbo": lambda: frames.touch(topic.coin),
            "activeAssetCtx": lambda: frames.context(topic.coin),
            "allMids": frames.mids,
            "activeAssetData": lambda: frames.tradable(topic),
            "clearinghouseState": lambda: frames.clearinghouse(topic.user),
            "openOrders": lambda: frames.open_orders(topic.user),
        }
        make = makers.get(topic.type)
        return make() if make else None

    def _cadence(self, kinds: tuple[str, ...]) -> Callable[[int], None]:
        def tell(now_ns: int) -> None:
            for topic in list(self._listeners):
                if (f"{topic.type} fast" if topic.fast else topic.type) in kinds:
                    data = self._state_frame(topic)
                    if data is not None:
                        self._tell(topic, data)

        return tell

    def _tell(self, topic: Topic, data: bytes) -> None:
        for session in list(self._listeners.get(topic, ())):
            self.send(session, data)

    def tell_block(self, journal: BlockJournal) -> None:
        """Tell everybody what a block changed, then forget it."""
        self._tell_prints(journal)
        self._tell_touches()
        self._tell_users(journal)
        journal.clear()

    def _tell_prints(self, journal: BlockJournal) -> None:
        for asset, trades in journal.trades.items():
            topic = Topic("trades", self.state.markets[asset].name)
            if topic in self._listeners:
                self._tell(topic, self.frames.trades(topic.coin, trades))

    def _tell_touches(self) -> None:
        for market in self.state.markets.values():
            topic = Topic("bbo", market.name)
            if topic not in self._listeners:
                continue
            if self._touches.get(market.name) != _touch(market):
                self._touches[market.name] = _touch(market)
                self._tell(topic, self.frames.touch(market.name))

    def _tell_users(self, journal: BlockJournal) -> None:
        frames, tell = self.frames, self._tell_user
        for user, updates in journal.updates.items():
            tell("orderUpdates", user, partial(frames.updates, updates))
        for user, fills in journal.fills.items():
            tell("userFills", user, partial(frames.fills, user, fills))
            tell("userEvents", user, partial(frames.fill_events, fills))
        for user, orders in journal.venue_cancels.items():
            tell("userEvents", user, partial(frames.cancel_events, orders))
        for user, paid in journal.fundings.items():
            tell("userFundings", user, partial(frames.fundings, user, paid, snapshot=False))
            for one in paid:
                tell("userEvents", user, partial(frames.funding_event, one))

    def _tell_user(self, kind: str, user: str, make: Callable[[], bytes]) -> None:
        topic = Topic(kind, "", user)
        if topic in self._listeners:
            self._tell(topic, make())
        if kind == "userFills":
            aggregated = Topic(kind, "", user, aggregate=True)
            if aggregated in self._listeners:
                self._tell(aggregated, make())


def _touch(market: Market) -> Touch:
    """Return best bid and best ask with size and orders; the middle row keeps the sides apart."""
    return (*market.book.bids.depth(1), (0, 0, 0), *market.book.asks.depth(1))
