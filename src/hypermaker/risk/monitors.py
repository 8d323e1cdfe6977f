"""MONITORS: the graduated response before the latch, as one verdict that the gate obeys.

Every row of the kill table is also watched below its limit. u is the share of the limit used up:

    warn       only said                                   (severity MEDIUM)
    reduce     adding is barred until u is well below      (HIGH)
    pull       the same, for what makes prices unreliable  (HIGH)
    kill       the latch has fired                         (CRITICAL)

Before that, drawdown shrinks what adds on both sides, and inventory shrinks the side that adds
and moves it away by a premium in bps. Rising is immediate. Falling needs the measure to be
clearly lower (`exit_share`) and the level to have stood for `dwell_s`: no flapping (F-37, F-51).
Nothing here touches what reduces the position (F-42). A NaN is the worst level.

Rows are judged one by one and the worst wins, so no warning of one hides another (the
predecessor's value warning hid 150 % of the contract limit). Source: predecessor notes 2.8.
"""

from enum import IntEnum
from math import inf
from typing import Any

import numpy as np

from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import NS_PER_S
from hypermaker.risk.gate import Bar
from hypermaker.risk.kill_switch import REASONS, KillReason
from hypermaker.risk.settings import MONITOR_LIMITS


class Response(IntEnum):
    """What is done, weakest first; the aggregate is the strongest."""

    NONE = 0
    WARN = 1
    EASE = 2
    REDUCE_ONLY = 3
    PULL = 4
    KILL = 5


class Severity(IntEnum):
    """How loudly it is said."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


NEVER = 1e300  # below inf, which a NaN counts as, so that a NaN reaches every level
ANY = 1e-9
SHARES = {  # of the kill limit: from which share on to warn, to reduce only, to pull
    KillReason.LOSS: (0.8, NEVER, NEVER),
    KillReason.DRAWDOWN: (0.7, NEVER, NEVER),
    KillReason.POSITION_VALUE: (0.4, 0.5, NEVER),  # the kill limit is twice the soft one
    KillReason.POSITION_RUNAWAY: (0.4, 0.5, NEVER),
    KillReason.STALE_MARKET: (0.25, NEVER, 0.5),
    KillReason.STALE_USER: (0.25, NEVER, 0.5),
    KillReason.RATE_LIMIT: (ANY, NEVER, NEVER),  # pulls one error before the limit, see below
    KillReason.CASCADE: (0.1, NEVER, 0.2),  # severity 1 of a limit of 5
    KillReason.PRICE_JUMP: (NEVER, NEVER, NEVER),  # pulls while the price is suspect
    KillReason.LIQUIDATION_NEAR: (0.55, 0.75, NEVER),  # buffer below about 0.5 and 0.3
    KillReason.INVENTORY_STUCK: (0.33, NEVER, NEVER),
    KillReason.MISMATCH: (ANY, NEVER, 0.2),
}
# Compiled code cannot take the larger of an enum and a number.
_NONE, _, _EASE, _REDUCE_ONLY, _PULL, _KILL = (int(response) for response in Response)
_LOW, _CRITICAL = int(Severity.LOW), int(Severity.CRITICAL)
_SHARES = np.array([SHARES.get(reason, (NEVER,) * 3) for reason in KillReason])
_RESPONSES = np.array([Response.WARN, Response.REDUCE_ONLY, Response.PULL])
_SEVERITIES = np.array(
    [Severity.NONE, Severity.MEDIUM, Severity.LOW, Severity.HIGH, Severity.HIGH, Severity.CRITICAL]
)
_DRAWDOWN_SIZES = np.array([1.0, 0.5, 0.25, 0.1])
_INVENTORY_SIZES = np.array([1.0, 0.5, 0.25])

HOLD = record(("level", "i8"), ("since_ns", "i8"))
MONITORS = record(
    ("settings", MONITOR_LIMITS),
    ("rows", HOLD, (REASONS,)),  # Response of each row of the kill table
    ("drawdown", HOLD),  # tier 0..3
    ("inventory", HOLD),  # tier 0..2
    ("response", "i8"),  # the verdict
    ("severity", "i8"),
    ("reasons", "i8"),  # bit set of 1 << KillReason: which rows are at WARN or beyond
    ("bar", "i8"),
    ("bid_fraction", "f8"),
    ("ask_fraction", "f8"),
    ("bid_shift_bps", "f8"),  # premium to add on that side, >= 0
    ("ask_shift_bps", "f8"),
)
Rec = Any


@kernel
def reset(rec: Rec, now_ns: int) -> None:
    """Start calm: full size, no shift."""
    for i in range(REASONS):
        rec.rows[i].level, rec.rows[i].since_ns = _NONE, now_ns
    rec.drawdown.level, rec.drawdown.since_ns = 0, now_ns
    rec.inventory.level, rec.inventory.since_ns = 0, now_ns
    rec.response, rec.severity, rec.reasons, rec.bar = 0, 0, 0, Bar.NONE
    rec.bid_fraction, rec.ask_fraction = 1.0, 1.0
    rec.bid_shift_bps, rec.ask_shift_bps = 0.0, 0.0


@kernel
def _hold(hold: Rec, wanted: int, lower: int, settings: Rec, now_ns: int) -> None:
    """Rise to `wanted` at once; fall to `lower`, what hysteresis allows, after the dwell time."""
    if wanted > hold.level:
        hold.level, hold.since_ns = wanted, now_ns
    elif lower < hold.level and now_ns - hold.since_ns >= settings.dwell_s * NS_PER_S:
        hold.level, hold.since_ns = lower, now_ns


@kernel
def _used(kill: Rec, reason: int) -> float:
    """Return the share of a row's limit that is used up; inf for a NaN, and beyond a zero limit."""
    measured, limit = kill.rows[reason].measured, kill.rows[reason].limit
    if reason == KillReason.LIQUIDATION_NEAR:  # the row holds -buffer, from -1 (flat) up
        measured, limit = 1.0 + measured, 1.0 + limit
    if measured != measured or limit != limit:
        return inf
    if limit <= 0.0:
        return 0.0 if measured <= limit else inf
    return 0.0 if limit == inf else float(measured / limit)


