"""A session on a venue that speaks Hyperliquid: ours on loopback, testnet or mainnet, one path.

    learn the coin -> cancel what is open (F64) -> engine and journal -> links up -> quote
    -> stop asked (time, signal, kill) -> pause -> cancel all -> the venue lists none (F70)
    -> fills and position agree -> numbers -> journal closed

However a session ends, also by an error of ours, the sweep runs: the process does not leave before
the venue has shown that no order of this coin is open, or says so with `UnsafeExitError`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from hypermaker.config import Network
from hypermaker.core.events import Reason
from hypermaker.core.units import NS_PER_S, parse_units
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signer
from hypermaker.shell.clock import Clock
from hypermaker.shell.feed import Feed, account_link, market_link
from hypermaker.shell.journal import JOURNAL_NAME, JournalWriter, make_header, session_folder
from hypermaker.shell.orders_out import OrdersOut, Trader
from hypermaker.shell.reconcile import Reconciler
from hypermaker.shell.session import Session
from hypermaker.shell.startup import (
    AccountValue,
    account_value,
    engine_config,
    find_asset,
    make_run_id,
)
from hypermaker.shell.sweep import open_oids, sweep
from hypermaker.shell.transport import Http, open_session
from hypermaker.shell.warmup import warm_up
from hypermaker.state import EngineConfig
from hypermaker.summary import summarise

TIMER_S = 0.25
SETTLE_S_MAX = 3.0
AGREE_S_MAX = 6.0
LOOK_S = 0.1


class Plan(msgspec.Struct, frozen=True):
    """What a session is to do.

    account   address the signer trades for; empty: the signer's own
    seconds   how long to quote; None: until asked to stop
    wishes    the user's settings of the engine
    where     which file or option the wishes come from
    """

    network: Network
    coin: str
    account: str = ""
    seconds: float | None = None
    wishes: dict[str, Any] = {}
    where: str = "settings"


class Outcome(msgspec.Struct, frozen=True):
    """How a session ended, in numbers.

    position_*                 coin, signed
    max_abs_position, position_limit   coin
    pnl_usd                    by cause; the parts sum to `total`, at the venue's mark
    account_value_change_usd   what the venue says the account gained
    identity_gap_usd           that minus our total; 0 but for rounding when the books agree
    killed                     why the kill switch ended the session; empty when it did not
    """

    seconds: float
    events: int
    orders_placed: int
    orders_cancelled: int
    orders_refused: int
    fills: int
    volume_usd: float
    pnl_usd: dict[str, float]
    position_engine: float
    position_exchange: float
    open_orders_at_exit: int
    requests_used: int
    max_abs_position: float
    position_limit: float
    unknown_outcomes: int
    account_value_change_usd: float
    identity_gap_usd: float
    links_lost: int
    contradictions: int
    killed: str
    session: str

    @property
    def is_clean(self) -> bool:
        """Whether nothing is open and both sides hold the same position."""
        return self.open_orders_at_exit == 0 and self.position_engine == self.position_exchange


class Maker:
    """One session, from connecting to leaving; runs once."""

    def __init__(
        self,
        plan: Plan,
        trader: Trader,
        session: Session,
        *,
        http: Http,
        clock: Clock,
        stop: asyncio.Event,
    ) -> None:
        self.plan, self.trader, self.session = plan, trader, session
        self._http, self._clock, self._stop = http, clock, stop
        self._started_ns = clock()
        asset, address, run_id = trader.asset, trader.address, trader.run_id
        self._out = OrdersOut(
            trader,
            Decoder(asset, address, run_id),
            session.hear,
            journal=session.journal,
            clock=clock,
        )
        session.carry_out = self._out.carry_out
        self._reconciler = Reconciler(
            trader, session, Decoder(asset, address, run_id), http=http, clock=clock
        )
        url = plan.network.ws_url
        links = (
            market_link(url, asset.coin),
            account_link(url, coin=asset.coin, address=address),
        )
        self.market, self.account = (
            Feed(link, session, Decoder(asset, address, run_id), clock=clock, seed=run_id)
            for link in links
        )
        self.account.settle = self._settle
        self.account.on_loss = self._out.on_link_lost
        self.account.on_reply = self._out.on_reply
        self._has_begun = False

    async def run(self, pool: aiohttp.ClientSession) -> None:
        """Quote until asked to stop, then take everything back."""
        async with asyncio.TaskGroup() as tasks:
            self._out.begin(self._http, tasks)
            started = [
                tasks.create_task(self.market.keep(pool)),
                tasks.create_task(self.account.keep(pool)),
                tasks.create_task(self._keep_time()),
                tasks.create_task(self._reconciler.keep()),
                tasks.create_task(self._reconciler.answer(self._out.questions)),
            ]
            await self._until_stopped()
            await self._take_back()
            for task in started:
                task.cancel()

    async def _settle(self) -> None:
        """Close the gap since the account link was last up; the first time is no different."""
        if not self._has_begun:
            await self._reconciler.begin()
            self._has_begun = True
        await self._reconciler.compare()
        await self._reconciler.unsettled()
        self._out.socket = self.account.socket

    async def _keep_time(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self.session.tick()
            self._out.expire(self._clock())
            if self._out.killed is not None:
                self._stop.set()
            due = max(due + TIMER_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _until_stopped(self) -> None:
        try:
            async with asyncio.timeout(self.plan.seconds):
                await self._stop.wait()
        except TimeoutError:
            self.session.journal.note("time is up")

    async def _take_back(self) -> None:
        """Pause, let the engine cancel, and wait until it counts no order as alive."""
        self.session.control(Reason.OPERATOR_PAUSE)
        give_up_ns = self._clock() + int(SETTLE_S_MAX * NS_PER_S)
        while self._clock() < give_up_ns and self.session.live_orders():
            await asyncio.sleep(LOOK_S)

    async def value(self) -> AccountValue:
        """Return what the account is worth now."""
        return await account_value(self._http, self.trader.address, self.trader.asset.coin)

    async def sweep(self) -> None:
        """Show that no order of the coin is open, cancelling what is."""
        await sweep(self._http, self.trader, clock=self._clock)

    async def count_open(self) -> int:
        """Return how many orders of the coin the venue lists."""
        return len(await open_oids(self._http, self.trader))

    async def agree(self) -> AccountValue:
        """Return the account once its position is the engine's, or as it is when time is up."""
        give_up_ns = self._clock() + int(AGREE_S_MAX * NS_PER_S)
        while True:
            await self._reconciler.compare()
            seen = await self.value()
            held = parse_units(seen.position, self.trader.asset.sz_decimals)
            if held == self.session.position_lots or self._clock() > give_up_ns:
                return seen
            await asyncio.sleep(LOOK_S)

    def outcome(self, before: AccountValue, after: AccountValue, *, open_orders: int) -> Outcome:
        """Return the session's numbers, with our profit at the venue's own mark."""
        asset = self.trader.asset
        lot = 10.0**-asset.sz_decimals
        mark_ticks = after.mark_usd * 10**asset.price_decimals if after.mark_usd else None
        told = summarise(self.session.state, mark_ticks)
        change = after.value_usd - before.value_usd
        return Outcome(
            seconds=round((self._clock() - self._started_ns) / NS_PER_S, 3),
            pnl_usd={name: round(usd, 6) for name, usd in told["pnl_usd"].items()},
            position_engine=round(told["position_lots"] * lot, asset.sz_decimals),
            position_exchange=float(after.position),
            open_orders_at_exit=open_orders,
            max_abs_position=round(told["position_lots_max_abs"] * lot, asset.sz_decimals),
            position_limit=round(told["position_limit_lots"] * lot, asset.sz_decimals),
            account_value_change_usd=round(change, 6),
            identity_gap_usd=round(change - told["pnl_usd"]["total"], 6),
            links_lost=self.market.losses + self.account.losses,
            killed="" if self._out.killed is None else self._out.killed.name.lower(),
            session=str(self.session.journal.path),
            **{name: told[name] for name in _TOLD},
        )


