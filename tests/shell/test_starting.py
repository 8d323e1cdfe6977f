"""Before the first quote: one session a coin, a clean book, the position as the venue has it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hypermaker.core.events import Kind
from hypermaker.errors import ConfigError, LatchedError, UnsafeExitError
from hypermaker.hyperliquid import encode
from hypermaker.risk.kept import Kept
from hypermaker.risk.kill_switch import DAY_NS, KillReason
from hypermaker.shell.memory import Memory, claimed, load, save
from hypermaker.shell.warmup import warm_up
from hypermaker.tape.format import read_journal
from hypermaker.tape.replay import engine_config, replay
from tests.shell.virtual import BTC, CAROL, OWNER, World, on_grid, play

pytestmark = pytest.mark.timeout(600)  # a cold start compiles the engine first
MINE = Memory("local", OWNER.address, "BTC")


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The engine is compiled before any time runs."""
    warm_up()


async def leave_orders(world: World, count: int, asset_id: int = 0) -> None:
    """Leave orders on the book as a killed process would."""
    market = world.exchange.state.markets[asset_id]
    ticks = on_grid(market.mark_ticks * 0.7)
    decimals = market.listing.price_decimals
    lots = int(30e6 / ticks)
    asset = msgspec.structs.replace(
        BTC, coin=market.name, asset_id=asset_id, sz_decimals=market.listing.sz_decimals
    )
    assert asset.price_decimals == decimals
    orders = [encode.order(asset, 1, price_ticks=ticks, size_lots=lots)] * count
    reply = await world.act(OWNER, encode.place_action(orders))
    assert all("resting" in status for status in reply["response"]["data"]["statuses"]), reply


def cancels(world: World) -> int:
    """Return how many cancel actions came over HTTP."""
    return world.wire.posted.count("cancel")


def test_only_our_coins_orders_go_and_an_empty_list_ends_it(tmp_path: Path) -> None:
    """T-25, F64: three of ours and two of another coin: three are cancelled, in one batch."""

    async def story(world: World) -> None:
        await leave_orders(world, 3)
        await leave_orders(world, 2, asset_id=1)
        running = asyncio.create_task(world.run(seconds=2.0))
        await world.until(lambda: bool(world.makers))
        assert cancels(world) == 1
        assert world.open_oids() == []
        await running
        account = world.exchange.state.accounts.of(OWNER.address)
        assert {order.asset for order in account.open_orders.values()} == {1}

    play(story, tmp_path)


def test_five_rounds_half_a_second_apart_then_no_quote(tmp_path: Path) -> None:
    """T-26: while anything rests nothing is quoted; the exit says that orders may be open."""

    async def story(world: World) -> None:
        await leave_orders(world, 1)
        asked_ns: list[int] = []
        fail_cancels(world, asked_ns, failures=99)
        with pytest.raises(UnsafeExitError, match="5 rounds"):
            await world.run(seconds=5.0)
        assert len(asked_ns) == 5
        assert np.diff(asked_ns).min() >= 500_000_000
        assert not world.makers
        assert len(world.open_oids()) == 1

    play(story, tmp_path)


def test_the_fifth_round_may_succeed(tmp_path: Path) -> None:
    """T-26: cancels fail four rounds and succeed in the fifth."""

    async def story(world: World) -> None:
        await leave_orders(world, 1)
        asked_ns: list[int] = []
        fail_cancels(world, asked_ns, failures=4)
        outcome = await world.run(seconds=2.0)
        assert len(asked_ns) == 5
        assert outcome.is_clean

    play(story, tmp_path)


def fail_cancels(world: World, asked_ns: list[int], *, failures: int) -> None:
    """Let the venue refuse this many cancel actions, and note when each came."""
    submit = world.wire.submit

    async def refuse(body: bytes) -> Any:
        if b'"type":"cancel"' not in body:
            return await submit(body)
        asked_ns.append(world.clock())
        if len(asked_ns) > failures:
            return await submit(body)
        broken = msgspec.json.decode(body)
        broken["nonce"] = 1
        return await submit(msgspec.json.encode(broken))

    world.wire.submit = refuse  # type: ignore[method-assign]


