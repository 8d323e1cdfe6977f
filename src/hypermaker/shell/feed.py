"""One link to the venue, kept up: connect, subscribe, settle, listen, and again after a loss.

A link is UP for the engine only when every subscription is acknowledged and `settle` has closed the
gap since the last time; the first time is no different (F1, F7). A loss is told to the engine at
once, before anything is tried again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import numpy as np

from hypermaker.core.events import EVENT, Source
from hypermaker.core.units import NS_PER_S
from hypermaker.errors import LinkError
from hypermaker.hyperliquid.decode import Decoder, Notice
from hypermaker.hyperliquid.wire_ws import PostReply, Subscription
from hypermaker.shell.clock import Clock
from hypermaker.shell.session import Session
from hypermaker.shell.transport import Socket
from hypermaker.tape.format import Frame

BACKOFF_S_MIN = 0.5
BACKOFF_S_MAX = 30.0
STEADY_NS = 60 * NS_PER_S
"""A connection that lived this long is no sign of trouble: the next wait is short again."""
ROWS_MAX = 4096
"""Events of one frame: a snapshot has at most 2,000 fills."""


class LinkPlan(msgspec.Struct, frozen=True):
    """What one connection is for.

    number          which link a raw frame came over, in the journal; 0 is HTTP
    sources         feeds that live and die with it
    subscriptions   at most one of each type
    """

    number: int
    url: str
    sources: tuple[Source, ...]
    subscriptions: tuple[Subscription, ...]


def market_link(url: str, coin: str) -> LinkPlan:
    """Return the link that hears the market."""
    return LinkPlan(
        1,
        url,
        (Source.BBO, Source.BOOK_FAST, Source.TRADES, Source.CONTEXT),
        (
            Subscription("bbo", coin=coin),
            Subscription("trades", coin=coin),
            Subscription("l2Book", coin=coin, fast=True),
            Subscription("activeAssetCtx", coin=coin),
        ),
    )


def account_link(url: str, *, coin: str, address: str) -> LinkPlan:
    """Return the link that hears of our account and carries our orders."""
    return LinkPlan(
        2,
        url,
        (Source.USER,),
        (
            Subscription("orderUpdates", user=address),
            Subscription("userFills", user=address),
            Subscription("userEvents", user=address),
            Subscription("userNonFundingLedgerUpdates", user=address),
            Subscription("activeAssetData", user=address, coin=coin),
        ),
    )


class Feed:
    """Keeps one link up and hands what it says to the session.

    settle     awaited after every acknowledgement and before the link counts as up; a LinkError
               from it drops the connection
    on_loss    called when a connection is gone, after the engine has been told
    on_reply   takes answers to posts
    """

    def __init__(
        self, plan: LinkPlan, session: Session, decoder: Decoder, *, clock: Clock, seed: int
    ) -> None:
        self.plan = plan
        self.socket: Socket | None = None
        self.settle: Callable[[], Awaitable[None]] = _nothing_to_settle
        self.on_loss: Callable[[int], None] = _ignore
        self.on_reply: Callable[[PostReply, int], None] = _ignore
        self.is_up = asyncio.Event()
        self.losses = 0
        self._session = session
        self._decoder = decoder
        self._clock = clock
        self._jitter = random.Random(seed)
        self._rows = np.zeros(ROWS_MAX, EVENT)
        self._ready = asyncio.Event()

    async def keep(self, http: aiohttp.ClientSession) -> None:
        """Hold the link for ever; ends only by cancellation."""
        self._session.link(self.plan.sources, up=False)
        wait_s = BACKOFF_S_MIN
        while True:
            opened_ns = self._clock()
            self._lost(await self._hold(http))
            if self._clock() - opened_ns > STEADY_NS:
                wait_s = BACKOFF_S_MIN
            await asyncio.sleep(wait_s * self._jitter.uniform(0.5, 1.0))
            wait_s = min(BACKOFF_S_MAX, 2.0 * wait_s)

    async def _hold(self, http: aiohttp.ClientSession) -> str:
        """Hold one connection; return why it ended."""
        self._ready.clear()
        plan = self.plan
        self.socket = Socket(plan.url, self, subscriptions=plan.subscriptions, clock=self._clock)
        why = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.socket.run(http))
                tasks.create_task(self._come_up())
        except* LinkError as group:
            why = str(group.exceptions[0])
        return why

    async def _come_up(self) -> None:
        await self._ready.wait()
        await self.settle()
        self._session.link(self.plan.sources, up=True)
        self.is_up.set()

    def _lost(self, why: str) -> None:
        self.is_up.clear()
        self.losses += 1
        self._session.journal.note(f"link {self.plan.number} lost: {why}")
        self._session.link(self.plan.sources, up=False)
        self.on_loss(self._clock())

    def read(self, raw: bytes, received_ns: int) -> Notice | None:
        """Take one frame: into the journal, then to the engine."""
        self._session.journal.frame(Frame(received_ns, self.plan.number, raw))
        count = self._decoder.decode(raw, received_ns, self._rows)
        if count:
            self._session.hear(self._rows[:count])
        return self._decoder.notice

    def on_complaint(self, text: str, received_ns: int) -> None:
        """Keep a complaint; a subscription it concerns is never acknowledged."""
        self._session.journal.note(f"link {self.plan.number} at {received_ns}: {text[:500]}")

    def on_ready(self, received_ns: int) -> None:
        """Every subscription has been acknowledged; the gap is closed next."""
        self._ready.set()


async def _nothing_to_settle() -> None:
    return


def _ignore(*_: object) -> None:
    return
