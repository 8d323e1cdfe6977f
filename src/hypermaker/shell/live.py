"""A session on a venue that speaks Hyperliquid: ours on loopback, testnet or mainnet, one path.

    lock (F65) -> latch open? -> learn the coin -> cancel what is open (F64) -> read the position
    -> engine and journal -> links up -> quote -> stop asked (time, signal) -> pause -> cancel all
    -> the venue lists none (F70) -> fills and position agree -> numbers -> journal closed

    kill -> remembered on disk -> pause -> cancel all -> the venue lists none -> hold, or unwind
    passively or by IOC -> cancel all -> the same end

However a session ends, also by an error of ours, the sweep runs: the process does not leave before
the venue has shown that no order of this coin is open, or says so with `UnsafeExitError`.
"""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import aiohttp
import msgspec

from hypermaker.config import KillPolicy, Network
from hypermaker.core.events import Reason
from hypermaker.core.units import NS_PER_S, parse_units
from hypermaker.errors import UnsafeExitError
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signer
from hypermaker.risk.kept import kept_of
from hypermaker.risk.kill_switch import KillReason
from hypermaker.shell.clock import Clock
from hypermaker.shell.feed import Feed, account_link, market_link
from hypermaker.shell.journal import JOURNAL_NAME, JournalWriter, make_header, session_folder
from hypermaker.shell.memory import (
    NONCE_MARGIN_MS,
    Memory,
    claimed,
    load,
    refuse_latched,
    save,
)
from hypermaker.shell.orders_out import OrdersOut, Trader
from hypermaker.shell.outcome import Outcome, engine_figures
from hypermaker.shell.reconcile import Reconciler
from hypermaker.shell.session import Session
from hypermaker.shell.startup import (
    AccountValue,
    account_value,
    engine_config,
    find_asset,
    make_run_id,
)
from hypermaker.shell.sweep import END_ROUNDS, START_ROUNDS, open_oids, sweep
from hypermaker.shell.transport import Http, open_session
from hypermaker.shell.unwind import unwind
from hypermaker.shell.voice import Say, Voice, to_stderr
from hypermaker.shell.warmup import warm_up
from hypermaker.state import EngineConfig

TIMER_S = 0.25
SETTLE_S_MAX = 3.0
AGREE_S_MAX = 6.0
LOOK_S = 0.1
REMEMBER_S = 5.0


class Plan(msgspec.Struct, frozen=True):
    """What a session is to do.

    account   address the signer trades for; empty: the signer's own
    seconds   how long to quote; None: until asked to stop
    wishes    the user's settings of the engine
    where     which file or option the wishes come from
    on_kill   what becomes of the position when the kill switch fires
    is_dry    watch and decide, but send nothing that changes anything
    """

    network: Network
    coin: str
    account: str = ""
    seconds: float | None = None
    wishes: dict[str, Any] = {}
    where: str = "settings"
    on_kill: KillPolicy = KillPolicy()
    is_dry: bool = False


