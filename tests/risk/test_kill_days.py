"""Kill limits over time and money: days, restarts, inherited positions, deposits, scale."""

import pytest

from hypermaker.risk import kill_switch
from hypermaker.risk.kill_switch import KillReason
from tests.risk.latches import NOON_NS, Latch, alive, latch, seconds


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
    saved = latch()
    kill_switch.on_manual(saved)
    kill_switch.check(saved, NOON_NS)
    rec = _restarted(saved, later_s)
    assert kill_switch.is_killed(rec)
    assert alive(kill_switch, rec, later_s) == KillReason.NONE
    assert (rec.reason, rec.killed_ns) == (KillReason.MANUAL, NOON_NS)


def test_an_inherited_position_is_exempt_as_far_as_it_shrinks() -> None:
    """T-30, F-76: no runaway kill at start; the exemption shrinks and never grows."""
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
