"""`./hm bench [NAME ...] [--quick] [--json]`: run the cases in this folder, print times and ratios.

A case is a file here with `run(quick: bool) -> list[Row]`; its name is the file's. The exit status
says that the cases ran, not how fast: a goal that was missed is marked in the table.
"""

import argparse
import importlib
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.row import Row

FOLDER = Path(__file__).resolve().parent
NOT_CASES = {"__init__", "__main__", "row"}
Case = Callable[[bool], list[Row]]
COLUMNS = ("case", "what", "ours", "baseline", "ratio", "goal", "against")


def case_names() -> list[str]:
    """Return the names of the cases in this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NOT_CASES)


def load_case(name: str) -> Case:
    """Return the `run` of a case."""
    case: Case = importlib.import_module(f"bench.{name}").run
    return case


def machine() -> dict[str, str | int]:
    """Return what a figure depends on besides the code."""
    import os

    import numba
    import numpy as np

    return {
        "machine": platform.machine(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


def as_text(figure: float | None, unit: str = "") -> str:
    """Return a figure with three significant digits, or nothing.

    >>> as_text(41.26, "us"), as_text(0.0612), as_text(1234.5), as_text(None)
    ('41.3 us', '0.0612', '1,234', '')
    """
    if figure is None:
        return ""
    text = f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
    return f"{text} {unit}".rstrip()


def as_cells(case: str, row: Row) -> tuple[str, ...]:
    """Return a row as the cells of the table."""
    ratio = "" if row.ratio is None else f"{as_text(row.ratio)}x"
    goal = "" if row.goal is None else f"< {as_text(row.goal)} {'met' if row.is_met else 'MISSED'}"
    ours, baseline = as_text(row.ours, row.unit), as_text(row.baseline, row.unit)
    return case, row.name, ours, baseline, ratio, goal, row.against


def as_table(measured: list[tuple[str, Row]]) -> str:
    """Return every row as one table of text."""
    cells = [COLUMNS, *(as_cells(case, row) for case, row in measured)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    rule = "  ".join("-" * width for width in widths)
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], rule, *lines[1:]])


def as_record(case: str, row: Row) -> dict[str, object]:
    """Return a row for `--json`, with its ratio."""
    return {"case": case, **row._asdict(), "ratio": row.ratio, "is_met": row.is_met}


def measure(names: list[str], *, quick: bool) -> list[tuple[str, Row]]:
    """Run the cases one after the other, saying on standard error which one is at work."""
    measured = []
    for name in names:
        began = time.perf_counter()
        print(f"bench {name} ...", end=" ", file=sys.stderr, flush=True)
        measured += [(name, row) for row in load_case(name)(quick)]
        print(f"{time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    return measured


def main() -> None:
    """Run the command line; the entry point of `python -m bench`."""
    known = case_names()
    parser = argparse.ArgumentParser(prog="hm bench", description="Measure ours beside others.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"cases: {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="rough figures in a few seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    wanted = parser.parse_args()
    for name in wanted.names:
        if name not in known:
            parser.exit(2, f"hm bench: no case {name!r}; there are: {', '.join(known) or 'none'}\n")
    measured = measure(wanted.names or known, quick=wanted.quick)
    if wanted.json:
        rows = [as_record(case, row) for case, row in measured]
        print(json.dumps({"machine": machine(), "rows": rows}))
        return
    print(as_table(measured))
    print("\n" + ", ".join(f"{name} {value}" for name, value in machine().items()))


if __name__ == "__main__":
    main()
