"""Every reason of the kill table, fired by its cause: a whole session on the local exchange.

In virtual time (`tests/shell/virtual.py`), so a minute of silence is a minute and takes a second.
All limits but the one in question are out of reach, so a kill names the reason under test. The
same story with the one check removed from the latch must not end in a kill: each is its own mutant.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from hypermaker.core.kernel import kernel
from hypermaker.estimate import touch
from hypermaker.exchange.config import LimitConfig
from hypermaker.hyperliquid import encode
from hypermaker.risk import kill_switch
from hypermaker.risk.kill_switch import KillReason
from hypermaker.shell import session as session_module
from hypermaker.shell.memory import Memory, load
from hypermaker.shell.outcome import Outcome
from hypermaker.shell.warmup import warm_up
from hypermaker.steps import guard
from hypermaker.steps.believe import believe
from hypermaker.steps.change import change
from hypermaker.steps.hear import hear
from hypermaker.steps.settle import settle
from hypermaker.steps.want import is_due, want
from hypermaker.tape.format import read_journal
from hypermaker.tape.replay import engine_config, replay
from tests.risk.mutants import mutant
from tests.shell.virtual import CAROL, OWNER, World, play

pytestmark = pytest.mark.timeout(600)  # a cold start compiles the engine first
NEVER = 1e300
UNREACHABLE = {
    "loss_usd_max": NEVER,
    "loss_fraction_max": NEVER,
    "drawdown_max": NEVER,
    "value_usd_max": NEVER,
    "value_equity_max": NEVER,
    "position_lots_max": NEVER,
    "market_silence_s_max": NEVER,
    "user_silence_s_max": NEVER,
    "rate_errors_max": NEVER,
    "cascade_max": NEVER,
    "jump_max": NEVER,
    "liquidation_buffer_min": 0.0,
    "stuck_s_max": NEVER,
    "mismatch_s_max": NEVER,
}
TIGHT = LimitConfig(requests_initial=600, slow_lane_s=3_600.0)
CAP_USD = 8_000.0


@dataclass(frozen=True)
class Case:
    """One reason: what makes it true, which limits are in reach, and how long the story takes.

    limits   chosen for the test; names in `real` keep their default instead
    """

    cause: Callable[[World], Awaitable[None]]
    real: tuple[str, ...] = ()
    limits: dict[str, float] = field(default_factory=dict)
    seconds: float = 40.0
    requests: LimitConfig | None = None

    @property
    def risk(self) -> dict[str, float]:
        """The settings of the session."""
        return {k: v for k, v in UNREACHABLE.items() if k not in self.real} | self.limits


async def _sell_to_us(world: World) -> None:
    await world.order(CAROL, -1, usd=3_000.0, at=0.002)
    await world.until(lambda: world.maker.session.position_lots > 0)


async def _lose(world: World) -> None:
    """Somebody sells to us, then the price falls by 3 %."""
    await _sell_to_us(world)
    world.move(-0.03)


async def _buy_by_hand(world: World) -> None:
    """Another program with our key buys two and a half times the cap."""
    await world.order(OWNER, 1, usd=2.5 * CAP_USD)


async def _silence_the_market(world: World) -> None:
    """The market's link stays open and says nothing; the account's goes on."""
    world.wire.is_market_mute = True


async def _silence_the_account(world: World) -> None:
    """Neither the account's link nor HTTP says a word; the market goes on. Then both are back."""
    world.wire.is_account_mute = world.wire.is_http_down = True
    await asyncio.sleep(72.0)
    world.wire.is_account_mute = world.wire.is_http_down = False


async def _spend_the_budget(world: World) -> None:
    """Another program with our key spends the address budget; our orders are refused.

    We hold a position, because nothing else is quoted any more after the second refusal.
    """
    await _sell_to_us(world)
    answers: list[Any] = [{"status": "ok"}]
    while answers[-1]["status"] == "ok":
        noops = (world.act(OWNER, encode.noop_action()) for _ in range(200))
        answers = await asyncio.gather(*noops)


