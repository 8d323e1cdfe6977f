"""The graduated response: what each level does, that the gate obeys it, and that it is steady."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.core.ladder import LADDER
from hypermaker.core.units import NS_PER_S
from hypermaker.risk import gate as gates
from hypermaker.risk import kill_switch, monitors
from hypermaker.risk.gate import GATE, Bar
from hypermaker.risk.kill_switch import KillReason
from hypermaker.risk.monitors import MONITORS, SHARES, Response, Severity
from hypermaker.risk.settings import MONITOR_SETTINGS, configure
from tests.risk.latches import CAP_LOTS, NOON_NS, Latch, alive, latch, seconds

Monitors = Any


def watching(**chosen: float) -> Monitors:
    """Return calm monitors with default settings."""
    made = np.zeros(1, MONITORS)
    configure(made["settings"], MONITOR_SETTINGS, chosen)
    monitors.reset(made[0], NOON_NS)
    return made[0]


def judged(kill: Latch, at: float = 0.0, rec: Monitors | None = None) -> Monitors:
    """Return the verdict at a time, feeds alive."""
    made = watching() if rec is None else rec
    alive(kill_switch, kill, at)
    monitors.judge(made, kill, seconds(at))
    return made


def verdict(kill: Latch, at: float = 0.0) -> tuple[int, int]:
    """Return (response, severity) of fresh monitors."""
    rec = judged(kill, at)
    return int(rec.response), int(rec.severity)


WARNED = (Response.WARN, Severity.MEDIUM)
REDUCED = (Response.REDUCE_ONLY, Severity.HIGH)
PULLED = (Response.PULL, Severity.HIGH)
KILLED = (Response.KILL, Severity.CRITICAL)


@pytest.mark.parametrize(("loss", "expected"), [(450.0, WARNED), (600.0, KILLED)])
def test_the_loss_monitor(loss: float, expected: tuple[int, int]) -> None:
    """T-61: loss 450 of 500: Medium; 600: Critical, kill."""
    kill = latch(equity=1e5)
    kill_switch.on_equity(kill, 1e5 - loss)
    assert verdict(kill) == expected


def test_the_drawdown_monitor() -> None:
    """T-61: drawdown 8 % of 10 %: Medium; and by its tier nearly nothing may add."""
    kill = latch(equity=1e5, drawdown_max=0.10, loss_usd_max=1e9, loss_fraction_max=1.0)
    kill_switch.on_equity(kill, 0.92 * 1e5)
    rec = judged(kill)
    assert (rec.response, rec.severity) == (Response.EASE, Severity.MEDIUM)
    assert rec.reasons == 1 << KillReason.DRAWDOWN


@pytest.mark.parametrize(
    ("value", "expected"), [(9_000.0, WARNED), (12_000.0, REDUCED), (25_000.0, KILLED)]
)
def test_the_value_monitor(value: float, expected: tuple[int, int]) -> None:
    """T-61: value 9 k of 10 k: Medium; 12 k: reduce only; 25 k: kill."""
    kill = latch(equity=1e6, value_usd_max=10_000.0, position_lots_max=1e6)
    kill_switch.on_price(kill, 100.0, 100.0, NOON_NS)
    kill_switch.on_position(kill, round(value / 100.0))
    assert verdict(kill) == expected


@pytest.mark.parametrize(("silence_s", "expected"), [(20.0, PULLED), (35.0, KILLED)])
def test_the_staleness_monitor(silence_s: float, expected: tuple[int, int]) -> None:
    """T-61: data 20 s of 30 s: pull; 35 s: kill."""
    kill, rec = latch(), watching()
    kill_switch.on_user(kill, seconds(silence_s))
    kill_switch.check(kill, seconds(silence_s))
    monitors.judge(rec, kill, seconds(silence_s))
    assert (rec.response, rec.severity) == expected


@pytest.mark.parametrize(
    ("errors", "limit", "expected"), [(1, 5.0, WARNED), (2, 3.0, PULLED), (5, 3.0, KILLED)]
)
def test_the_rate_monitor(errors: int, limit: float, expected: tuple[int, int]) -> None:
    """T-61: rate 1 of 5: Medium; 2 of 3: pull; 5 of 3: kill. A limit of 1 is not "pull always"."""
    kill = latch(rate_errors_max=limit)
    for _ in range(errors):
        kill_switch.on_rate_error(kill, NOON_NS)
    assert verdict(kill) == expected
    assert verdict(latch(rate_errors_max=1.0)) == (Response.NONE, Severity.NONE)


def test_a_suspect_price_pulls_until_it_is_confirmed_or_gone() -> None:
    """F53: one frame beyond the jump limit withdraws what adds."""
    kill = latch()
    kill_switch.on_price(kill, 125.0, 1.25, NOON_NS)
    assert verdict(kill) == PULLED


def test_no_warning_hides_another() -> None:
    """Predecessor 2.8: 85 % of the value limit hid 150 % of the contract limit."""
    kill = latch(equity=1e6, value_usd_max=10_000.0)
    kill_switch.on_price(kill, 100.0, 8_500.0 / 15, NOON_NS)
    kill_switch.on_position(kill, CAP_LOTS + CAP_LOTS // 2)
    rec = judged(kill)
    assert rec.response == Response.REDUCE_ONLY
    assert rec.reasons == 1 << KillReason.POSITION_VALUE | 1 << KillReason.POSITION_RUNAWAY


@given(st.data())
def test_the_aggregate_is_the_strongest_of_all_rows(data: st.DataObject) -> None:
    """T-62: max severity, Kill > Pull > ReduceOnly, whatever the rows and their order."""
    kill, rec = latch(), watching()
    strongest = Response.NONE
    for reason, shares in SHARES.items():
        used = data.draw(st.sampled_from([0.0, 0.05, 0.3, 0.45, 0.6, 0.9]))
        row = kill.rows[int(reason)]
        row.limit, row.measured = 100.0, 100.0 * used
        if reason == KillReason.LIQUIDATION_NEAR:
            row.limit, row.measured = 0.0, used - 1.0
        if reason == KillReason.DRAWDOWN:
            row.measured = 0.0
            continue
        reached = [r for r, share in zip((1, 3, 4), shares, strict=True) if used >= share]
        strongest = max(strongest, *[Response(r) for r in reached], Response.NONE)
    monitors.judge(rec, kill, NOON_NS)
    assert rec.response == strongest
    assert rec.bar == (Bar.ADDING if strongest >= Response.REDUCE_ONLY else Bar.NONE)


def _gated(rec: Monitors, position: int, bids: int, asks: int) -> tuple[int, int]:
    """Return the (bid, ask) lots left of one level a side after verdict and gate."""
    gate, ladder = np.zeros(1, GATE)[0], np.zeros(1, LADDER)[0]
    gate.position_lots = position
    gate.user_lots = gate.long_lots_max = gate.short_lots_max = 100
    gate.bid.fraction = gate.ask.fraction = 1.0
    ladder.bid_levels = ladder.ask_levels = 1
    for level, size in ((ladder.bids[0], bids), (ladder.asks[0], asks)):
        level.size_lots, level.raw_ticks = size, 1000.0
    monitors.apply(rec, gate)
    gates.pass_ladder(gate, ladder)
    return (
        int(ladder.bids[0].size_lots) if ladder.bid_levels else 0,
        int(ladder.asks[0].size_lots) if ladder.ask_levels else 0,
    )


def test_the_verdict_gates_orders() -> None:
    """T-62, F-77: the predecessor's aggregate was only logged; here it decides what is quoted."""
    kill = latch()
    assert _gated(judged(kill), 2, 8, 8) == (8, 8)
    kill_switch.on_cascade(kill, 1.0)
    assert _gated(judged(kill), 2, 8, 8) == (0, 2)