def test_the_position_is_read_after_the_cancels(tmp_path: Path) -> None:
    """T-27, T-28: an order that fills instead of being cancelled is in the first position."""

    async def story(world: World) -> None:
        ticks = on_grid(world.mid_ticks * 0.9995)
        order = encode.order(BTC, 1, price_ticks=ticks, size_lots=500)
        await world.act(OWNER, encode.place_action([order]))
        submit = world.wire.submit

        async def fill_first(body: bytes) -> Any:
            if b'"type":"cancel"' in body:
                await world.order(CAROL, -1, usd=20_000.0, at=0.01)
            return await submit(body)

        world.wire.submit = fill_first  # type: ignore[method-assign]
        outcome = await world.run(seconds=2.0, wishes={"position_limit_usd": 5_000.0})
        assert outcome.inherited_position == 0.005
        events = read_journal(Path(outcome.session)).events
        first = events[events["kind"] == Kind.POSITION][0]
        assert first["position_lots"] == 500
        assert outcome.is_clean

    play(story, tmp_path)


def test_an_inherited_position_over_the_limit_only_shrinks(tmp_path: Path) -> None:
    """T-30: reduce-only from the first quote, no runaway kill, and old profit is not ours.

    Then another program adds to it: what is beyond the exemption kills.
    """

    async def story(world: World) -> None:
        await world.order(OWNER, 1, usd=6_000.0)
        world.move(0.01)
        await asyncio.sleep(10.0)
        wishes = {"position_limit_usd": 2_000.0, "risk": {"value_usd_max": 1e9}}
        running = asyncio.create_task(world.run(wishes=wishes))
        await world.quoting(orders=1)
        await asyncio.sleep(5.0)
        latch, account = world.state.kill_switch, world.exchange.state.accounts.of(OWNER.address)
        assert latch.exempt_lots == latch.position_lots == world.held()
        assert latch.reason == 0
        resting = list(account.open_orders.values())
        assert resting and all(o.side < 0 and o.reduce_only for o in resting)
        assert any("asks only reduce" in line for line in world.said)
        await world.order(OWNER, 1, usd=500.0)
        outcome = await running
        assert outcome.killed == "position_runaway"
        assert outcome.inherited_profit_usd > 30.0
        assert abs(outcome.pnl_usd["total"]) < 20.0
        assert abs(outcome.identity_gap_usd) < 0.01

    play(story, tmp_path)


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """T-29: no cancel, no order, no file of state; what it would do is said."""

    async def story(world: World) -> None:
        await leave_orders(world, 2)
        left = world.open_oids()
        account = world.exchange.state.accounts.of(OWNER.address)
        used = account.requests_used
        outcome = await world.run(seconds=20.0, is_dry=True)
        assert world.wire.posted == []
        assert account.requests_used == used
        assert world.open_oids() == left
        assert outcome.is_clean and outcome.is_dry
        assert outcome.open_orders_at_exit == 2
        assert any(line.startswith("dry run: would place") for line in world.said)
        assert any(line.startswith("dry run: would cancel") for line in world.said)
        assert not (tmp_path / "state").exists()

    play(story, tmp_path)


def test_a_kill_is_for_good_until_somebody_opens_it(tmp_path: Path) -> None:
    """T-58: the next session is refused in one line that names reason, time and the way out."""

    async def story(world: World) -> None:
        running = asyncio.create_task(world.run())
        await world.quoting()
        world.maker.kill()
        assert (await running).killed == "manual"
        posted = len(world.wire.posted)
        with pytest.raises(LatchedError) as refused:
            await world.run()
        text = str(refused.value)
        assert "manual" in text and "2026-" in text and "\n" not in text
        assert f"hypermaker reset --network local --account {OWNER.address} --asset BTC" in text
        assert len(world.wire.posted) == posted

    play(story, tmp_path)