async def _get_stuck(world: World) -> None:
    """We are long, and the venue takes no order of ours any more."""
    await _spend_the_budget(world)
    world.move(-0.01)


async def _cascade(world: World) -> None:
    """Traders are liquidated through all of our quotes, after a calm minute.

    The local exchange has no liquidations: trades are real, and their mark is added to the frames.
    """
    world.wire.tamper = _forced("0x" + "11" * 20)
    await asyncio.sleep(65.0)
    for side in (-1, 1, -1, 1, -1):
        await world.order(CAROL, side, usd=20_000.0, at=0.01)
        await asyncio.sleep(2.0)


async def _jump(world: World) -> None:
    """The market moves by a fifth at once, and somebody takes what stands in the way."""
    world.move(0.2)
    await asyncio.sleep(1.0)
    await world.order(CAROL, 1, usd=60_000.0, at=0.25)


async def _near_liquidation(world: World) -> None:
    """Another program with our key opens a position that is large for the account."""
    await world.order(OWNER, 1, usd=15_000.0, at=0.02)


async def _liquidated(world: World) -> None:
    """A fill of ours comes back as a forced one.

    The local exchange has no liquidations: the trade is real, and its mark is added to the frames.
    """
    world.wire.tamper = _forced(OWNER.address)
    await world.order(CAROL, -1, usd=200.0, at=0.002)


async def _lose_fills(world: World) -> None:
    """Another program trades with our key, and no feed and no answer ever tells the fill."""
    unread = re.compile(rb'"channel":"(userFills|user)"')
    world.wire.tamper = lambda frame: None if unread.search(frame) else frame
    world.wire.tamper_http = lambda asked, told: b"[]" if b"userFillsByTime" in asked else told
    await world.order(OWNER, 1, usd=300.0)


async def _break_a_model(world: World) -> None:
    """A model's memory turns to NaN, as a bug of ours would make it."""
    volatility = world.state.volatility
    for name in volatility.dtype.names:
        if volatility.dtype[name] == np.float64:
            volatility[name] = nan


async def _order_a_stop(world: World) -> None:
    """The operator has seen enough."""
    world.maker.kill()


def _forced(user: str) -> Callable[[bytes], bytes]:
    """Return what marks every fill of a frame as part of a user's liquidation."""

    def tamper(frame: bytes) -> bytes:
        told = msgspec.json.decode(frame)
        if told["channel"] in ("userFills", "user"):
            mark = {"liquidatedUser": user, "markPx": "84000", "method": "market"}
            for fill in told["data"].get("fills", ()):
                fill["liquidation"] = mark
        return msgspec.json.encode(told)

    return tamper


