"""The settings: strict, complete, and the page a trader reads says what the code does."""

import ast
import math
import re
from pathlib import Path

import numpy as np
import pytest

from hypermaker.errors import ConfigError
from hypermaker.risk import exchange_limits, margin, monitors, value_limit
from hypermaker.risk.kill_switch import KILL_MULTIPLE, KillReason
from hypermaker.risk.settings import (
    KILL_LIMITS,
    KILL_SETTINGS,
    MONITOR_LIMITS,
    MONITOR_SETTINGS,
    Setting,
    Table,
    configure,
)

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "risk.md"
ALL = KILL_SETTINGS + MONITOR_SETTINGS


def _names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("setting", ALL, ids=lambda s: s.name)
def test_every_setting_names_a_test_that_exists(setting: Setting) -> None:
    """A limit without a test is a wish."""
    file, _, name = setting.test.partition("::")
    assert name in _names_in(HERE / file)


def row(setting: Setting) -> str:
    """Return a setting's line of the page."""
    default = f"{setting.default:g}"
    return (
        f"| `{setting.name}` | {default} | {setting.unit} | {setting.meaning} | `{setting.test}` |"
    )


@pytest.mark.parametrize("table", [KILL_SETTINGS, MONITOR_SETTINGS], ids=["kill", "monitors"])
def test_the_page_shows_every_setting_as_the_code_has_it(table: Table) -> None:
    """docs/risk.md holds the table's rows, in its order, and no other row of a setting."""
    wanted = [row(setting) for setting in table]
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    names = {f"| `{setting.name}` " for setting in table}
    assert [line for line in lines if any(line.startswith(name) for name in names)] == wanted


def test_the_page_names_every_reason_in_order() -> None:
    """The list of kill reasons on the page is the enum's."""
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\d+\. `([A-Z_]+)`", text, re.MULTILINE)
    assert listed == [reason.name for reason in KillReason if reason != KillReason.NONE]


def test_the_page_states_the_constants_as_the_code_has_them() -> None:
    """The numbers that are not settings: their row on the page is made from the code."""
    constants = {
        "exchange_limits.AGE_FULL_NS": f"{exchange_limits.AGE_FULL_NS / 1e9:g} s",
        "exchange_limits.AGE_HALF_NS": f"{exchange_limits.AGE_HALF_NS / 1e9:g} s",
        "margin.MARGIN_BUFFER": f"{margin.MARGIN_BUFFER:g}",
        "value_limit.RISK_FRACTION": f"{value_limit.RISK_FRACTION:g}",
        "value_limit.SIGMAS": f"{value_limit.SIGMAS:g}",
        "value_limit.SIGMA_PRIOR": f"{value_limit.SIGMA_PRIOR:g}",
        "kill_switch.KILL_MULTIPLE": f"{KILL_MULTIPLE:g}",
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, value in constants.items():
        assert f"| `{name}` | {value} |" in text


def test_the_page_shows_the_monitors_shares() -> None:
    """Warn, reduce-only and pull levels on the page are the ones of the code."""
    text = PAGE.read_text(encoding="utf-8")
    for reason, shares in monitors.SHARES.items():
        if all(share == monitors.NEVER for share in shares):
            continue
        words = {monitors.NEVER: "-", monitors.ANY: "any"}
        cells = " | ".join(words.get(share, f"{share:g}") for share in shares)
        assert f"| {reason.name} | {cells} |" in text


@pytest.mark.parametrize(
    ("record", "table"), [(KILL_LIMITS, KILL_SETTINGS), (MONITOR_LIMITS, MONITOR_SETTINGS)]
)
def test_defaults_and_choices_reach_the_record(record: np.dtype[np.void], table: Table) -> None:
    """F-79: what was configured is what the kernel reads; infinity is a choice."""
    for setting in table:
        settings = np.zeros(1, record)
        configure(settings, table, {setting.name: math.inf})
        for other in table:
            wanted = math.inf if other is setting else other.default
            assert settings[other.name][0] == wanted


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"los_usd_max": 5.0}, "los_usd_max"),
        ({"loss_usd_max": -5.0}, "zero or more [USD]"),
        ({"loss_usd_max": math.nan}, "loss_usd_max"),
    ],
)
def test_a_bad_choice_is_refused(chosen: dict[str, float], words: str) -> None:
    """T-80: unknown key, negative limit and NaN refuse to start, and the message says why."""
    with pytest.raises(ConfigError, match=re.escape(words)):
        configure(np.zeros(1, KILL_LIMITS), KILL_SETTINGS, chosen)
