"""KILL_SWITCH: a one-way latch with a table of reasons.

Each reason has a row: what is measured and its limit. The row fires when `not measured <= limit`,
so exactly at the limit it holds, beyond it fires, and a NaN on either side fires too. `on_*`
functions write facts as they arrive; `check` turns facts and time into rows and reads the table
in the order of `KillReason`. It runs after every event, timers included, so that silence fires.

The latch keeps the first reason, with its number and limit, and the set of all reasons that were
true then or later. Nothing but `reset` opens it: no event, no midnight, no restart.

Daily figures (equity at midnight, the day's peak) roll once at UTC midnight. `restore` takes them
from the last session when it ended the same day; a kill is taken from any day.
"""

from enum import IntEnum
from math import inf, nan
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import NS_PER_S
from hypermaker.risk.settings import KILL_LIMITS


class KillReason(IntEnum):
    """Why the latch fired, in the order of checking: of several, the first is named."""

    NONE = 0
    LOSS = 1
    DRAWDOWN = 2
    POSITION_VALUE = 3
    POSITION_RUNAWAY = 4
    STALE_MARKET = 5
    STALE_USER = 6
    RATE_LIMIT = 7
    CASCADE = 8
    PRICE_JUMP = 9
    LIQUIDATION_NEAR = 10
    LIQUIDATED = 11
    INVENTORY_STUCK = 12
    MISMATCH = 13
    NON_FINITE = 14
    MANUAL = 15


REASONS = len(KillReason)
KILL_MULTIPLE = 2.0  # of the position limits; between 1x and 2x the gate is reduce-only
DAY_NS = 86_400 * NS_PER_S
JUMP_WINDOW_NS = NS_PER_S
FORGET_S_MAX = 1e9  # 30 years in nanoseconds still fit an i8
ROW = record(("measured", "f8"), ("limit", "f8"))

KILL_SWITCH = record(
    ("settings", KILL_LIMITS),
    ("rows", ROW, (REASONS,)),
    ("reason", "i8"),  # KillReason; 0: the latch is open and quoting is allowed
    ("reasons", "i8"),  # bit set of 1 << KillReason
    ("killed_ns", "i8"),
    ("killed_value", "f8"),
    ("killed_limit", "f8"),
    ("equity_known", "i8"),
    ("day", "i8"),  # UTC days since the epoch
    ("equity_usd", "f8"),
    ("day_equity_usd", "f8"),  # at UTC midnight, or when first known
    ("peak_equity_usd", "f8"),  # of the day
    ("position_lots", "i8"),
    ("exempt_lots", "i8"),  # inherited at start, signed; only ever shrinks
    ("lot_usd", "f8"),  # 0 until a price is known
    ("market_ns", "i8"),
    ("user_ns", "i8"),
    ("rate_errors", "i8"),
    ("rate_ns", "i8"),  # since when the next error is being forgotten
    ("jump_price", "f8"),  # what new prices are compared with; 0 before the first
    ("jump_ns", "i8"),
    ("jump_frames", "i8"),  # how many in a row are beyond the limit
    ("stuck_ns", "i8"),  # since when nothing reduces the position; -1 while something does
    ("mismatch_ns", "i8"),  # since when engine and exchange differ; -1 while they agree
)
Rec = Any


@kernel
def reset(rec: Rec, received_ns: int) -> None:
    """Open the latch and forget every fact but the settings: a decision of the operator."""
    for i in range(REASONS):
        rec.rows[i].measured, rec.rows[i].limit = 0.0, 0.0
    rec.rows[KillReason.LIQUIDATION_NEAR].measured = -1.0  # as if flat, until the first word
    rec.reason, rec.reasons, rec.killed_ns = KillReason.NONE, 0, 0
    rec.killed_value, rec.killed_limit = 0.0, 0.0
    rec.equity_known, rec.day = 0, received_ns // DAY_NS
    rec.equity_usd, rec.day_equity_usd, rec.peak_equity_usd = nan, nan, nan
    rec.position_lots, rec.exempt_lots, rec.lot_usd = 0, 0, 0.0
    rec.market_ns, rec.user_ns = received_ns, received_ns
    rec.rate_errors, rec.rate_ns = 0, received_ns
    rec.jump_price, rec.jump_ns, rec.jump_frames = 0.0, received_ns, 0
    rec.stuck_ns, rec.mismatch_ns = -1, -1