CASES: dict[KillReason, Case] = {
    KillReason.LOSS: Case(_lose, limits={"loss_usd_max": 5.0}),
    KillReason.DRAWDOWN: Case(_lose, limits={"drawdown_max": 0.0005}),
    KillReason.POSITION_VALUE: Case(_buy_by_hand, limits={"value_usd_max": CAP_USD}),
    KillReason.POSITION_RUNAWAY: Case(_buy_by_hand, real=("position_lots_max",)),
    KillReason.STALE_MARKET: Case(_silence_the_market, real=("market_silence_s_max",)),
    KillReason.STALE_USER: Case(_silence_the_account, real=("user_silence_s_max",), seconds=90.0),
    KillReason.RATE_LIMIT: Case(_spend_the_budget, real=("rate_errors_max",), requests=TIGHT),
    KillReason.CASCADE: Case(_cascade, limits={"cascade_max": 0.0}, seconds=90.0),
    KillReason.PRICE_JUMP: Case(_jump, real=("jump_max",), seconds=20.0),
    KillReason.LIQUIDATION_NEAR: Case(
        _near_liquidation, limits={"liquidation_buffer_min": 0.99}, seconds=30.0
    ),
    KillReason.LIQUIDATED: Case(_liquidated, seconds=20.0),
    KillReason.INVENTORY_STUCK: Case(
        _get_stuck, real=("stuck_s_max", "position_lots_max"), seconds=90.0, requests=TIGHT
    ),
    KillReason.MISMATCH: Case(_lose_fills, real=("mismatch_s_max",)),
    KillReason.NON_FINITE: Case(_break_a_model, seconds=15.0),
    KillReason.MANUAL: Case(_order_a_stop, seconds=15.0),
}


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The engine is compiled before any time runs."""
    warm_up()


def tell(case: Case, home: Path) -> tuple[Outcome, list[int], list[str]]:
    """Run one story; return its end, the orders left on the exchange, and what was said."""
    ended: list[tuple[Outcome, list[int], list[str]]] = []

    async def story(world: World) -> None:
        wishes: dict[str, Any] = {"position_limit_usd": CAP_USD, "risk": case.risk}
        running = asyncio.create_task(world.run(wishes=wishes, seconds=case.seconds))
        await world.quoting()
        causing = asyncio.ensure_future(case.cause(world))
        outcome = await running
        await causing
        ended.append((outcome, world.open_oids(), world.said))

    play(story, home, limits=case.requests)
    return ended[0]


@pytest.mark.parametrize("reason", CASES, ids=lambda reason: reason.name.lower())
def test_a_cause_ends_the_session_flat_of_orders(reason: KillReason, tmp_path: Path) -> None:
    """T-57, T-60: killed, no order left on the exchange, remembered, said, and replayable."""
    outcome, left, said = tell(CASES[reason], tmp_path)
    assert outcome.killed == reason.name.lower(), outcome
    assert left == []
    assert outcome.open_orders_at_exit == 0
    assert outcome.is_clean, outcome
    assert any(f"KILLED by {reason.name.lower()}" in line for line in said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERMAKER_HOME", str(tmp_path))
        kept = load(Memory("local", OWNER.address, "BTC")).kept
    assert kept.reason == reason
    path = Path(outcome.session)
    journal = read_journal(path)
    assert any("KILLED" in note for note in journal.notes)
    if reason is not KillReason.NON_FINITE:  # that cause is no event, so it is not in the journal
        assert replay(journal, engine_config(journal, path)) is None


@kernel
def before_guard(states: Any, events: Any, actions: Any) -> int:
    """The first half of `engine.process`."""
    state, event = states[0], events[0]
    state.now_ns = max(state.now_ns, event.received_ns)
    state.venue_ns = max(state.venue_ns, event.venue_ns)
    state.counters.events += 1
    hear(state, event)
    return int(settle(state, event, actions))


@kernel
def after_guard(states: Any, events: Any, actions: Any, n: int) -> int:
    """The second half of `engine.process`."""
    state, event = states[0], events[0]
    if is_due(state, event, n):
        believe(state)
        want(state)
        n = change(state, actions, n)
    return n


def blind_step(reason: KillReason) -> Any:
    """Return the engine's step with one check removed from the latch.

    The latch and the guard run as plain Python; what stands before and behind stays compiled.
    """
    row = "if row.measured <= row.limit:"
    latch = mutant(kill_switch, row, f"if i == {int(reason)} or row.measured <= row.limit:")
    own: Any = mutant(guard, "def guard(", "def guard(")
    is_touch = getattr(touch.is_touch, "py_func", touch.is_touch)
    own.kill_switch, own.touch = latch, SimpleNamespace(is_touch=is_touch)

    def step(states: Any, events: Any, actions: Any) -> int:
        n = before_guard(states, events, actions)
        n = own.guard(states[0], events[0], actions, n)
        return int(after_guard(states, events, actions, n))

    return step


@pytest.mark.parametrize("reason", CASES, ids=lambda reason: reason.name.lower())
def test_without_its_check_the_same_cause_goes_unnoticed(
    reason: KillReason, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kill above is the work of its own row, and of no other."""
    blind = blind_step(reason)
    monkeypatch.setattr(session_module, "step_of", lambda config: blind)
    outcome, _, said = tell(CASES[reason], tmp_path)
    assert outcome.killed == ""
    assert not any("KILLED" in line for line in said)


def test_every_reason_has_a_case() -> None:
    """A row added to the table without a cause is found here."""
    assert set(CASES) == set(KillReason) - {KillReason.NONE}