@kernel
def _row_response(kill: Rec, reason: int, used: float, stay: float) -> int:
    """Return what a row asks for when `used` of its limit is used up.

    stay   1 to enter a level, less to remain in one: thresholds are that much lower
    """
    response = _NONE
    for i in range(3):
        if not (used < _SHARES[reason, i] * stay):
            response = max(response, _RESPONSES[i])
    if reason == KillReason.RATE_LIMIT:
        row = kill.rows[reason]
        if used > 0.0 and row.measured >= row.limit - 1.0 and row.limit > 1.0:
            response = _PULL
    if reason == KillReason.PRICE_JUMP and kill.jump_frames > 0:
        response = _PULL
    return response


@kernel
def _judge_rows(rec: Rec, kill: Rec, now_ns: int) -> int:
    """Return the strongest response of all rows; remember which rows speak."""
    strongest, rec.reasons = _NONE, 0
    for reason in range(1, REASONS):
        used, hold = _used(kill, reason), rec.rows[reason]
        wanted = _row_response(kill, reason, used, 1.0)
        lower = _row_response(kill, reason, used, rec.settings.exit_share)
        _hold(hold, wanted, lower, rec.settings, now_ns)
        strongest = max(strongest, hold.level)
        if hold.level > 0:
            rec.reasons |= 1 << reason
    return strongest


@kernel
def _drawdown_tier(settings: Rec, used: float, stay: float) -> int:
    """Return how many of the three thresholds are reached, made `stay` times lower; NaN is."""
    first, second = settings.drawdown_1 * stay, settings.drawdown_2 * stay
    third = settings.drawdown_3 * stay
    return int(not used < first) + int(not used < second) + int(not used < third)


@kernel
def _inventory_tier(settings: Rec, used: float, stay: float) -> int:
    """Return how many of the two thresholds are reached, made `stay` times lower."""
    first, second = settings.inventory_1 * stay, settings.inventory_2 * stay
    return int(not used < first) + int(not used < second)


@kernel
def _judge_drawdown(rec: Rec, kill: Rec, now_ns: int) -> None:
    settings, used = rec.settings, _used(kill, KillReason.DRAWDOWN)
    wanted = _drawdown_tier(settings, used, 1.0)
    lower = _drawdown_tier(settings, used, settings.exit_share)
    _hold(rec.drawdown, wanted, lower, settings, now_ns)
    fraction = _DRAWDOWN_SIZES[rec.drawdown.level]
    rec.bid_fraction, rec.ask_fraction = fraction, fraction


@kernel
def _judge_inventory(rec: Rec, kill: Rec, now_ns: int) -> None:
    settings, position = rec.settings, kill.position_lots
    cap = kill.settings.position_lots_max
    used = abs(position) / cap if cap > 0.0 else (0.0 if position == 0 else inf)
    wanted = _inventory_tier(settings, used, 1.0)
    lower = _inventory_tier(settings, used, settings.exit_share)
    _hold(rec.inventory, wanted, lower, settings, now_ns)
    rec.bid_shift_bps, rec.ask_shift_bps = 0.0, 0.0
    level = rec.inventory.level
    if level == 0 or position == 0:
        return
    shift = settings.shift_1_bps if level == 1 else settings.shift_2_bps
    if position > 0:
        rec.bid_fraction *= _INVENTORY_SIZES[level]
        rec.bid_shift_bps = shift
    else:
        rec.ask_fraction *= _INVENTORY_SIZES[level]
        rec.ask_shift_bps = shift


@kernel
def judge(rec: Rec, kill: Rec, now_ns: int) -> int:
    """Write the verdict on the facts of the kill switch; return its Response. After `check`."""
    strongest = _judge_rows(rec, kill, now_ns)
    _judge_drawdown(rec, kill, now_ns)
    _judge_inventory(rec, kill, now_ns)
    rec.severity = _SEVERITIES[strongest]
    if strongest < _EASE and (rec.bid_fraction < 1.0 or rec.ask_fraction < 1.0):
        rec.severity = max(rec.severity, _LOW)
        strongest = _EASE
    rec.bar = Bar.ADDING if strongest >= _REDUCE_ONLY else Bar.NONE
    if kill.reason != KillReason.NONE:
        strongest, rec.severity = _KILL, _CRITICAL
        rec.bar = Bar.ADDING if rec.settings.unwind_passively == 1.0 else Bar.ALL
    rec.response = strongest
    return strongest


@kernel
def _smaller(one: float, other: float) -> float:
    """Return the smaller of two fractions, NaN when either is."""
    return one if one < other or one != one else other


@kernel
def apply(rec: Rec, gate: Rec) -> None:
    """Make the gate obey the verdict: bars only rise, fractions only fall, a NaN stays."""
    gate.bid.bar, gate.ask.bar = max(gate.bid.bar, rec.bar), max(gate.ask.bar, rec.bar)
    gate.bid.fraction = _smaller(gate.bid.fraction, rec.bid_fraction)
    gate.ask.fraction = _smaller(gate.ask.fraction, rec.ask_fraction)
