"""After the latch: every order gone, the position as the user chose, and the venue says so."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hypermaker.config import KillPolicy
from hypermaker.hyperliquid import encode
from hypermaker.risk.kill_switch import KillReason
from hypermaker.shell import orders_out
from hypermaker.shell.outcome import Outcome
from hypermaker.shell.startup import AccountValue
from hypermaker.shell.unwind import closing_order
from hypermaker.shell.warmup import warm_up
from hypermaker.tape.format import read_journal
from hypermaker.tape.replay import engine_config, replay
from tests.shell.virtual import BTC, CAROL, OWNER, World, on_grid, play

pytestmark = pytest.mark.timeout(600)  # a cold start compiles the engine first
WISHES = {"position_limit_usd": 8_000.0}


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The engine is compiled before any time runs."""
    warm_up()


async def killed_long(world: World, policy: KillPolicy, **plan: Any) -> "asyncio.Task[Outcome]":
    """Start a session, sell to it, and let the operator stop it while it is long."""
    running = asyncio.create_task(world.run(wishes=WISHES, on_kill=policy, **plan))
    await world.quoting()
    await world.order(CAROL, -1, usd=3_000.0, at=0.002)
    await world.until(lambda: world.maker.session.position_lots > 0)
    world.maker.kill()
    return running


def test_hold_keeps_the_position_and_places_nothing_more(tmp_path: Path) -> None:
    """T-60: what was held at the kill is held at the end, and no order is placed after it."""

    async def story(world: World) -> None:
        running = await killed_long(world, KillPolicy())
        held, placed = world.held(), int(world.state.table.placed)
        outcome = await running
        assert (outcome.killed, outcome.end) == ("manual", "kept")
        assert held > 0 and world.held() == held
        assert int(world.state.table.placed) == placed
        assert world.open_oids() == []
        assert outcome.is_clean

    play(story, tmp_path)


def test_orders_the_session_never_heard_of_are_cancelled_too(tmp_path: Path) -> None:
    """T-60, I2: the account link is silent: the engine cannot know what another program does."""

    async def story(world: World) -> None:
        running = asyncio.create_task(world.run())
        await world.quoting()
        world.wire.is_account_mute = True
        far = on_grid(world.mid_ticks * 0.8)
        order = encode.order(BTC, 1, price_ticks=far, size_lots=1_000)
        reply = await world.act(OWNER, encode.place_action([order]))
        oid = reply["response"]["data"]["statuses"][0]["resting"]["oid"]
        assert oid in world.open_oids()
        world.maker.kill()
        outcome = await running
        assert outcome.killed == "manual"
        assert world.open_oids() == []

    play(story, tmp_path)


def test_ioc_takes_the_book_until_flat(tmp_path: Path) -> None:
    """T-60: reduce-only IOC orders, each alone, end the position; the books agree."""

    async def story(world: World) -> None:
        running = await killed_long(world, KillPolicy(then="ioc", band_bps=100.0))
        before = list(world.wire.posted)
        outcome = await running
        assert (outcome.killed, outcome.end) == ("manual", "flat")
        assert world.held() == 0
        assert outcome.position_engine == outcome.position_exchange == 0.0
        assert "order" in world.wire.posted[len(before) :]
        assert abs(outcome.identity_gap_usd) < 0.01
        path = Path(outcome.session)
        journal = read_journal(path)
        assert replay(journal, engine_config(journal, path)) is None

    play(story, tmp_path)


def test_ioc_does_not_leave_its_band(tmp_path: Path) -> None:
    """T-60: when nobody buys inside the band the position stays, and that is what is said."""

    async def story(world: World) -> None:
        policy = KillPolicy(then="ioc", band_bps=1.0, seconds=5.0)
        running = await killed_long(world, policy)
        held = world.held()
        outcome = await running
        assert outcome.end == "not flat"
        assert world.held() == held > 0
        assert world.open_oids() == []
        assert outcome.seconds < 30.0

    play(story, tmp_path)


