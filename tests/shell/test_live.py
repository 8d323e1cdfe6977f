"""Sessions against the local exchange over real sockets: however they go, the books agree.

Each test runs an exchange in this process, a TCP proxy that can lose things, and the whole client.
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from hypermaker.config import network_of
from hypermaker.core.units import NS_PER_MS, USD_MICRO
from hypermaker.errors import ConfigError, UnsafeExitError
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signer
from hypermaker.hyperliquid.wire_info import InfoRequest, OpenOrder
from hypermaker.shell import live, orders_out
from hypermaker.shell.clock import steady_clock
from hypermaker.shell.live import Maker, Plan, run_session
from hypermaker.shell.local import fresh_signer
from hypermaker.shell.outcome import Outcome
from hypermaker.shell.serve import start_exchange
from hypermaker.shell.startup import find_asset
from hypermaker.shell.transport import Http, open_session
from hypermaker.shell.warmup import warm_up
from hypermaker.tape.format import read_frames, read_journal
from hypermaker.tape.replay import engine_config, replay
from tests.shell.proxy import Proxy

pytestmark = pytest.mark.timeout(600)  # a cold start compiles the engine first
WAIT_S_MAX = 20.0
CENT = 0.01
CLOCK = steady_clock()


class World:
    """An exchange, a proxy before it, and one session that is running."""

    def __init__(self, url: str, direct_url: str, proxy: Proxy, signer: Signer) -> None:
        self.url, self.direct_url, self.proxy, self.signer = url, direct_url, proxy, signer
        self.stop = asyncio.Event()
        self.makers: list[Maker] = []

    async def run(self, coin: str = "BTC", seconds: float | None = None) -> Outcome:
        """Run a session to its end."""
        plan = Plan(network_of("local", self.url), coin, seconds=seconds)
        return await run_session(
            plan, self.signer, clock=CLOCK, stop=self.stop, on_begin=self.makers.append
        )

    @property
    def maker(self) -> Maker:
        """The session, once it has begun."""
        return self.makers[-1]

    def resting(self) -> int:
        """Return how many orders the engine believes open."""
        return sum(o.life.name == "OPEN" for o in self.maker.session.live_orders())

    async def open_orders(self) -> list[OpenOrder]:
        """Return the account's open orders as the exchange has them, not through the proxy."""
        async with open_session() as pool:
            request = InfoRequest("openOrders", user=self.signer.address)
            raw = await Http(pool, self.direct_url).info(request)
        return msgspec.json.decode(raw, type=list[OpenOrder])

    async def place_by_hand(self, price_ticks: int) -> None:
        """Place an order with the same key, as another program would."""
        async with open_session() as pool:
            http = Http(pool, self.direct_url)
            asset = await find_asset(http, "BTC")
            order = encode.order(asset, 1, price_ticks=price_ticks, size_lots=100, tif="Alo")
            nonce = NonceCounter().next(CLOCK() // NS_PER_MS)
            await http.exchange(
                encode.signed_request(self.signer, encode.place_action([order]), nonce)
            )


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def world(seed: int = 3) -> AsyncIterator[World]:
    """Run an exchange with one funded account behind a proxy."""
    signer = fresh_signer()
    funded = ((signer.address, 10_000 * USD_MICRO),)
    config = ExchangeConfig(seed=seed, assets=("BTC",), funded=funded)
    running = await start_exchange(config, clock=CLOCK)
    proxy = Proxy(running.port)
    try:
        yield World(await proxy.start(), running.url, proxy, signer)
    finally:
        await proxy.stop()
        await running.stop()


def play(story: Callable[[World], Awaitable[None]], seed: int = 3) -> None:
    """Run one story against a fresh world."""

    async def scenario() -> None:
        async with asyncio.timeout(3 * WAIT_S_MAX), world(seed) as made:
            await story(made)

    asyncio.run(scenario())


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The engine is compiled before any socket opens, as the commands do."""
    warm_up()


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Journals go to a folder of the test."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERMAKER_HOME", str(folder))
        yield folder


def assert_in_order(outcome: Outcome) -> None:
    """Nothing is open, both sides hold the same, and the profit adds up to the cent."""
    assert outcome.is_clean, outcome
    assert abs(outcome.identity_gap_usd) < CENT, outcome
    parts = [usd for name, usd in outcome.pnl_usd.items() if name != "total"]
    assert abs(sum(parts) - outcome.pnl_usd["total"]) < 1e-5
    assert outcome.max_abs_position <= outcome.position_limit
    assert outcome.contradictions == 0


def test_a_session_quotes_and_leaves_nothing_behind(home: Path) -> None:
    """I10, I12, F70: and its journal replays to the same bytes, readable by its owner alone."""

    async def story(made: World) -> None:
        running = asyncio.create_task(made.run())
        await until(lambda: bool(made.makers) and made.resting() >= 4)
        assert len(await made.open_orders()) >= 1
        made.stop.set()
        outcome = await running
        assert_in_order(outcome)
        assert outcome.orders_placed >= 4
        assert outcome.unknown_outcomes == 0
        assert outcome.killed == ""
        assert await made.open_orders() == []
        path = Path(outcome.session)
        assert path.is_relative_to(home)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        journal = read_journal(path)
        assert journal.torn == 0
        assert len(journal.events) >= outcome.events
        assert replay(journal, engine_config(journal, path)) is None
        channels = {frame.raw[:20] for frame in read_frames(path)}
        assert any(b"bbo" in start for start in channels)

    play(story)


def test_a_dropped_connection_is_picked_up_where_it_was(home: Path) -> None:
    """F1, F7, I13: quoting again after every socket was cut at once, with nothing lost."""

    async def story(made: World) -> None:
        running = asyncio.create_task(made.run())
        await until(lambda: bool(made.makers) and made.resting() >= 4)
        made.proxy.drop()
        await until(lambda: not made.maker.account.is_up.is_set())
        await until(lambda: made.maker.account.is_up.is_set() and made.maker.market.is_up.is_set())
        placed = int(made.maker.session.state[0]["table"]["placed"])
        await until(lambda: int(made.maker.session.state[0]["table"]["placed"]) > placed)
        await until(lambda: made.resting() >= 2)
        made.stop.set()
        outcome = await running
        assert_in_order(outcome)
        assert outcome.links_lost >= 2
        assert await made.open_orders() == []

    play(story)


def test_lost_replies_end_by_evidence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F15, F16, I4: orders that ran, or did not, behind a wall of silence; none is lost."""
    monkeypatch.setattr(orders_out, "REPLY_NS_MAX", 300 * NS_PER_MS)

    async def story(made: World) -> None:
        running = asyncio.create_task(made.run())
        await until(lambda: bool(made.makers) and made.resting() >= 2)
        state = made.maker.session.state
        made.proxy.is_deaf = True
        await until(lambda: int(state[0]["table"]["unknown_outcomes"]) > 0)
        made.proxy.is_deaf = False
        made.proxy.drop()
        await until(lambda: made.maker.account.is_up.is_set() and made.maker.market.is_up.is_set())
        await until(lambda: made.resting() >= 2)
        made.stop.set()
        outcome = await running
        assert_in_order(outcome)
        assert outcome.unknown_outcomes > 0
        assert await made.open_orders() == []

    play(story)


def test_orders_of_an_earlier_life_are_gone_before_the_first_quote(home: Path) -> None:
    """F64, F61: what a killed process left is cancelled first."""

    async def story(made: World) -> None:
        for price_ticks in (500_000, 510_000):
            await made.place_by_hand(price_ticks)
        left = {order.oid for order in await made.open_orders()}
        assert len(left) == 2
        running = asyncio.create_task(made.run())
        await until(lambda: bool(made.makers))
        assert not left & {order.oid for order in await made.open_orders()}
        made.stop.set()
        assert_in_order(await running)

    play(story)


def test_an_order_nobody_here_placed_is_cancelled(home: Path) -> None:
    """I2: a stranger on our account does not stay."""

    async def story(made: World) -> None:
        running = asyncio.create_task(made.run())
        await until(lambda: bool(made.makers) and made.resting() >= 2)
        await made.place_by_hand(500_000)
        table = made.maker.session.state[0]["table"]
        await until(lambda: int(table["strangers"]) >= 1)
        async with asyncio.timeout(WAIT_S_MAX):
            while any(order.limit_px == "50000" for order in await made.open_orders()):
                await asyncio.sleep(0.05)
        made.stop.set()
        assert_in_order(await running)

    play(story)


def test_leaving_a_venue_that_is_gone_is_said_loudly(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14, F70: no exit that looks clean while orders may be open."""
    monkeypatch.setattr(live, "END_ROUNDS", 2)
    monkeypatch.setattr(live, "SETTLE_S_MAX", 0.2)

    async def story(made: World) -> None:
        running = asyncio.create_task(made.run())
        await until(lambda: bool(made.makers) and made.resting() >= 2)
        await made.proxy.stop()
        made.stop.set()
        with pytest.raises(UnsafeExitError):
            await running

    play(story)


def test_a_stop_before_the_first_quote_is_obeyed(home: Path) -> None:
    """F70: SIGTERM during start."""

    async def story(made: World) -> None:
        made.stop.set()
        outcome = await made.run()
        assert_in_order(outcome)
        assert outcome.orders_placed == 0

    play(story)


def test_an_unknown_coin_is_refused_before_anything_is_subscribed(home: Path) -> None:
    """X: the venue closes the socket on an unknown coin without a word."""

    async def story(made: World) -> None:
        with pytest.raises(ConfigError, match="BTC"):
            await made.run(coin="BTCC")
        assert not made.makers

    play(story)