@kernel
def restore(rec: Rec, saved: Rec, received_ns: int) -> None:
    """Take over a kill from the last session, and its daily figures if it is still that day.

    saved   the KILL_SWITCH record the last session left; `rec` was reset before
    """
    rec.reason, rec.reasons, rec.killed_ns = saved.reason, saved.reasons, saved.killed_ns
    rec.killed_value, rec.killed_limit = saved.killed_value, saved.killed_limit
    if saved.day == received_ns // DAY_NS and saved.equity_known == 1:
        rec.equity_known, rec.day = 1, saved.day
        rec.equity_usd, rec.day_equity_usd = saved.equity_usd, saved.day_equity_usd
        rec.peak_equity_usd = saved.peak_equity_usd


@kernel
def is_killed(rec: Rec) -> bool:
    """Return whether the latch has fired."""
    return bool(rec.reason != KillReason.NONE)


@kernel
def on_equity(rec: Rec, equity_usd: float) -> None:
    """Take the account's equity [USD]; not finite fires NON_FINITE."""
    if not (-inf < equity_usd < inf):
        rec.rows[KillReason.NON_FINITE].measured = 1.0
        return
    if rec.equity_known == 0:
        rec.equity_known = 1
        rec.day_equity_usd, rec.peak_equity_usd = equity_usd, equity_usd
    rec.equity_usd = equity_usd
    rec.peak_equity_usd = max(rec.peak_equity_usd, equity_usd)


@kernel
def on_transfer(rec: Rec, payment_usd: float) -> None:
    """Take a deposit (> 0) or withdrawal (< 0) [USD]: neither a gain nor a loss.

    The equity that contains it is expected next, by `on_equity`.
    """
    if not (-inf < payment_usd < inf):
        rec.rows[KillReason.NON_FINITE].measured = 1.0
    elif rec.equity_known == 1:
        rec.equity_usd += payment_usd
        rec.day_equity_usd += payment_usd
        rec.peak_equity_usd += payment_usd


@kernel
def on_inherited(rec: Rec, position_lots: int) -> None:
    """Exempt the position found at start from the position limits, as far as it only shrinks."""
    rec.exempt_lots = position_lots
    on_position(rec, position_lots)


@kernel
def on_position(rec: Rec, position_lots: int) -> None:
    """Take our position [lots, signed]; the exemption shrinks with it and never grows."""
    rec.position_lots = position_lots
    if position_lots * rec.exempt_lots <= 0:
        rec.exempt_lots = 0
    elif abs(position_lots) < abs(rec.exempt_lots):
        rec.exempt_lots = position_lots


@kernel
def on_market(rec: Rec, received_ns: int) -> None:
    """Take a sign of life of the market data."""
    rec.market_ns = max(rec.market_ns, received_ns)


@kernel
def on_user(rec: Rec, received_ns: int) -> None:
    """Take a sign of life of the account's streams."""
    rec.user_ns = max(rec.user_ns, received_ns)


@kernel
def on_price(rec: Rec, price: float, lot_usd: float, received_ns: int) -> None:
    """Take a price (any unit that stays the same) and what a lot is worth at it [USD].

    It is compared with the price of about a second ago. Only a price within the limit becomes the
    next to compare with, so frames beyond it must agree with each other before they kill.
    """
    if not (0.0 < price < inf) or not (0.0 < lot_usd < inf):
        rec.rows[KillReason.NON_FINITE].measured = 1.0
        return
    rec.lot_usd = lot_usd
    if rec.jump_price == 0.0:
        rec.jump_price, rec.jump_ns = price, received_ns
    jump = abs(price / rec.jump_price - 1.0)
    if not (jump <= rec.settings.jump_max):
        rec.jump_frames += 1
        if not (rec.jump_frames < rec.settings.jump_frames_min):
            rec.rows[KillReason.PRICE_JUMP].measured = jump
        return
    rec.jump_frames = 0
    if received_ns - rec.jump_ns >= JUMP_WINDOW_NS:
        rec.jump_price, rec.jump_ns = price, received_ns