def test_a_pull_leaves_what_reduces() -> None:
    """T-15, F-41: during a cascade with position +2, asks up to 2 remain, bids are gone."""
    kill = latch()
    kill_switch.on_cascade(kill, 4.0)
    rec = judged(kill)
    assert (rec.response, rec.severity) == PULLED
    assert _gated(rec, 2, 5, 5) == (0, 2)
    assert _gated(rec, -2, 5, 5) == (2, 0)
    assert _gated(rec, 0, 5, 5) == (0, 0)


@pytest.mark.parametrize(("passively", "left"), [(0.0, (0, 0)), (1.0, (0, 2))])
def test_a_kill_ends_as_the_policy_says(passively: float, left: tuple[int, int]) -> None:
    """I6: after the latch nothing adds; what reduces is quoted only when the user wants that."""
    kill = latch()
    kill_switch.on_manual(kill)
    rec = judged(kill, rec=watching(unwind_passively=passively))
    assert (rec.response, rec.severity) == KILLED
    assert _gated(rec, 2, 5, 5) == left


def test_drawdown_shrinks_both_sides() -> None:
    """Item 8: at 40, 60 and 80 % of the drawdown limit what adds is 1/2, 1/4 and 1/10."""
    for drawdown, fraction in ((0.019, 1.0), (0.0201, 0.5), (0.0301, 0.25), (0.0401, 0.1)):
        kill = latch(equity=1e5, loss_usd_max=1e9, loss_fraction_max=1.0)
        kill_switch.on_equity(kill, 1e5 * (1 - drawdown))
        rec = judged(kill)
        assert (rec.bid_fraction, rec.ask_fraction) == (fraction, fraction)
        assert _gated(rec, 40, 20, 80) == (round(20 * fraction), 40 + round(40 * fraction))


