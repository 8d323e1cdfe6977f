"""The latch: what fires it, what does not, and that nothing but a person opens it."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk.mutants import mutant

from hypermaker.core.units import NS_PER_S
from hypermaker.risk import kill_switch
from hypermaker.risk.kill_switch import DAY_NS, KILL_SWITCH, KillReason
from hypermaker.risk.settings import KILL_SETTINGS, configure

NOON_NS = 20_000 * DAY_NS + DAY_NS // 2
CAP_LOTS = 10
Latch = Any


def latch(module: ModuleType = kill_switch, equity: float = 1000.0, **chosen: float) -> Latch:
    """Return an armed latch at noon: cap 10 lots, one lot is 1 USD at price 100."""
    made = np.zeros(1, KILL_SWITCH)
    settings = {"position_lots_max": float(CAP_LOTS), "value_usd_max": 1e6} | chosen
    configure(made["settings"], KILL_SETTINGS, settings)
    module.reset(made[0], NOON_NS)
    module.on_equity(made[0], equity)
    module.on_price(made[0], 100.0, 1.0, NOON_NS)
    return made[0]


def seconds(value: float) -> int:
    """Return noon plus so many seconds."""
    return NOON_NS + round(value * NS_PER_S)


def alive(m: ModuleType, rec: Latch, at: float) -> int:
    """Let market and user data speak at a time, then check."""
    m.on_market(rec, seconds(at))
    m.on_user(rec, seconds(at))
    return int(m.check(rec, seconds(at)))


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


def test_old_and_reordered_messages_do_not_make_data_fresher_or_older() -> None:
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


def test_a_disabled_latch_fires_on_nothing() -> None:
    """T-57: severity 6, disabled: nothing."""
    rec = latch(enabled=0.0)
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
    rec.settings.enabled = 1.0
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


@pytest.mark.parametrize("setting", [s.name for s in KILL_SETTINGS if s.name != "enabled"])
def test_a_nan_setting_closes(setting: str) -> None:
    """A NaN written past the configuration check makes its reason fire, never stay silent.

    The rows whose fact is absent (no price jump, nothing stuck) compare 0 with NaN: they fire too.
    """
    rec = latch()
    kill_switch.on_position(rec, 3)
    setattr(rec.settings, setting, math.nan)
    kill_switch.on_reducing(rec, 0, NOON_NS)
    for second in range(70):
        kill_switch.on_price(rec, 100.0, 1.0, seconds(second))
        alive(kill_switch, rec, second)
    assert kill_switch.is_killed(rec)


def test_limits_scale_with_equity() -> None:
    """F-73: a 500 USD limit on a 100 USD account is no limit; the tighter of the two counts."""
    for equity, loss_usd, value_usd in ((4.0, 1.0, 24.0), (100.0, 5.0, 600.0), (1e7, 500.0, 2e6)):
        rec = latch(equity=equity)
        kill_switch.check(rec, NOON_NS)
        assert rec.rows[KillReason.LOSS].limit == loss_usd
        assert rec.rows[KillReason.POSITION_VALUE].limit == value_usd


def test_the_day_rolls_once_at_utc_midnight() -> None:
    """T-58: the daily loss is measured from midnight on; the roll happens once a day."""
    rec = latch(loss_usd_max=100.0, loss_fraction_max=1.0, drawdown_max=0.095)
    kill_switch.on_equity(rec, 910.0)
    assert alive(kill_switch, rec, 0.0) == KillReason.NONE
    midnight = 12 * 3600.0
    assert alive(kill_switch, rec, midnight - 0.001) == KillReason.NONE
    assert rec.day_equity_usd == 1000.0
    assert alive(kill_switch, rec, midnight) == KillReason.NONE
    assert (rec.day_equity_usd, rec.peak_equity_usd) == (910.0, 910.0)
    kill_switch.on_equity(rec, 905.0)
    assert alive(kill_switch, rec, midnight + 1.0) == KillReason.NONE
    assert rec.day_equity_usd == 910.0


def test_a_clock_that_steps_back_over_midnight_does_not_roll_the_day_again() -> None:
    """T-58: daily figures are not forgotten by a step back and forth (F59)."""
    rec = latch()
    midnight = 12 * 3600.0
    alive(kill_switch, rec, midnight)
    kill_switch.on_equity(rec, 990.0)
    alive(kill_switch, rec, midnight - 1.0)
    alive(kill_switch, rec, midnight + 1.0)
    assert rec.day_equity_usd == 1000.0


def _restarted(saved: Latch, at: float) -> Latch:
    rec = latch()
    kill_switch.reset(rec, seconds(at))
    kill_switch.restore(rec, saved, seconds(at))
    return rec


def test_a_restart_on_the_same_day_keeps_the_daily_loss() -> None:
    """T-58: lost 40 before the restart and 20 after it: 60 today."""
    saved = latch()
    kill_switch.on_equity(saved, 960.0)
    rec = _restarted(saved, 3600.0)
    kill_switch.on_equity(rec, 940.0)
    assert alive(kill_switch, rec, 3600.0) == KillReason.LOSS
    assert rec.killed_value == 60.0


def test_a_restart_on_the_next_day_drops_the_daily_loss() -> None:
    """T-58, F-75: yesterday's loss does not kill today's session."""
    saved = latch()
    kill_switch.on_equity(saved, 700.0)
    rec = _restarted(saved, 86_400.0)
    kill_switch.on_equity(rec, 700.0)
    assert alive(kill_switch, rec, 86_400.0) == KillReason.NONE
    assert rec.day_equity_usd == 700.0


@pytest.mark.parametrize("later_s", [60.0, 86_400.0, 864_000.0])
def test_a_kill_survives_a_restart_until_reset(later_s: float) -> None:
    """T-58: a manual kill survives restarts of any day; it does not renew itself."""
    saved = _manual(kill_switch)
    kill_switch.check(saved, NOON_NS)
    rec = _restarted(saved, later_s)
    assert kill_switch.is_killed(rec)
    assert alive(kill_switch, rec, later_s) == KillReason.NONE
    assert (rec.reason, rec.killed_ns) == (KillReason.MANUAL, NOON_NS)


def test_an_inherited_position_is_exempt_as_far_as_it_shrinks() -> None:
    """T-30, F-76: no runaway kill at start; the exemption shrinks with the position, never grows."""
    rec = latch()
    kill_switch.on_inherited(rec, 50)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    for lots in (45, 30, 30):
        kill_switch.on_position(rec, lots)
        assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    kill_switch.on_position(rec, 31)
    assert kill_switch.check(rec, NOON_NS) == KillReason.POSITION_RUNAWAY
    assert rec.killed_limit == 30.0


def test_an_exemption_does_not_change_sides() -> None:
    """T-30: inherited +50 excuses no -50."""
    rec = latch()
    kill_switch.on_inherited(rec, 50)
    kill_switch.on_position(rec, -50)
    assert kill_switch.check(rec, NOON_NS) == KillReason.POSITION_RUNAWAY


def test_an_inherited_value_is_exempt_whatever_the_price_does() -> None:
    """T-30: the price alone does not turn an exempt position into a kill; growing does."""
    rec = latch(value_usd_max=10.0, position_lots_max=1e9)
    kill_switch.on_inherited(rec, 50)
    kill_switch.on_price(rec, 105.0, 1.05, NOON_NS)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    kill_switch.on_position(rec, 51)
    assert kill_switch.check(rec, NOON_NS) == KillReason.POSITION_VALUE


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


def test_a_deposit_is_no_gain_and_a_withdrawal_no_loss() -> None:
    """Money moved by its owner is not profit: loss and drawdown stay what they were."""
    rec = latch()
    kill_switch.on_equity(rec, 990.0)
    kill_switch.on_transfer(rec, -500.0)
    kill_switch.on_equity(rec, 490.0)
    assert kill_switch.check(rec, NOON_NS) == KillReason.NONE
    assert rec.rows[KillReason.LOSS].measured == pytest.approx(10.0)
    kill_switch.on_transfer(rec, 10_000.0)
    kill_switch.on_equity(rec, 10_490.0)
    kill_switch.check(rec, NOON_NS)
    assert rec.rows[KillReason.LOSS].measured == pytest.approx(10.0)