@kernel
def is_price_suspect(rec: Rec) -> bool:
    """Return whether the last price is too far from the one before to be quoted on yet."""
    return bool(rec.jump_frames > 0)


@kernel
def on_rate_error(rec: Rec, received_ns: int) -> None:
    """Take one refusal for rate (HTTP 429 or the venue's throttle); a batch counts once."""
    if rec.rate_errors == 0:
        rec.rate_ns = received_ns
    rec.rate_errors += 1


@kernel
def on_cascade(rec: Rec, severity: float) -> None:
    """Take the detector's severity, in its own unit and without a ceiling (T-14); NaN fires."""
    rec.rows[KillReason.CASCADE].measured = severity


@kernel
def on_liquidation_buffer(rec: Rec, buffer: float) -> None:
    """Take the share of equity above maintenance margin: 1 flat, <= 0 liquidated; NaN fires."""
    rec.rows[KillReason.LIQUIDATION_NEAR].measured = -buffer


@kernel
def on_liquidated(rec: Rec) -> None:
    """Take a fill of ours that the venue marked as a liquidation or auto-deleveraging."""
    rec.rows[KillReason.LIQUIDATED].measured = 1.0


@kernel
def on_reducing(rec: Rec, reducing_lots: int, received_ns: int) -> None:
    """Take how many lots rest on the side that reduces our position, after every event."""
    least = rec.settings.stuck_fraction_min * rec.settings.position_lots_max
    small = rec.position_lots == 0 or abs(rec.position_lots) < least
    if reducing_lots > 0 or small:
        rec.stuck_ns = -1
    elif rec.stuck_ns < 0:
        rec.stuck_ns = received_ns


@kernel
def on_reconciled(rec: Rec, difference_lots: int, received_ns: int) -> None:
    """Take the exchange's position less ours [lots], compared like with like (F44)."""
    if difference_lots == 0:
        rec.mismatch_ns = -1
    elif rec.mismatch_ns < 0:
        rec.mismatch_ns = received_ns


@kernel
def on_non_finite(rec: Rec) -> None:
    """Take the news that some number of ours is NaN or infinite."""
    rec.rows[KillReason.NON_FINITE].measured = 1.0


@kernel
def on_manual(rec: Rec) -> None:
    """Take the operator's order to stop."""
    rec.rows[KillReason.MANUAL].measured = 1.0


@kernel
def check(rec: Rec, received_ns: int) -> int:
    """Check every reason; return the KillReason if the latch fires now, else 0.

    Once fired it stays, returns 0, and only adds further reasons to the set.
    """
    _roll_day(rec, received_ns)
    _measure_equity(rec)
    _measure_position(rec)
    _measure_silence(rec, received_ns)
    _measure_trouble(rec, received_ns)
    if rec.settings.disarmed == 1.0:
        return KillReason.NONE
    fired: int = KillReason.NONE
    for i in range(1, REASONS):
        row = rec.rows[i]
        if row.measured <= row.limit:
            continue
        rec.reasons |= 1 << i
        if rec.reason == KillReason.NONE:
            fired = i
            rec.reason, rec.killed_ns = i, received_ns
            rec.killed_value, rec.killed_limit = row.measured, row.limit
    return fired


@kernel
def _roll_day(rec: Rec, received_ns: int) -> None:
    """At UTC midnight today's figures start from the equity we have; time never runs back."""
    day = received_ns // DAY_NS
    if day > rec.day:
        rec.day = day
        rec.day_equity_usd, rec.peak_equity_usd = rec.equity_usd, rec.equity_usd


@kernel
def _smaller(one: float, other: float) -> float:
    """Return the smaller of two limits, NaN (which fires) when either is."""
    return one if one < other or one != one else other


@kernel
def _larger(one: float, other: float) -> float:
    """Return the larger of two limits, NaN (which fires) when either is."""
    return one if one > other or one != one else other