_TOLD = (
    "events",
    "orders_placed",
    "orders_cancelled",
    "orders_refused",
    "fills",
    "volume_usd",
    "requests_used",
    "unknown_outcomes",
    "contradictions",
)


async def run_session(
    plan: Plan,
    signer: Signer,
    *,
    clock: Clock,
    stop: asyncio.Event,
    on_begin: Callable[["Maker"], None] | None = None,
) -> Outcome:
    """Run one session from nothing to an account with no open order; return its numbers.

    Parameters
    ----------
    stop      ends the session in good order, whenever it is set
    on_begin  called with the session just before it connects

    Raises
    ------
    ConfigError       the coin does not exist or a wish cannot be
    LinkError         the venue cannot be reached at the start, or its last word cannot be had
    UnsafeExitError   it could not be shown that no order is open
    """
    async with open_session() as pool:
        http = Http(pool, plan.network.base_url)
        asset = await find_asset(http, plan.coin)
        config = await engine_config(http, asset, wishes=plan.wishes, where=plan.where)
        await asyncio.to_thread(warm_up, config)
        trader = Trader(
            asset, (plan.account or signer.address).lower(), make_run_id(), signer, NonceCounter()
        )
        await sweep(http, trader, clock=clock)
        config = msgspec.structs.replace(config, started_ns=clock())
        journal = open_journal(plan, trader, config)
        session = Session(config, journal, clock)
        maker = Maker(plan, trader, session, http=http, clock=clock, stop=stop)
        if on_begin is not None:
            on_begin(maker)
        try:
            return await _quote_and_leave(maker, pool)
        finally:
            journal.close()


async def _quote_and_leave(maker: Maker, pool: aiohttp.ClientSession) -> Outcome:
    before = await maker.value()
    try:
        await maker.run(pool)
    finally:
        await maker.sweep()
    after = await maker.agree()
    return maker.outcome(before, after, open_orders=await maker.count_open())


def open_journal(plan: Plan, trader: Trader, config: EngineConfig) -> JournalWriter:
    """Return the journal of a session that starts now."""
    header = make_header(
        run_id=trader.run_id,
        asset=trader.asset.coin,
        network=plan.network.name,
        account=trader.address,
        started_ns=config.started_ns,
        engine=config,
    )
    folder = session_folder(trader.run_id, config.started_ns)
    return JournalWriter(folder / JOURNAL_NAME, header)
