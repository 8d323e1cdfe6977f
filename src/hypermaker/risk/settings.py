"""SETTINGS: every number a trader may set in the risk room, with unit, reason and test.

One row a limit. The settings records of the kernels are laid out from these tables, the user's
choices are checked against them, and a test keeps `docs/risk.md` equal to them. A record that was
never configured is all zeros: a latch with no losses, no silence and no position allowed. So
forgetting to configure closes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import numpy.typing as npt

from hypermaker.core.kernel import record
from hypermaker.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """One number a trader may set.

    Parameters
    ----------
    name      field of the record and key of the configuration
    default   value when the user says nothing
    unit      of the value
    meaning   what happens at the limit, in one line
    test      the test that fails when the limit does nothing: `file.py::name`
    """

    name: str
    default: float
    unit: str
    meaning: str
    test: str


Table = tuple[Setting, ...]


def record_of(table: Table) -> np.dtype[Any]:
    """Return the record with one float field for each setting, in the table's order."""
    return record(*((setting.name, "f8") for setting in table))


def configure(settings: npt.NDArray[Any], table: Table, chosen: Mapping[str, float]) -> None:
    """Write the defaults, then the user's choices, into a settings record (its 1-element array).

    Raises ConfigError for a name the table lacks and for a value that is negative or NaN;
    infinity is a value: no limit of that kind.
    """
    names = [setting.name for setting in table]
    for name in chosen:
        if name not in names:
            raise ConfigError(f"risk.{name}", chosen[name], f"one of {', '.join(names)}")
    for setting in table:
        value = float(chosen.get(setting.name, setting.default))
        if isnan(value) or value < 0:
            raise ConfigError(f"risk.{setting.name}", value, f"zero or more [{setting.unit}]")
        settings[setting.name] = value


_FIRES = "test_kill_switch.py::test_a_reason_fires_and_its_mutant_does_not"

KILL_SETTINGS: Table = (
    Setting(
        "disarmed",
        0.0,
        "0 or 1",
        "1 switches the whole latch off; for the local exchange only",
        "test_kill_switch.py::test_a_disarmed_latch_fires_on_nothing",
    ),
    Setting("loss_usd_max", 500.0, "USD", "LOSS: lost more than this since UTC midnight", _FIRES),
    Setting(
        "loss_fraction_max",
        0.05,
        "of equity at midnight",
        "LOSS: the same, scaled to the account; the tighter one counts",
        "test_kill_days.py::test_limits_scale_with_equity",
    ),
    Setting(
        "loss_usd_min",
        1.0,
        "USD",
        "LOSS: scaling never goes below this: fees of one fill are no disaster",
        "test_kill_days.py::test_limits_scale_with_equity",
    ),
    Setting(
        "drawdown_max",
        0.05,
        "of peak equity",
        "DRAWDOWN: equity is further below the day's peak than this",
        _FIRES,
    ),
    Setting(
        "peak_usd_min",
        10.0,
        "USD",
        "DRAWDOWN: a lower peak has no drawdown: nothing to measure against",
        "test_kill_switch.py::test_a_tiny_peak_has_no_drawdown",
    ),
    Setting(
        "value_usd_max",
        10_000.0,
        "USD",
        "POSITION_VALUE: kills at twice this; above it the gate is reduce-only",
        _FIRES,
    ),
    Setting(
        "value_equity_max",
        3.0,
        "of equity",
        "POSITION_VALUE: the same, scaled to the account; the tighter one counts",
        "test_kill_days.py::test_limits_scale_with_equity",
    ),
    Setting(
        "position_lots_max",
        0.0,
        "lots",
        "POSITION_RUNAWAY: kills at twice this; the engine sets it to the user's cap",
        _FIRES,
    ),
    Setting("market_silence_s_max", 30.0, "s", "STALE_MARKET: no market data for longer", _FIRES),
    Setting(
        "user_silence_s_max", 60.0, "s", "STALE_USER: no word of the account for longer", _FIRES
    ),
    Setting(
        "rate_errors_max", 3.0, "errors", "RATE_LIMIT: more refusals for rate than this", _FIRES
    ),
    Setting(
        "rate_forget_s",
        600.0,
        "s",
        "RATE_LIMIT: one error is forgotten each time this passes; 0: none ever",
        "test_kill_switch.py::test_rate_errors_are_forgotten_one_at_a_time",
    ),
    Setting(
        "cascade_max",
        5.0,
        "severity (1 = pull)",
        "CASCADE: in the detector's own unit, which has no ceiling",
        _FIRES,
    ),
    Setting(
        "jump_max",
        0.15,
        "of price",
        "PRICE_JUMP: moved more than this within about a second",
        _FIRES,
    ),
    Setting(
        "jump_frames_min",
        3.0,
        "frames",
        "PRICE_JUMP: so many frames must agree; one bad frame only withdraws quotes",
        "test_kill_switch.py::test_one_bad_frame_is_suspect_but_does_not_kill",
    ),
    Setting(
        "liquidation_buffer_min",
        0.1,
        "of equity",
        "LIQUIDATION_NEAR: equity above maintenance margin is less than this share of equity",
        _FIRES,
    ),
    Setting(
        "stuck_fraction_min",
        0.1,
        "of position_lots_max",
        "INVENTORY_STUCK: a smaller position cannot be stuck",
        "test_kill_switch.py::test_a_small_position_is_never_stuck",
    ),
    Setting(
        "stuck_s_max",
        60.0,
        "s",
        "INVENTORY_STUCK: no order that reduces has rested for longer",
        _FIRES,
    ),
    Setting(
        "mismatch_s_max",
        10.0,
        "s",
        "MISMATCH: engine and exchange have differed in position for longer",
        _FIRES,
    ),
)

_EASES = "test_monitors.py::test_tiers_shrink_and_shift_and_do_not_flap"

MONITOR_SETTINGS: Table = (
    Setting(
        "drawdown_1",
        0.4,
        "of drawdown_max",
        "what adds shrinks to 1/2 on both sides",
        "test_monitors.py::test_drawdown_shrinks_both_sides",
    ),
    Setting(
        "drawdown_2",
        0.6,
        "of drawdown_max",
        "what adds shrinks to 1/4",
        "test_monitors.py::test_drawdown_shrinks_both_sides",
    ),
    Setting(
        "drawdown_3",
        0.8,
        "of drawdown_max",
        "what adds shrinks to 1/10",
        "test_monitors.py::test_drawdown_shrinks_both_sides",
    ),
    Setting("inventory_1", 0.5, "of position_lots_max", "the adding side shrinks to 1/2", _EASES),
    Setting("inventory_2", 0.8, "of position_lots_max", "the adding side shrinks to 1/4", _EASES),
    Setting("shift_1_bps", 2.0, "bps", "premium of the adding side from inventory_1 on", _EASES),
    Setting("shift_2_bps", 5.0, "bps", "premium of the adding side from inventory_2 on", _EASES),
    Setting(
        "exit_share",
        0.8,
        "of the level",
        "a level is left only below this share of where it was entered",
        _EASES,
    ),
    Setting("dwell_s", 5.0, "s", "and only after having stood so long", _EASES),
    Setting(
        "unwind_passively",
        0.0,
        "0 or 1",
        "after a kill: 1 keeps quoting reduce-only, 0 quotes nothing",
        "test_monitors.py::test_a_kill_ends_as_the_policy_says",
    ),
)

KILL_LIMITS = record_of(KILL_SETTINGS)
MONITOR_LIMITS = record_of(MONITOR_SETTINGS)