@kernel
def _measure_equity(rec: Rec) -> None:
    """Rows LOSS and DRAWDOWN, from the first account event on."""
    loss, drawdown = rec.rows[KillReason.LOSS], rec.rows[KillReason.DRAWDOWN]
    settings = rec.settings
    drawdown.limit, loss.limit = settings.drawdown_max, settings.loss_usd_max
    drawdown.measured, loss.measured = 0.0, 0.0
    if rec.equity_known == 0:
        return
    scaled = _larger(settings.loss_fraction_max * rec.day_equity_usd, settings.loss_usd_min)
    loss.limit = _smaller(settings.loss_usd_max, scaled)
    loss.measured = rec.day_equity_usd - rec.equity_usd
    if not (rec.peak_equity_usd < settings.peak_usd_min):
        drawdown.measured = (rec.peak_equity_usd - rec.equity_usd) / rec.peak_equity_usd


@kernel
def _measure_position(rec: Rec) -> None:
    """Rows POSITION_VALUE and POSITION_RUNAWAY; what was inherited counts only if it grows."""
    value, runaway = rec.rows[KillReason.POSITION_VALUE], rec.rows[KillReason.POSITION_RUNAWAY]
    settings, exempt = rec.settings, abs(rec.exempt_lots)
    value_max = settings.value_usd_max
    if rec.equity_known == 1:
        scaled = settings.value_equity_max * max(0.0, rec.equity_usd)
        value_max = _smaller(value_max, scaled)
    value.measured = abs(rec.position_lots) * rec.lot_usd
    value.limit = _larger(KILL_MULTIPLE * value_max, exempt * rec.lot_usd)
    runaway.measured = float(abs(rec.position_lots))
    runaway.limit = _larger(KILL_MULTIPLE * settings.position_lots_max, float(exempt))


@kernel
def _measure_silence(rec: Rec, received_ns: int) -> None:
    """Rows STALE_MARKET and STALE_USER, in seconds."""
    market, user = rec.rows[KillReason.STALE_MARKET], rec.rows[KillReason.STALE_USER]
    market.measured = (received_ns - rec.market_ns) / NS_PER_S
    market.limit = rec.settings.market_silence_s_max
    user.measured = (received_ns - rec.user_ns) / NS_PER_S
    user.limit = rec.settings.user_silence_s_max


@kernel
def _forget_rate_errors(rec: Rec, received_ns: int) -> None:
    """Forget one error for each `rate_forget_s` that has passed; none when that is no time."""
    forget_s = rec.settings.rate_forget_s
    if rec.rate_errors == 0 or not (0.0 < forget_s < FORGET_S_MAX):
        return
    forget_ns = max(1, int(forget_s * NS_PER_S))
    forgotten = max(0, received_ns - rec.rate_ns) // forget_ns
    rec.rate_errors = max(0, rec.rate_errors - forgotten)
    rec.rate_ns += forgotten * forget_ns


@kernel
def _measure_trouble(rec: Rec, received_ns: int) -> None:
    """The rows whose facts are written as they come: limits, and how long they have lasted."""
    settings, rows = rec.settings, rec.rows
    _forget_rate_errors(rec, received_ns)
    rows[KillReason.RATE_LIMIT].measured = float(rec.rate_errors)
    rows[KillReason.RATE_LIMIT].limit = settings.rate_errors_max
    rows[KillReason.CASCADE].limit = settings.cascade_max
    rows[KillReason.PRICE_JUMP].limit = settings.jump_max
    rows[KillReason.LIQUIDATION_NEAR].limit = -settings.liquidation_buffer_min
    stuck, apart = rows[KillReason.INVENTORY_STUCK], rows[KillReason.MISMATCH]
    stuck.measured = 0.0 if rec.stuck_ns < 0 else (received_ns - rec.stuck_ns) / NS_PER_S
    stuck.limit = settings.stuck_s_max
    apart.measured = 0.0 if rec.mismatch_ns < 0 else (received_ns - rec.mismatch_ns) / NS_PER_S
    apart.limit = settings.mismatch_s_max
