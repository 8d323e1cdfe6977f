"""A whole session against the local exchange in virtual time: an hour of silence takes a second.

Everything of ours is the real thing: the session, the links, signatures, the exchange. What is
replaced is below us: the event loop's clock jumps to the next timer instead of waiting, and the
HTTP library hands bytes to the exchange instead of to a socket. So nothing sleeps, nothing races,
and the same story gives the same bytes.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from hypermaker.config import network_of
from hypermaker.core.units import NS_PER_MS, NS_PER_S, USD_MICRO
from hypermaker.exchange.config import ExchangeConfig, LimitConfig
from hypermaker.exchange.presets import PRESETS
from hypermaker.exchange.venue import Answered, Exchange
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signer
from hypermaker.hyperliquid.wire_exchange import Action, Tif
from hypermaker.shell import live
from hypermaker.shell.live import Maker, Plan, run_session
from hypermaker.shell.outcome import Outcome

START_NS = 1_790_000_000 * NS_PER_S + 10 * 3_600 * NS_PER_S
URL = "http://127.0.0.1:1"
BTC = Asset("BTC", 0, 5, 40)
OWNER, CAROL = Signer(bytes([7]) * 32, mainnet=False), Signer(bytes([8]) * 32, mainnet=False)
DEPOSIT_USD = 10_000
WAIT_S_MAX = 400.0
RUN_ID = 77


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: when nothing is ready, the next timer is due."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual_s = 0.0

    def time(self) -> float:
        return self.virtual_s

    def now_ns(self) -> int:
        """Return the time every part of the world agrees on."""
        return START_NS + round(self.virtual_s * NS_PER_S)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Run at once: a thread would take real time."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def _run_once(self) -> None:
        scheduled: list[Any] = self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(scheduled)._scheduled = False
        if scheduled and not self._ready:  # type: ignore[attr-defined]
            self.virtual_s = max(self.virtual_s, scheduled[0]._when)
        super()._run_once()  # type: ignore[misc]


class Connection:
    """One WebSocket, as aiohttp would show it."""

    def __init__(self, wire: "Wire", name: int) -> None:
        self.name, self.is_account = name, False
        self.frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._wire = wire

    async def receive(self) -> aiohttp.WSMessage:
        raw = await self.frames.get()
        kind = aiohttp.WSMsgType.CLOSED if raw is None else aiohttp.WSMsgType.TEXT
        return aiohttp.WSMessage(kind, raw, None)

    async def send_frame(self, raw: bytes, kind: aiohttp.WSMsgType) -> None:
        self.is_account = self.is_account or b'"orderUpdates"' in raw
        self._wire.exchange.receive(self.name, raw, self._wire.now_ns())
        self._wire.flush()

    async def close(self) -> None:
        self._wire.connections.pop(self.name, None)
        self._wire.exchange.disconnect(self.name, self._wire.now_ns())


class Response:
    """One HTTP answer, as aiohttp would show it."""

    def __init__(self, wire: "Wire", path: str, body: bytes) -> None:
        self.status = 0
        self._wire, self._path, self._body = wire, path, body

    async def __aenter__(self) -> "Response":
        if self._wire.is_http_down:
            raise aiohttp.ClientConnectionError("nobody answers")
        if self._path.endswith("/info"):
            reply = self._wire.exchange.info(self._body, self._wire.now_ns())
        else:
            self._wire.posted.append(msgspec.json.decode(self._body)["action"]["type"])
            reply = await self._wire.submit(self._body)
        self.status, self._answer = reply.status, self._wire.tamper_http(self._body, reply.body)
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def read(self) -> bytes:
        return self._answer


class Wire:
    """What stands where aiohttp's session would, with everything a network can do wrong.

    is_market_mute, is_account_mute   frames of that link are swallowed, what we send arrives
    is_http_down                      no request is answered
    tamper, tamper_http               change what arrives; the identity unless a story sets them
    posted                            types of the actions that came over HTTP
    """

    def __init__(self, exchange: Exchange, now_ns: Callable[[], int]) -> None:
        self.exchange, self.now_ns = exchange, now_ns
        self.connections: dict[int, Connection] = {}
        self.is_market_mute = self.is_account_mute = self.is_http_down = False
        self.tamper: Callable[[bytes], bytes | None] = lambda frame: frame
        self.tamper_http: Callable[[bytes, bytes], bytes] = lambda asked, answer: answer
        self.posted: list[str] = []
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def ws_connect(self, url: str, **_: Any) -> Connection:
        made = Connection(self, self.exchange.connect(self.now_ns()))
        self.connections[made.name] = made
        return made

    def post(self, url: str, *, data: bytes, **_: Any) -> Response:
        return Response(self, url, data)

    async def submit(self, body: bytes) -> Any:
        """Hand over a signed action and wait for its block."""
        ticket = self.exchange.submit(body, self.now_ns())
        self._waiting[ticket] = asyncio.get_running_loop().create_future()
        self.flush()
        return await self._waiting[ticket]

    def flush(self) -> None:
        """Carry out everything the exchange has to say by now."""
        for out in self.exchange.advance(self.now_ns()):
            if isinstance(out, Answered):
                self._waiting.pop(out.ticket).set_result(out.reply)
                continue
            to = self.connections.get(out.session)
            if to is None or (self.is_account_mute if to.is_account else self.is_market_mute):
                continue
            frame = None if out.frame is None else self.tamper(out.frame)
            if frame is not None or out.frame is None:
                to.frames.put_nowait(frame)

    async def pump(self) -> None:
        """Let the exchange's time follow the loop's."""
        while True:
            self.flush()
            await asyncio.sleep(max((self.exchange.next_ns - self.now_ns()) / NS_PER_S, 0.001))


class World:
    """An exchange, what people do on it, and one session of ours."""

    def __init__(self, wire: Wire, loop: VirtualLoop) -> None:
        self.wire, self.exchange, self.clock = wire, wire.exchange, loop.now_ns
        self.stop = asyncio.Event()
        self.makers: list[Maker] = []
        self.said: list[str] = []
        self._nonces = {who.address: NonceCounter() for who in (OWNER, CAROL)}

    async def run(self, **plan: Any) -> Outcome:
        """Run a session to its end."""
        made = Plan(network_of("local", URL), "BTC", **plan)
        return await run_session(
            made,
            OWNER,
            clock=self.clock,
            stop=self.stop,
            on_begin=self.makers.append,
            say=self.said.append,
        )

    @property
    def maker(self) -> Maker:
        """The session, once it has begun."""
        return self.makers[-1]

    @property
    def state(self) -> Any:
        """The engine's record."""
        return self.maker.session.state[0]

    def resting(self) -> int:
        """Return how many orders the engine believes open."""
        return sum(o.life.name == "OPEN" for o in self.maker.session.live_orders())

    def open_oids(self) -> list[int]:
        """Return the open orders of our account on the coin, as the exchange has them."""
        account = self.exchange.state.accounts.of(OWNER.address)
        return [o.oid for o in account.open_orders.values() if o.asset == BTC.asset_id]

    def held(self) -> int:
        """Return our position as the exchange has it, in lots."""
        return int(self.exchange.state.accounts.of(OWNER.address).position_lots(BTC.asset_id))

    @property
    def mid_ticks(self) -> float:
        """The middle of the exchange's book."""
        bid, ask = self.exchange.state.by_name["BTC"].book.touch()
        return float(bid + ask) / 2.0

    def move(self, share: float) -> None:
        """Let the price the whole world believes in move by a share of itself."""
        crowd: Any = self.exchange.crowds[BTC.asset_id]
        crowd.fundamental.price_ticks *= 1.0 + share

    async def act(self, who: Signer, action: Action) -> Any:
        """Send an action as another program would; return the answer."""
        nonce = self._nonces[who.address].next(self.clock() // NS_PER_MS)
        reply = await self.wire.submit(encode.signed_request(who, action, nonce))
        return msgspec.json.decode(reply.body)

    async def order(
        self, who: Signer, side: int, *, usd: float, at: float = 0.01, tif: Tif = "Ioc"
    ) -> Any:
        """Place an order worth so much, `at` beyond the mid in its own direction."""
        ticks = on_grid(self.mid_ticks * (1.0 + side * at))
        lots = round(usd * USD_MICRO / ticks)
        made = encode.order(BTC, side, price_ticks=ticks, size_lots=lots, tif=tif)
        return await self.act(who, encode.place_action([made]))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as the condition holds; fail when it does not in time."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not condition():
                await asyncio.sleep(0.05)

    async def quoting(self, orders: int = 4) -> None:
        """Return once the session has orders on the book."""
        await self.until(lambda: bool(self.makers) and self.resting() >= orders)


def on_grid(ticks: float) -> int:
    """Return a price on the venue's grid: five significant figures."""
    return round(ticks / 10) * 10


Story = Callable[[World], Awaitable[None]]


@asynccontextmanager
async def world(config: ExchangeConfig, loop: VirtualLoop) -> AsyncIterator[World]:
    """Run an exchange on the loop's time."""
    exchange = Exchange(msgspec.structs.replace(config, start_ns=loop.now_ns()))
    wire = Wire(exchange, loop.now_ns)
    pumping = asyncio.create_task(wire.pump())

    @asynccontextmanager
    async def pool() -> AsyncIterator[Wire]:
        yield wire

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "open_session", pool)
        patch.setattr(live, "make_run_id", lambda: RUN_ID)
        try:
            yield World(wire, loop)
        finally:
            pumping.cancel()


def play(story: Story, home: Path, *, limits: LimitConfig | None = None) -> None:
    """Run one story in a fresh world; journals and state files go to `home`.

    Makers quote around a price that only `World.move` moves, and nobody takes but by the story.
    """
    funded = tuple((who.address, DEPOSIT_USD * USD_MICRO) for who in (OWNER, CAROL))
    config = ExchangeConfig(
        assets=("BTC",),
        funded=funded,
        flow=PRESETS["still"],
        limits=limits or LimitConfig(),
    )
    loop = VirtualLoop()

    async def scenario() -> None:
        async with world(config, loop) as made:
            await story(made)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERMAKER_HOME", str(home))
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(scenario())