class Maker:
    """One session, from connecting to leaving; runs once."""

    def __init__(
        self,
        plan: Plan,
        trader: Trader,
        session: Session,
        *,
        http: Http,
        voice: Voice,
        stop: asyncio.Event,
    ) -> None:
        self.plan, self.trader, self.session, self.voice = plan, trader, session, voice
        self._http, self._stop = http, stop
        self._clock = clock = session.clock
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
        if plan.is_dry:
            self._out.tell_dry = lambda text: voice.warn(text.split()[1], f"dry run: {text}")
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
                tasks.create_task(self._keep_memory()),
                tasks.create_task(self._reconciler.keep()),
                tasks.create_task(self._reconciler.answer(self._out.questions)),
            ]
            await self._until_stopped()
            await self._take_back()
            if self.killed is not None:
                await self._end_killed(self.killed)
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
            self.voice.watch(self.session.state)
            for name, feed in (("market", self.market), ("account", self.account)):
                if feed.is_up.is_set() or feed.losses:
                    up = "up" if feed.is_up.is_set() else "down"
                    self.voice.changed(name, up, f"{name} link {up}")
            if self.killed is not None:
                self._stop.set()
            due = max(due + TIMER_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _keep_memory(self) -> None:
        """Keep the day's figures and the nonce on disk, off the loop, a few seconds old at most."""
        while True:
            await asyncio.sleep(REMEMBER_S)
            await asyncio.to_thread(self._save, self._memory())

    def remember(self) -> None:
        """Put the latch, the day's figures and the last nonce on disk, now."""
        self._save(self._memory())

    def _memory(self) -> Memory:
        kept = kept_of(self.session.state[0].kill_switch)
        trader, network = self.trader, self.plan.network.name
        return Memory(network, trader.address, self.plan.coin, kept, trader.nonces.last)

    def _save(self, memory: Memory) -> None:
        if self.plan.is_dry:
            return
        try:
            save(memory)
        except OSError as error:
            raise UnsafeExitError(f"{memory.path} cannot be written: {error.strerror}") from error

    @property
    def killed(self) -> KillReason | None:
        """Why the kill switch fired; None while it has not."""
        return self._out.killed

    def kill(self) -> None:
        """Stop for good, by the operator's order."""
        self.session.control(Reason.OPERATOR_KILL)

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

    async def _end_killed(self, reason: KillReason) -> None:
        """Bring the account to the end the user chose; the venue says that nothing rests first.

        The engine is paused, so nothing is placed between the cancels and the venue's word.
        """
        kept, coin = kept_of(self.session.state[0].kill_switch), self.trader.asset.coin
        self.voice.tell(
            f"KILLED by {reason.name.lower()}: {kept.killed_value} is beyond {kept.killed_limit}; "
            f"cancelling every order of {coin}"
        )
        self.remember()
        await self.sweep()
        policy = self.plan.on_kill
        self.voice.tell(f"the venue lists no open order of {coin}; position: {policy.then}")
        if policy.then == "passive":
            await self._unwind_passively(policy.seconds)
        elif policy.then == "ioc":
            await unwind(self._http, self.trader, policy, clock=self._clock)

    async def _unwind_passively(self, seconds: float) -> None:
        """Let the engine quote what reduces, and nothing else, until flat or out of time."""
        self.session.control(Reason.OPERATOR_RESUME)
        give_up_ns = self._clock() + int(seconds * NS_PER_S)
        while self._clock() < give_up_ns and self.session.position_lots:
            await asyncio.sleep(LOOK_S)
        await self._take_back()

    async def value(self) -> AccountValue:
        """Return what the account is worth now."""
        return await account_value(self._http, self.trader.address, self.trader.asset.coin)

    async def sweep(self) -> None:
        """Show that no order of the coin is open, cancelling what is."""
        if not self.plan.is_dry:
            await sweep(self._http, self.trader, clock=self._clock, rounds=END_ROUNDS)

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

    async def ended(self, before: AccountValue) -> Outcome:
        """Return the session's numbers once both sides agree, or as they are when time is up."""
        after = await self.agree()
        then = "flat" if float(after.position) == 0.0 else "not flat"
        hold = self.killed is None or self.plan.on_kill.then == "hold"
        asset = self.trader.asset
        return Outcome(
            seconds=round((self._clock() - self._started_ns) / NS_PER_S, 3),
            open_orders_at_exit=len(await open_oids(self._http, self.trader)),
            links_lost=self.market.losses + self.account.losses,
            session=str(self.session.journal.path),
            end="kept" if hold else then,
            is_dry=self.plan.is_dry,
            **engine_figures(self.session.state, asset, before, after),
        )


async def run_session(
    plan: Plan,
    signer: Signer,
    *,
    clock: Clock,
    stop: asyncio.Event,
    on_begin: Callable[["Maker"], None] | None = None,
    say: Say = to_stderr,
) -> Outcome:
    """Run one session from nothing to an account with no open order; return its numbers.

    Parameters
    ----------
    stop      ends the session in good order, whenever it is set
    on_begin  called with the session just before it connects
    say       takes what a person should know meanwhile, a line at a time

    Raises
    ------
    ConfigError       the coin does not exist, a wish cannot be, or another process trades it
    LatchedError      the kill switch has fired in an earlier session
    LinkError         the venue cannot be reached at the start, or its last word cannot be had
    UnsafeExitError   it could not be shown that no order is open, or the journal has holes
    """
    address = (plan.account or signer.address).lower()
    blank = Memory(plan.network.name, address, plan.coin)
    with nullcontext() if plan.is_dry else claimed(blank):
        memory = load(blank)
        refuse_latched(memory)
        async with open_session() as pool:
            http = Http(pool, plan.network.base_url)
            asset = await find_asset(http, plan.coin)
            wishes = _with_policy(plan)
            config = await engine_config(http, asset, wishes=wishes, where=plan.where)
            await asyncio.to_thread(warm_up, config)
            nonces = NonceCounter(memory.last_nonce + NONCE_MARGIN_MS if memory.last_nonce else 0)
            trader = Trader(asset, address, make_run_id(), signer, nonces)
            if not plan.is_dry:
                await sweep(http, trader, clock=clock, rounds=START_ROUNDS)
            config = msgspec.structs.replace(config, started_ns=clock(), kept=memory.kept)
            journal = open_journal(plan, trader, config)
            voice = Voice(say, journal, clock)
            maker = Maker(
                plan, trader, Session(config, journal, clock), http=http, voice=voice, stop=stop
            )
            if on_begin is not None:
                on_begin(maker)
            try:
                return await _quote_and_leave(maker, pool)
            finally:
                journal.close()


def _with_policy(plan: Plan) -> dict[str, Any]:
    """Return the wishes, with the engine told when it is to go on reducing after a kill."""
    if plan.on_kill.then != "passive":
        return plan.wishes
    risk = {**plan.wishes.get("risk", {}), "unwind_passively": 1.0}
    return {**plan.wishes, "risk": risk}


async def _quote_and_leave(maker: Maker, pool: aiohttp.ClientSession) -> Outcome:
    before = await maker.value()
    failure: UnsafeExitError | None = None
    try:
        await maker.run(pool)
    except BaseExceptionGroup as group:
        failure = _unsafe(group)
        if failure is None:
            raise
    finally:
        await maker.sweep()
    if failure is not None:
        coin = maker.trader.asset.coin
        raise UnsafeExitError(f"{failure}; the venue lists no open order of {coin}") from failure
    outcome = await maker.ended(before)
    maker.remember()
    return outcome


def _unsafe(group: BaseException) -> UnsafeExitError | None:
    """Return the first error in a group, at any depth, that says we have to leave."""
    if isinstance(group, BaseExceptionGroup):
        found = (_unsafe(one) for one in group.exceptions)
        return next((one for one in found if one is not None), None)
    return group if isinstance(group, UnsafeExitError) else None


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