@pytest.mark.parametrize("sign", [1, -1])
def test_tiers_shrink_and_shift_and_do_not_flap(sign: int) -> None:
    """Item 8, F-37, F-51: inventory at the edge of a tier moves in and out of it; the level stays.

    Only the adding side is touched (F-42).
    """
    kill, rec = latch(position_lots_max=100.0), watching()
    changes, last = 0, 0
    for step in range(400):
        kill_switch.on_position(kill, sign * (50 if step % 2 else 49))
        judged(kill, 0.1 * step, rec)
        changes += int(rec.inventory.level != last)
        last = int(rec.inventory.level)
    assert (last, changes) == (1, 1)
    adding = (rec.bid_fraction, rec.bid_shift_bps)
    reducing = (rec.ask_fraction, rec.ask_shift_bps)
    if sign < 0:
        adding, reducing = reducing, adding
    assert adding == (0.5, 2.0)
    assert reducing == (1.0, 0.0)
    kill_switch.on_position(kill, sign * 85)
    assert judged(kill, 41.0, rec).inventory.level == 2
    assert max(rec.bid_shift_bps, rec.ask_shift_bps) == 5.0


def test_a_level_is_left_when_the_measure_is_clearly_lower_and_time_has_passed() -> None:
    """Item 8: 49 of 100 does not leave tier 1 (entered at 50), 39 does, but not before 5 s."""
    kill, rec = latch(position_lots_max=100.0), watching()
    kill_switch.on_position(kill, 50)
    judged(kill, 0.0, rec)
    kill_switch.on_position(kill, 39)
    assert judged(kill, 4.9, rec).inventory.level == 1
    kill_switch.on_position(kill, 41)
    assert judged(kill, 60.0, rec).inventory.level == 1
    kill_switch.on_position(kill, 39)
    assert judged(kill, 60.1, rec).inventory.level == 0
    assert (rec.bid_fraction, rec.bid_shift_bps) == (1.0, 0.0)


def test_a_pull_does_not_flap_either() -> None:
    """F-51: a feed that is silent for 16 s, then speaks once a second: one pull, one end of it."""
    kill, rec = latch(), watching()
    kill_switch.on_user(kill, seconds(16.0))
    kill_switch.check(kill, seconds(16.0))
    assert monitors.judge(rec, kill, seconds(16.0)) == Response.PULL
    responses = [int(judged(kill, 16.0 + second, rec).response) for second in range(1, 20)]
    assert responses == [Response.PULL] * 4 + [Response.NONE] * 15


@pytest.mark.parametrize("reason", [r for r in KillReason if r != KillReason.NONE])
def test_a_nan_row_is_the_worst_row(reason: KillReason) -> None:
    """NaN anywhere closes: the row pulls."""
    kill, rec = latch(), watching()
    kill_switch.check(kill, NOON_NS)
    kill.rows[int(reason)].measured = math.nan
    monitors.judge(rec, kill, NOON_NS)
    assert rec.response == Response.PULL


@pytest.mark.parametrize("name", ["drawdown_1", "inventory_2", "exit_share", "dwell_s"])
def test_a_nan_setting_never_opens(name: str) -> None:
    """With a NaN setting the response is at least as strong as without."""
    kill, rec, bad = latch(position_lots_max=100.0), watching(), watching()
    setattr(bad.settings, name, math.nan)
    for step, position in enumerate((60, 85, 60, 10, 0, 0)):
        kill_switch.on_position(kill, position)
        judged(kill, 10.0 * step, rec)
        monitors.judge(bad, kill, NOON_NS + 10 * step * NS_PER_S)
        assert bad.bid_fraction <= rec.bid_fraction
        assert bad.response >= rec.response


def test_the_gate_keeps_a_stronger_bar_than_the_verdict() -> None:
    """Bars only rise and fractions only fall: a calm verdict opens nothing."""
    rec, gate = watching(), np.zeros(1, GATE)[0]
    gate.bid.bar, gate.bid.fraction, gate.ask.fraction = Bar.ALL, 0.2, math.nan
    monitors.apply(rec, gate)
    assert (gate.bid.bar, gate.bid.fraction) == (Bar.ALL, 0.2)
    assert math.isnan(gate.ask.fraction)
    rec.ask_fraction, gate.ask.fraction = math.nan, 1.0
    monitors.apply(rec, gate)
    assert math.isnan(gate.ask.fraction)
