"""The local exchange: bytes in, bytes out, in virtual time. It has no socket and no clock.

Whoever owns it says what time it is with every call, and carries what comes out to where it
belongs. An action waits for its block; the block is executed when it is known (commit_ms after its
own time), and only then are the feeds and the answers sent, feeds first.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec
import numpy as np

from hypermaker.core.events import Events
from hypermaker.core.units import NS_PER_S
from hypermaker.exchange import gateway
from hypermaker.exchange.admission import admit
from hypermaker.exchange.blocks import BlockClock, Mempool, Waiting
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.execute import Executor
from hypermaker.exchange.feeds import Feeds
from hypermaker.exchange.flow import Flow
from hypermaker.exchange.frames import Frames, frame
from hypermaker.exchange.funding import FundingClock, MarkPrice
from hypermaker.exchange.gateway import TAKING, Reply
from hypermaker.exchange.info import Info
from hypermaker.exchange.replay import replays
from hypermaker.exchange.schedule import Schedule
from hypermaker.exchange.state import ExchangeState
from hypermaker.hyperliquid.wire_info import InfoRequest
from hypermaker.hyperliquid.wire_ws import ClientFrame

PRICES_NS = 3 * NS_PER_S
SAMPLE_NS = 5 * NS_PER_S
HOUR_NS = 3_600 * NS_PER_S


class Crowd(Protocol):
    """Everybody but the clients on one market: simulated traders, or a recording."""

    @property
    def fair_ticks(self) -> float:
        """Return what the rest of the world thinks the price is, in ticks."""

    def quote(self, now_ns: int) -> None:
        """Do what makers do in the block of this time, before the clients' own makers."""

    def take(self, now_ns: int) -> None:
        """Do what takers do in the block of this time, before the clients' own takers."""


class Answered(msgspec.Struct, frozen=True):
    """The answer to a submitted action."""

    ticket: int
    reply: Reply


class FrameSent(msgspec.Struct, frozen=True):
    """A frame for a session; None closes it without a close frame."""

    session: int
    frame: bytes | None


Out = Answered | FrameSent