def test_passive_unwinding_quotes_only_what_reduces(tmp_path: Path) -> None:
    """T-60: after the kill asks only, reduce-only; somebody takes them, and then it is over."""

    async def story(world: World) -> None:
        running = await killed_long(world, KillPolicy(then="passive", seconds=60.0))
        account = world.exchange.state.accounts.of(OWNER.address)
        first = int(world.state.table.next_seq)
        await world.until(lambda: int(world.state.table.next_seq) > first and world.resting() > 0)
        resting = list(account.open_orders.values())
        assert resting
        assert all(order.side < 0 and order.reduce_only for order in resting)
        while world.held() > 0:
            await world.order(CAROL, 1, usd=8_000.0, at=0.003)
            await asyncio.sleep(1.0)
        outcome = await running
        assert (outcome.killed, outcome.end) == ("manual", "flat")
        assert world.open_oids() == []
        assert outcome.is_clean

    play(story, tmp_path)


def test_passive_unwinding_gives_up_in_time(tmp_path: Path) -> None:
    """Nobody takes our quotes: they are taken back, and the end says that we are not flat."""

    async def story(world: World) -> None:
        running = await killed_long(world, KillPolicy(then="passive", seconds=10.0))
        outcome = await running
        assert outcome.end == "not flat"
        assert world.open_oids() == []

    play(story, tmp_path)


@pytest.mark.parametrize(("position", "side"), [("0.05", -1), ("-0.05", 1)])
def test_the_closing_order_stands_at_the_edge_of_the_band(position: str, side: int) -> None:
    """Reduce-only, IOC, the whole position, and rounded into the band, never out of it."""
    trader = orders_out.Trader(BTC, OWNER.address, 1, OWNER, None)  # type: ignore[arg-type]
    seen = AccountValue(10_000.0, position, 84_987.0)
    order = closing_order(trader, seen, band_bps=25.0, mark_usd=84_987.0)
    edge = 84_987.0 * (1.0 + side * 0.0025)
    assert (order.b, order.r, order.s) == (side > 0, True, "0.05")
    assert order.t.limit is not None and order.t.limit.tif == "Ioc"
    assert side * (edge - float(order.p)) >= 0.0
    assert abs(float(order.p) - edge) < 11.0  # one step of five significant figures


def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss(tmp_path: Path) -> None:
    """`on_transfer` from the venue's ledger: half the equity leaves, and nothing fires.

    The local exchange has no withdrawals: the money is taken and the venue's frame is made by hand.
    """

    async def story(world: World) -> None:
        risk = {"drawdown_max": 0.05, "loss_usd_max": 100.0}
        wishes = {"risk": risk}
        running = asyncio.create_task(world.run(wishes=wishes, seconds=40.0))
        await world.quoting()
        world.exchange.state.accounts.of(OWNER.address).cash_usd_micro -= 5_000_000_000
        line = {"time": world.clock() // 1_000_000, "hash": "0x", "delta": WITHDRAWAL}
        data = {"user": OWNER.address, "nonFundingLedgerUpdates": [line]}
        frame = {"channel": "userNonFundingLedgerUpdates", "data": data}
        for connection in world.wire.connections.values():
            if connection.is_account:
                for _ in range(2):  # a list comes again with every connection, and counts once
                    connection.frames.put_nowait(msgspec.json.encode(frame))
        outcome = await running
        assert outcome.killed == ""
        assert outcome.transfers_usd == -5_000.0
        assert abs(outcome.identity_gap_usd) < 0.01
        assert world.state.kill_switch.day_equity_usd == pytest.approx(5_000.0)

    play(story, tmp_path)


WITHDRAWAL = {"type": "withdraw", "usdc": "5000.0", "nonce": 1, "fee": "0.0"}


def test_the_same_money_leaving_untold_is_a_loss(tmp_path: Path) -> None:
    """The test above without the venue's word fires: so it is the word that keeps it calm."""

    async def story(world: World) -> None:
        wishes = {"risk": {"drawdown_max": 0.05, "loss_usd_max": 100.0}}
        running = asyncio.create_task(world.run(wishes=wishes, seconds=40.0))
        await world.quoting()
        world.exchange.state.accounts.of(OWNER.address).cash_usd_micro -= 5_000_000_000
        assert (await running).killed == KillReason.LOSS.name.lower()

    play(story, tmp_path)
