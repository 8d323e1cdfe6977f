"""The benchmark runner: every case can be run, every figure is shown with its ratio."""

import ast
import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as runner
from bench.row import Row

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BESIDE = Row("sign one order", 41.26, "us", baseline=495.12, against="official SDK", goal=82.5)
ALONE = Row("one event", 63.0, "ns", goal=60.0)


@pytest.mark.parametrize("name", runner.case_names())
def test_every_case_keeps_the_contract(name: str) -> None:
    """A file beside the runner has `run(quick: bool) -> list[Row]`; it is read, not run."""
    tree = ast.parse((runner.FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "run"]
    assert [[arg.arg for arg in run.args.args] for run in found] == [["quick"]]
    assert [ast.unparse(run.returns) for run in found if run.returns] == ["list[Row]"]


def test_a_ratio_says_how_many_times_cheaper_ours_is() -> None:
    """Without a baseline or a goal there is nothing to say."""
    assert BESIDE.ratio == pytest.approx(12.0) and BESIDE.is_met is True
    assert ALONE.ratio is None and ALONE.is_met is False
    assert Row("x", 1.0, "us").is_met is None


def test_the_table_shows_ratios_and_marks_a_missed_goal() -> None:
    """One line a figure under one line of headings."""
    lines = runner.as_table([("sign", BESIDE), ("engine", ALONE)]).splitlines()
    assert len(lines) == 4 and lines[0].split() == list(runner.COLUMNS)
    assert "41.3 us" in lines[2] and "12x" in lines[2] and "met" in lines[2]
    assert "63 ns" in lines[3] and "MISSED" in lines[3]


def test_the_record_of_a_row_carries_its_ratio() -> None:
    """What `--json` prints can be read back."""
    read = json.loads(json.dumps(runner.as_record("sign", BESIDE)))
    assert read["case"] == "sign" and read["ratio"] == pytest.approx(12.0)
    assert read["is_met"] is True and read["unit"] == "us"


def test_the_examples_of_the_runner_hold() -> None:
    """Its docstrings are read as tests."""
    assert doctest.testmod(runner).failed == 0


def test_a_case_that_does_not_exist_is_one_clear_line() -> None:
    """Exit status 2, and the line names those that do."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nosuch"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "nosuch" in done.stderr