def test_the_days_figures_are_taken_over_and_replay(tmp_path: Path) -> None:
    """T-58: a second session of the day measures its loss from the first one's start."""

    async def story(world: World) -> None:
        day = world.clock() // DAY_NS
        figures = {"equity_usd": 10_000.0, "day_equity_usd": 10_400.0, "peak_equity_usd": 10_400.0}
        save(msgspec.structs.replace(MINE, kept=Kept(day=day, **figures)))
        wishes = {"risk": {"loss_usd_max": 300.0}}
        outcome = await world.run(wishes=wishes, seconds=20.0)
        assert outcome.killed == "loss"
        assert outcome.killed_value == pytest.approx(400.0)
        path = Path(outcome.session)
        journal = read_journal(path)
        config = engine_config(journal, path)
        assert config.kept.day_equity_usd == 10_400.0
        assert replay(journal, config) is None
        forgetful = msgspec.structs.replace(config, kept=Kept())
        assert replay(journal, forgetful) is not None

    (tmp_path / "state").mkdir()
    play(story, tmp_path)


def test_no_limit_is_a_limit_that_replays(tmp_path: Path) -> None:
    """Infinity switches a row off, and the journal still says so."""

    async def story(world: World) -> None:
        wishes = {"risk": {"loss_usd_max": float("inf")}}
        path = Path((await world.run(wishes=wishes, seconds=3.0)).session)
        journal = read_journal(path)
        config = engine_config(journal, path)
        assert config.risk["loss_usd_max"] > 1e300
        assert replay(journal, config) is None

    play(story, tmp_path)


def test_yesterdays_loss_is_not_todays(tmp_path: Path) -> None:
    """T-58: on the next day the figures are dropped, and so the loss does not fire again."""

    async def story(world: World) -> None:
        day = world.clock() // DAY_NS - 1
        figures = {"equity_usd": 10_000.0, "day_equity_usd": 10_400.0, "peak_equity_usd": 10_400.0}
        save(msgspec.structs.replace(MINE, kept=Kept(day=day, **figures)))
        outcome = await world.run(wishes={"risk": {"loss_usd_max": 300.0}}, seconds=15.0)
        assert outcome.killed == ""
        assert load(MINE).kept.day == day + 1

    (tmp_path / "state").mkdir()
    play(story, tmp_path)


def test_a_clock_that_stepped_back_repeats_no_nonce(tmp_path: Path) -> None:
    """F26, F59: the last nonce is kept, and the next session starts above it."""

    async def story(world: World) -> None:
        ahead_ms = world.clock() // 1_000_000 + 3_600_000
        save(msgspec.structs.replace(MINE, last_nonce=ahead_ms))
        outcome = await world.run(seconds=8.0)
        assert outcome.orders_placed > 0 and outcome.is_clean
        nonces = read_journal(Path(outcome.session)).nonces.values()
        assert min(nonces) > ahead_ms
        assert load(MINE).last_nonce >= max(nonces)

    (tmp_path / "state").mkdir()
    play(story, tmp_path)


def test_a_second_session_on_the_same_coin_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F65: it names the process that has it; another coin or account is free."""
    monkeypatch.setenv("HYPERMAKER_HOME", str(tmp_path))

    async def story(world: World) -> None:
        with pytest.raises(ConfigError, match=r"process \d+ trades it already"):
            await world.run(seconds=1.0)
        assert world.wire.posted == []

    with claimed(MINE):
        play(story, tmp_path)
        with claimed(msgspec.structs.replace(MINE, asset="ETH")):
            pass
    with claimed(MINE):
        pass


def test_a_state_file_that_cannot_be_read_is_a_closed_latch(tmp_path: Path) -> None:
    """What is unknown does not open."""

    async def story(world: World) -> None:
        MINE.path.write_bytes(b'{"network": "local"')
        with pytest.raises(ConfigError, match="state file"):
            await world.run(seconds=1.0)

    (tmp_path / "state").mkdir()
    play(story, tmp_path)


def test_a_kill_that_could_not_be_proven_is_remembered_all_the_same(tmp_path: Path) -> None:
    """The venue is gone for good when the latch fires: exit 3, and the latch is on disk."""

    async def story(world: World) -> None:
        running = asyncio.create_task(world.run())
        await world.quoting()
        world.wire.is_http_down = True
        world.maker.kill()
        with pytest.raises(UnsafeExitError, match="nobody answers"):
            await running
        assert load(MINE).kept.reason == KillReason.MANUAL

    play(story, tmp_path)