class Exchange:
    """One local Hyperliquid.

    Every method takes the time and first does all that was due before it; times must not go back.

    Parameters
    ----------
    config       what it is like
    recordings   asset -> recorded EVENTs (BBO, DEPTH, TRADE) that replace its simulated traders;
                 with any, every configured asset needs one
    """

    def __init__(
        self, config: ExchangeConfig, recordings: Mapping[str, Events] | None = None
    ) -> None:
        self.config = config.checked()
        self.state = ExchangeState(config)
        self.schedule = Schedule(config.start_ns)
        self.info_desk = Info(self.state)
        self.executor = Executor(self.state)
        self.feeds = Feeds(
            self.state,
            Frames(self.state, self.info_desk),
            self.schedule,
            send=self._send,
            post=self._post,
        )
        self._out: list[Out] = []
        self._names = 0
        self._posts: dict[int, tuple[int, int]] = {}
        self._mempool = Mempool(config.blocks)
        self._open_markets(recordings or {})
        self._set_clocks()

    def _open_markets(self, recordings: Mapping[str, Events]) -> None:
        """Give every asset that is to have a market its traders, simulated or recorded."""
        seeds = np.random.SeedSequence(self.config.seed)
        self._block_clock = BlockClock(self.config.blocks, np.random.default_rng(seeds.spawn(1)[0]))
        self.crowds: dict[int, Crowd] = {}
        if recordings:
            self.crowds.update(replays(self.state, self.config, recordings))
            return
        for asset in self.config.asset_indices:
            self.crowds[asset] = Flow(
                self.state.markets[asset],
                self.config.flow,
                matcher=self.state.matcher,
                accounts=self.state.accounts,
                random=np.random.default_rng([self.config.seed, asset]),
                start_ns=self.config.start_ns,
            )

    def _set_clocks(self) -> None:
        start = self.config.start_ns
        markets = self.state.markets.values()
        self._marks = {market.index: MarkPrice(market) for market in markets}
        self._fundings = [FundingClock(market) for market in markets]
        self.schedule.every(PRICES_NS, self._price, start + PRICES_NS)
        self.schedule.every(SAMPLE_NS, self._sample, start + SAMPLE_NS)
        self.schedule.every(HOUR_NS, self._settle, (start // HOUR_NS + 1) * HOUR_NS)
        self._run_block(start)

    @property
    def next_ns(self) -> int:
        """Return when something happens by itself next."""
        return self.schedule.next_ns

    def submit(self, body: bytes, now_ns: int) -> int:
        """Take the body of a `POST /exchange`; return the ticket its answer will carry."""
        self.schedule.run_until(now_ns)
        ticket = self._name()
        signed = gateway.read(body, mainnet=self.config.mainnet)
        if isinstance(signed, Reply):
            self._answer(ticket, signed)
        else:
            self._mempool.add(ticket, signed, now_ns)
        return ticket

    def info(self, body: bytes, now_ns: int) -> Reply:
        """Return the answer to the body of a `POST /info`."""
        self.schedule.run_until(now_ns)
        return self.info_desk.reply(body)

    def connect(self, now_ns: int) -> int:
        """Open a WebSocket session; return its name."""
        self.schedule.run_until(now_ns)
        session = self._name()
        self.feeds.connect(session)
        return session

    def receive(self, session: int, data: bytes, now_ns: int) -> None:
        """Take a frame from a session."""
        self.schedule.run_until(now_ns)
        self.feeds.receive(session, data)

    def disconnect(self, session: int, now_ns: int) -> None:
        """Close a session from the client's side."""
        self.schedule.run_until(now_ns)
        self.feeds.disconnect(session)

    def advance(self, now_ns: int) -> list[Out]:
        """Let time pass; return everything to be carried out, in order."""
        self.schedule.run_until(now_ns)
        out, self._out = self._out, []
        return out

    def _name(self) -> int:
        self._names += 1
        return self._names

    def _send(self, session: int, data: bytes | None) -> None:
        self._out.append(FrameSent(session, data))

    def _answer(self, ticket: int, reply: Reply) -> None:
        """Send an answer to where its request came from: a ticket, or a session's post."""
        post = self._posts.pop(ticket, None)
        if post is None:
            self._out.append(Answered(ticket, reply))
            return
        session, number = post
        kind, payload = "action", msgspec.Raw(reply.body)
        if reply.status != 200:
            kind, payload = "error", msgspec.Raw(msgspec.json.encode(reply.body.decode()))
        self._send_post(session, number, {"type": kind, "payload": payload})

    def _send_post(self, session: int, number: int, response: Mapping[str, object]) -> None:
        self.feeds.send(session, frame("post", {"id": number, "response": response}))

    def _post(self, session: int, asked: ClientFrame) -> None:
        assert asked.id is not None and asked.request is not None
        body = bytes(asked.request.payload)
        if asked.request.type == "action":
            ticket = self._name()
            self._posts[ticket] = (session, asked.id)
            signed = gateway.read(body, mainnet=self.config.mainnet)
            if isinstance(signed, Reply):
                self._answer(ticket, signed)
            else:
                self._mempool.add(ticket, signed, self.schedule.now_ns)
            return
        self._post_info(session, asked.id, body)

    def _post_info(self, session: int, number: int, body: bytes) -> None:
        reply = self.info_desk.reply(body)
        if reply.status != 200:
            error = {"type": "error", "payload": reply.body.decode()}
            return self._send_post(session, number, error)
        kind = msgspec.json.decode(body, type=InfoRequest).type
        payload = {"type": kind, "data": msgspec.Raw(reply.body)}
        return self._send_post(session, number, {"type": "info", "payload": payload})

    def _run_block(self, block_ns: int) -> None:
        """Execute the block of a time, tell it, and set the next one."""
        state = self.state
        state.begin_block(block_ns)
        self.executor.cancel_scheduled()
        for crowd in self.crowds.values():
            crowd.quote(block_ns)
        waiting = self._mempool.take(block_ns)
        first = [one for one in waiting if one.category != TAKING]
        answers = [(one.ticket, self._run(one)) for one in first]
        for crowd in self.crowds.values():
            crowd.take(block_ns)
        answers += [(one.ticket, self._run(one)) for one in waiting[len(first) :]]
        self.feeds.tell_block(state.journal)
        for ticket, body in answers:
            self._answer(ticket, Reply(200, body))
        following_ns = block_ns + self._block_clock.gap_ns()
        known_ns = following_ns + self.config.blocks.commit_ns
        self.schedule.at(known_ns, lambda now: self._run_block(following_ns))

    def _run(self, waiting: Waiting) -> bytes:
        admitted = admit(self.state, waiting.signed)
        if isinstance(admitted, str):
            return gateway.err(admitted)
        return self.executor.execute(admitted.account, waiting.signed.request.action)

    def _price(self, now_ns: int) -> None:
        """Renew oracle and mark of every market somebody trades on."""
        for asset, crowd in self.crowds.items():
            outside = round(crowd.fair_ticks)
            self._marks[asset].update(outside, outside, PRICES_NS / NS_PER_S)

    def _sample(self, now_ns: int) -> None:
        for clock in self._fundings:
            clock.sample()

    def _settle(self, now_ns: int) -> None:
        self.state.begin_block(now_ns)
        for clock in self._fundings:
            clock.settle(self.state.accounts, self.state.journal, self.state.now_ms)
        self.feeds.tell_block(self.state.journal)
