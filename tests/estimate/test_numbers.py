"""Every number of the reference about estimators is named by a test, or has its reason here."""

import re
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
SECTIONS = range(3, 8)
ELSEWHERE = {"QUE-1": "queue models belong to the backtest room"}
BEHAVIOURS = [*range(1, 25), *range(83, 98)]
NOT_HERE = {
    88: "there is no volume clock: volatility is sampled in time, so bucket sizes have no user",
    92: "spread regimes moved nothing but sizes that nobody read; the touch itself is used",
    94: "no session clock and no HJB controller: a perpetual has no terminal time",
    95: "queue positions belong to the backtest room and the order table",
}


def named() -> str:
    """Return the text of every test of this room."""
    files = [path for path in (TESTS / "estimate").rglob("*.py") if path != Path(__file__)]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_acceptance_case_is_named(cases: dict[str, dict[str, Any]]) -> None:
    """Sections 3 to 7."""
    text = named()
    wanted = {id_ for id_, case in cases.items() if case["section"] in SECTIONS}
    missing = {id_ for id_ in wanted - set(ELSEWHERE) if not re.search(rf"\b{id_}\b", text)}
    assert not missing
    assert set(ELSEWHERE) <= wanted


def test_every_behaviour_is_named() -> None:
    """T-01 to T-24 and T-83 to T-97."""
    text = named()
    missing = {n for n in BEHAVIOURS if n not in NOT_HERE and not re.search(rf"T-{n:02d}\b", text)}
    assert not missing
