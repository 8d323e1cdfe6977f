"""The latch: what fires it, what does not, and that nothing but a person opens it."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.risk import kill_switch
from hypermaker.risk.kill_switch import KILL_SWITCH, KillReason
from hypermaker.risk.settings import KILL_SETTINGS
from tests.risk.latches import CAP_LOTS, NOON_NS, Latch, alive, latch, seconds
from tests.risk.mutants import mutant


def _loss(m: ModuleType) -> Latch:
    rec = latch(m, loss_usd_max=100.0, loss_fraction_max=1.0, drawdown_max=1.0)
    m.on_equity(rec, 850.0)
    return rec


def _drawdown(m: ModuleType) -> Latch:
    rec = latch(m, drawdown_max=0.10, loss_usd_max=math.inf, loss_fraction_max=1.0)
    m.on_equity(rec, 800.0)
    return rec


def _value(m: ModuleType) -> Latch:
    rec = latch(m, value_usd_max=5_000.0, value_equity_max=math.inf)
    m.on_price(rec, 100.0, 1_000.0, NOON_NS)
    m.on_position(rec, 11)
    return rec


def _runaway(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_position(rec, -2 * CAP_LOTS - 1)
    return rec


def _stale_market(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_user(rec, seconds(31.0))
    m.check(rec, seconds(31.0))
    return rec


def _stale_user(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_market(rec, seconds(61.0))
    m.check(rec, seconds(61.0))
    return rec


def _rate(m: ModuleType) -> Latch:
    rec = latch(m)
    for _ in range(4):
        m.on_rate_error(rec, NOON_NS)
    return rec


def _cascade(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_cascade(rec, 6.0)
    return rec


def _jump(m: ModuleType) -> Latch:
    rec = latch(m)
    for i in range(3):
        m.on_price(rec, 120.0, 1.0, seconds(0.1 * i))
    return rec


def _liquidation_near(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_liquidation_buffer(rec, 0.05)
    return rec


def _liquidated(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_liquidated(rec)
    return rec


def _stuck(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_position(rec, 5)
    m.on_reducing(rec, 0, NOON_NS)
    m.on_reducing(rec, 0, seconds(61.0))
    alive(m, rec, 61.0)
    return rec


def _mismatch(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_reconciled(rec, 1, NOON_NS)
    m.on_reconciled(rec, -2, seconds(11.0))
    m.check(rec, seconds(11.0))
    return rec


def _non_finite(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_non_finite(rec)
    return rec


def _manual(m: ModuleType) -> Latch:
    rec = latch(m)
    m.on_manual(rec)
    return rec


CAUSES: dict[KillReason, Callable[[ModuleType], Latch]] = {
    KillReason.LOSS: _loss,
    KillReason.DRAWDOWN: _drawdown,
    KillReason.POSITION_VALUE: _value,
    KillReason.POSITION_RUNAWAY: _runaway,
    KillReason.STALE_MARKET: _stale_market,
    KillReason.STALE_USER: _stale_user,
    KillReason.RATE_LIMIT: _rate,
    KillReason.CASCADE: _cascade,
    KillReason.PRICE_JUMP: _jump,
    KillReason.LIQUIDATION_NEAR: _liquidation_near,
    KillReason.LIQUIDATED: _liquidated,
    KillReason.INVENTORY_STUCK: _stuck,
    KillReason.MISMATCH: _mismatch,
    KillReason.NON_FINITE: _non_finite,
    KillReason.MANUAL: _manual,
}


def _reason(m: ModuleType, cause: Callable[[ModuleType], Latch]) -> tuple[int, int]:
    rec = cause(m)
    m.check(rec, NOON_NS)
    return int(rec.reason), int(rec.reasons)


@pytest.mark.parametrize("reason", [r for r in KillReason if r != KillReason.NONE])
def test_a_reason_fires_and_its_mutant_does_not(reason: KillReason) -> None:
    """Every reason fires on its own cause alone; the same latch without its check stays open."""
    row = "if row.measured <= row.limit:"
    blind = mutant(kill_switch, row, f"if i == {int(reason)} or row.measured <= row.limit:")
    assert _reason(kill_switch, CAUSES[reason]) == (reason, 1 << reason)
    assert _reason(blind, CAUSES[reason]) == (KillReason.NONE, 0)


MEASURES = {
    KillReason.LOSS: "loss.measured = rec.day_equity_usd - rec.equity_usd",
    KillReason.DRAWDOWN: (
        "drawdown.measured = (rec.peak_equity_usd - rec.equity_usd) / rec.peak_equity_usd"
    ),
    KillReason.POSITION_VALUE: "value.measured = abs(rec.position_lots) * rec.lot_usd",
    KillReason.POSITION_RUNAWAY: "runaway.measured = float(abs(rec.position_lots))",
    KillReason.STALE_MARKET: "market.measured = (received_ns - rec.market_ns) / NS_PER_S",
    KillReason.STALE_USER: "user.measured = (received_ns - rec.user_ns) / NS_PER_S",
    KillReason.RATE_LIMIT: "rec.rate_errors += 1",
    KillReason.CASCADE: "rec.rows[KillReason.CASCADE].measured = severity",
    KillReason.PRICE_JUMP: "rec.rows[KillReason.PRICE_JUMP].measured = jump",
    KillReason.LIQUIDATION_NEAR: "rec.rows[KillReason.LIQUIDATION_NEAR].measured = -buffer",
    KillReason.LIQUIDATED: "rec.rows[KillReason.LIQUIDATED].measured = 1.0",
    KillReason.INVENTORY_STUCK: "rec.stuck_ns = received_ns",
    KillReason.MISMATCH: "rec.mismatch_ns = received_ns",
    KillReason.MANUAL: "rec.rows[KillReason.MANUAL].measured = 1.0",
}


@pytest.mark.parametrize("reason", MEASURES)
def test_a_reason_that_is_not_measured_is_noticed(reason: KillReason) -> None:
    """F-70: a check whose input never arrives (drawdown against itself, errors always 0)."""
    unfed = mutant(kill_switch, MEASURES[reason], "pass")
    assert _reason(unfed, CAUSES[reason]) == (KillReason.NONE, 0)


def test_exactly_at_the_limit_holds_beyond_it_fires() -> None:
    """T-54: a loss of exactly 100 does not fire at limit 100. T-57: 3 rate errors no, 4 yes."""
    rec = latch(loss_usd_max=100.0, loss_fraction_max=1.0, drawdown_max=1.0)
    kill_switch.on_equity(rec, 900.0)
    for _ in range(3):
        kill_switch.on_rate_error(rec, NOON_NS)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    kill_switch.on_rate_error(rec, NOON_NS)
    assert kill_switch.check(rec, NOON_NS) == KillReason.RATE_LIMIT


def test_drawdown_is_measured_from_the_peak_that_was_really_reached() -> None:
    """T-54: peak 100, now 80: 0.20; the peak follows equity up and stays (F-70)."""
    rec = latch(equity=79.0, drawdown_max=0.10)
    for equity in (85.0, 100.0, 91.0):
        kill_switch.on_equity(rec, equity)
        assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    kill_switch.on_equity(rec, 80.0)
    assert kill_switch.check(rec, NOON_NS) == KillReason.DRAWDOWN
    assert rec.killed_value == pytest.approx(0.20)
    assert rec.killed_limit == 0.10


def test_a_tiny_peak_has_no_drawdown() -> None:
    """T-54, F-72: peak 0 is skipped, and a peak below the minimum measures nothing."""
    rec = latch(equity=0.0, drawdown_max=0.10)
    for equity in (0.02, 0.001, 9.9, 0.1):
        kill_switch.on_equity(rec, equity)
        assert kill_switch.check(rec, NOON_NS) == KillReason.NONE


def test_the_numbers_of_the_value_limit() -> None:
    """T-55: 0.11 at 100,000 with soft limit 5,000: MaxPosition(11,000, 10,000); 0.08: no kill."""
    rec = latch(value_usd_max=5_000.0, value_equity_max=math.inf, position_lots_max=1e9)
    kill_switch.on_price(rec, 100.0, 1_000.0, NOON_NS)  # a lot of 0.01 at 100,000
    kill_switch.on_position(rec, 8)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    kill_switch.on_position(rec, 11)
    assert kill_switch.check(rec, NOON_NS) == KillReason.POSITION_VALUE
    assert (rec.killed_value, rec.killed_limit) == (11_000.0, 10_000.0)


@pytest.mark.parametrize(
    ("lots", "fires"), [(10_000_000, False), (10_000_001, True), (-12_000_000, True)]
)
def test_the_numbers_of_the_runaway(lots: int, fires: bool) -> None:
    """T-56: cap 0.5: 1.0 no, 1.0000001 yes (limit 1.0), -1.2 fires on the absolute value."""
    rec = latch(position_lots_max=5_000_000.0, value_usd_max=math.inf, value_equity_max=math.inf)
    kill_switch.on_position(rec, lots)
    assert (kill_switch.check(rec, NOON_NS) == KillReason.POSITION_RUNAWAY) is fires
    assert rec.killed_limit == (10_000_000.0 if fires else 0.0)


@pytest.mark.parametrize(("silence_s", "fires"), [(30.0, False), (30.1, True)])
def test_total_silence_fires_from_a_timer(silence_s: float, fires: bool) -> None:
    """T-57: 30.0 s no, 30.1 s yes, with no message at all since the start (F-71)."""
    rec = latch()
    assert (kill_switch.check(rec, seconds(silence_s)) == KillReason.STALE_MARKET) is fires


def test_market_data_does_not_hide_that_user_data_is_silent() -> None:
    """Silence fires StaleData for market data and user data separately."""
    rec = latch()
    for second in range(61):
        kill_switch.on_market(rec, seconds(second))
        assert kill_switch.check(rec, seconds(second)) == KillReason.NONE
    kill_switch.on_market(rec, seconds(60.5))
    assert kill_switch.check(rec, seconds(60.5)) == KillReason.STALE_USER


def test_a_reordered_message_never_turns_a_feed_back() -> None:
    """A message that arrives out of order never turns the clock of its feed back."""
    rec = latch()
    kill_switch.on_market(rec, seconds(20.0))
    kill_switch.on_market(rec, seconds(5.0))
    assert kill_switch.check(rec, seconds(49.0)) == KillReason.NONE


def test_reasons_are_named_in_their_order_and_kept_once() -> None:
    """T-57: loss -> drawdown -> value -> runaway -> stale -> rate -> cascade, duplicates once."""
    rec = latch(loss_usd_max=100.0, value_usd_max=1.0)
    kill_switch.on_equity(rec, 500.0)
    kill_switch.on_position(rec, 100)
    kill_switch.on_cascade(rec, 6.0)
    for _ in range(4):
        kill_switch.on_rate_error(rec, NOON_NS)
    assert kill_switch.check(rec, seconds(100.0)) == KillReason.LOSS
    for _ in range(3):
        assert kill_switch.check(rec, seconds(100.0)) == KillReason.NONE
    named = [reason for reason in KillReason if rec.reasons >> reason & 1]
    assert named == list(KillReason)[1:9]
    assert named == sorted(named)


def test_the_latch_never_opens_by_itself() -> None:
    """I6: not by good news, not by the next day, not by a later reason; only `reset` opens it."""
    rec = _manual(kill_switch)
    kill_switch.check(rec, NOON_NS)
    kill_switch.on_equity(rec, 5000.0)
    for day in range(3):
        alive(kill_switch, rec, 86_400.0 * day)
        assert kill_switch.is_killed(rec)
        assert (rec.reason, rec.killed_ns) == (KillReason.MANUAL, NOON_NS)
    kill_switch.reset(rec, NOON_NS)
    assert not kill_switch.is_killed(rec)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NONE


def test_a_disarmed_latch_fires_on_nothing() -> None:
    """T-57: severity 6, disabled: nothing."""
    rec = latch(disarmed=1.0)
    kill_switch.on_cascade(rec, 6.0)
    kill_switch.on_manual(rec)
    assert kill_switch.check(rec, seconds(1000.0)) == KillReason.NONE
    assert not kill_switch.is_killed(rec)


def test_a_cascade_can_pass_its_own_threshold() -> None:
    """T-14: ratio 6 with kill at 5 in the same unit fires; the severity has no ceiling."""
    rec = latch(cascade_max=5.0)
    kill_switch.on_cascade(rec, 5.0)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    kill_switch.on_cascade(rec, 6.0)
    assert kill_switch.check(rec, NOON_NS) == KillReason.CASCADE


def test_a_latch_that_was_never_configured_is_closed() -> None:
    """Zero is the strictest limit: forgetting to configure the settings kills at once."""
    rec = np.zeros(1, KILL_SWITCH)[0]
    kill_switch.reset(rec, NOON_NS)
    kill_switch.on_position(rec, 1)
    assert kill_switch.check(rec, NOON_NS + 1) != KillReason.NONE


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "feed",
    [
        lambda rec, x: kill_switch.on_equity(rec, x),
        lambda rec, x: kill_switch.on_transfer(rec, x),
        lambda rec, x: kill_switch.on_price(rec, x, 1.0, NOON_NS),
        lambda rec, x: kill_switch.on_price(rec, 100.0, x, NOON_NS),
    ],
    ids=["equity", "transfer", "price", "lot value"],
)
def test_a_number_that_is_not_finite_kills(
    feed: Callable[[Latch, float], None], bad: float
) -> None:
    """T-58: NaN or infinite P&L, mid or position: fail closed."""
    rec = latch()
    feed(rec, bad)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NON_FINITE


@pytest.mark.parametrize("row", [r for r in KillReason if r != KillReason.NONE])
@pytest.mark.parametrize("field", ["measured", "limit"])
def test_a_nan_anywhere_in_the_table_fires(row: KillReason, field: str) -> None:
    """T-58: no comparison lets a NaN pass (the predecessor's let every one pass)."""
    rec = latch()
    measures = (
        "    _roll_day(rec, received_ns)\n    _measure_equity(rec)\n    _measure_position(rec)\n"
        "    _measure_silence(rec, received_ns)\n    _measure_trouble(rec, received_ns)\n"
    )
    setattr(rec.rows[int(row)], field, math.nan)
    assert mutant(kill_switch, measures, "").check(rec, NOON_NS) == row


@given(
    facts=st.lists(
        st.tuples(st.sampled_from(["on_cascade", "on_liquidation_buffer"]), st.floats()), max_size=5
    )
)
def test_a_nan_fact_kills(facts: list[tuple[str, float]]) -> None:
    """T-58: whatever the detectors say, a NaN among what they said last kills."""
    rec = latch()
    last: dict[str, float] = {}
    for name, value in facts:
        getattr(kill_switch, name)(rec, value)
        last[name] = value
    fired = kill_switch.check(rec, NOON_NS)
    cascade, buffer = last.get("on_cascade", 0.0), last.get("on_liquidation_buffer", 1.0)
    if math.isnan(cascade) or math.isnan(buffer):
        assert fired != KillReason.NONE
    assert (fired == KillReason.NONE) is (cascade <= 5.0 and buffer >= 0.1)


class Poisoned:
    """The latch's module, but every reset leaves one setting NaN."""

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def __getattr__(self, name: str) -> Any:
        return getattr(kill_switch, name)

    def reset(self, rec: Latch, received_ns: int) -> None:
        """Reset, then poison."""
        kill_switch.reset(rec, received_ns)
        setattr(rec.settings, self.setting, math.nan)


GUARDS = {
    "loss": KillReason.LOSS,
    "drawdown": KillReason.DRAWDOWN,
    "peak": KillReason.DRAWDOWN,
    "value": KillReason.POSITION_VALUE,
    "position": KillReason.POSITION_RUNAWAY,
    "market": KillReason.STALE_MARKET,
    "user": KillReason.STALE_USER,
    "rate": KillReason.RATE_LIMIT,
    "cascade": KillReason.CASCADE,
    "jump": KillReason.PRICE_JUMP,
    "liquidation": KillReason.LIQUIDATION_NEAR,
    "stuck": KillReason.INVENTORY_STUCK,
    "mismatch": KillReason.MISMATCH,
    "disarmed": KillReason.MANUAL,
}


@pytest.mark.parametrize("setting", [setting.name for setting in KILL_SETTINGS])
def test_a_nan_setting_never_opens(setting: str) -> None:
    """A NaN written past the configuration check: what fired before fires still."""
    reason = GUARDS[setting.partition("_")[0]]
    rec = CAUSES[reason](cast(ModuleType, Poisoned(setting)))
    kill_switch.check(rec, NOON_NS)
    assert rec.reasons >> reason & 1


def test_rate_errors_are_forgotten_one_at_a_time() -> None:
    """Four errors at once fire; four errors ten minutes apart do not."""
    rec = latch(rate_forget_s=600.0)
    for i in range(12):
        kill_switch.on_rate_error(rec, seconds(600.0 * i))
        assert alive(kill_switch, rec, 600.0 * i) == KillReason.NONE
    for _ in range(3):
        kill_switch.on_rate_error(rec, seconds(7000.0))
    assert alive(kill_switch, rec, 7000.0) == KillReason.RATE_LIMIT


def test_one_bad_frame_is_suspect_but_does_not_kill() -> None:
    """T-97, F53: a 25 % jump in one message is not quoted on; the next good frame clears it."""
    rec = latch()
    kill_switch.on_price(rec, 125.0, 1.25, seconds(0.1))
    assert kill_switch.is_price_suspect(rec)
    assert kill_switch.check(rec, seconds(0.1)) == KillReason.NONE
    kill_switch.on_price(rec, 100.1, 1.0, seconds(0.2))
    assert not kill_switch.is_price_suspect(rec)
    for _ in range(2):
        kill_switch.on_price(rec, 125.0, 1.25, seconds(0.3))
    assert kill_switch.check(rec, seconds(0.3)) == KillReason.NONE


def test_a_slow_move_is_no_jump() -> None:
    """A price that doubles in a minute, less than 15 % a second, does not fire."""
    rec, price = latch(), 100.0
    for second in range(60):
        price *= 1.0125
        kill_switch.on_price(rec, price, 1.0, seconds(second))
        assert alive(kill_switch, rec, second) == KillReason.NONE


def test_a_small_position_is_never_stuck() -> None:
    """Below a tenth of the cap there may be nothing worth an order of the minimum notional."""
    rec = latch(position_lots_max=100.0)
    kill_switch.on_position(rec, 9)
    kill_switch.on_reducing(rec, 0, NOON_NS)
    assert alive(kill_switch, rec, 1000.0) == KillReason.NONE


def test_a_reducing_order_starts_the_stuck_clock_again() -> None:
    """INVENTORY_STUCK needs an unbroken time without a way out."""
    rec = latch()
    kill_switch.on_position(rec, 5)
    for second in range(200):
        kill_switch.on_reducing(rec, 1 if second % 50 == 0 else 0, seconds(second))
        assert alive(kill_switch, rec, second) == KillReason.NONE
