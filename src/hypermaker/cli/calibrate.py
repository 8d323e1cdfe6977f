"""`hypermaker calibrate`: what a recording teaches, with error bars and verdicts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hypermaker.research.calibrate import Report
    from hypermaker.research.findings import Estimate

MARKOUTS = "adverse selection"
COMPILED = "calibrated"
"""Name of the mark in the folder of machine code that says: this command has compiled its part."""
COMPILE_S = 40
WIDE = 150
"""Columns of the table when nobody's terminal says otherwise."""


def calibrate(
    tape: Annotated[
        Path | None, typer.Argument(help="A recorded session's folder or file, or a journal.")
    ] = None,
    asset: Annotated[
        str | None, typer.Option(help="Which asset of a recording; BTC if it is there.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Where the plot goes; calibration-ASSET.svg if not said.")
    ] = None,
    liquidations: Annotated[
        Path | None,
        typer.Option(help="Instead of a tape: records of liquidations, to measure detection on."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run every estimator over a tape: estimate, error, sample, and whether the model fits."""
    from hypermaker.errors import ConfigError

    if (tape is None) == (liquidations is None):
        raise ConfigError("TAPE", tape, "a recorded session or a journal, or else --liquidations")
    if tape is not None:
        _learn(_journal_in(tape), asset, plot, as_json=as_json)
    elif liquidations is not None:
        _measure(liquidations, as_json=as_json)


def _learn(path: Path, asset: str | None, plot: Path | None, *, as_json: bool) -> None:
    """Calibrate on one tape, draw the plot and print the table."""
    import msgspec

    from hypermaker.research.calibrate import calibrate as learn
    from hypermaker.research.plot import draw
    from hypermaker.research.tapes import open_tape

    opened = open_tape(path, asset)
    with _said_if_cold():
        report, curves = learn(opened)
    drawn = plot or Path(f"calibration-{report.asset}.svg")
    title = f"{report.asset}, {report.span_s / 60:.0f} min, {report.taker_orders} taker orders"
    _write(drawn, draw(curves, title))
    if as_json:
        told = msgspec.to_builtins(report) | {"plot": str(drawn)}
        typer.echo(msgspec.json.encode(told).decode())
        return
    _print(report, drawn)


def _measure(path: Path, *, as_json: bool) -> None:
    """Measure the detectors of forced flow and print the table."""
    import msgspec

    from hypermaker.research.liquidations import measure

    with _said_if_cold():
        rows = measure(path)
    if as_json:
        told = {"liquidations": str(path), "estimates": msgspec.to_builtins(rows)}
        typer.echo(msgspec.json.encode(told).decode())
        return
    _console().print(_table(rows, "how well forced flow is found"))


@contextmanager
def _said_if_cold() -> Iterator[None]:
    """Say on stderr that the first run compiles, and remember when it has."""
    from hypermaker.core.kernel import CACHE_FOLDER

    mark = CACHE_FOLDER / COMPILED
    if not mark.exists():
        typer.echo(f"Compiling the estimators, once (up to {COMPILE_S} s) ...", err=True)
    yield
    with suppress(OSError):  # a cache nobody can write to is said to be cold every time
        mark.touch()


def _journal_in(tape: Path) -> Path:
    """Return the journal of a session's folder, or the path itself."""
    from hypermaker.shell.journal import JOURNAL_NAME

    journal = tape / JOURNAL_NAME
    return journal if journal.is_file() else tape


def _write(path: Path, text: str) -> None:
    from hypermaker.errors import ConfigError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise ConfigError("--plot", path, f"a file that can be written ({reason})") from error


def _print(report: "Report", drawn: Path) -> None:
    console = _console()
    console.print(
        f"{report.asset}: {report.events} events, {report.taker_orders} taker orders "
        f"in {report.span_s / 60:.1f} min ({report.tape})",
        soft_wrap=True,
        highlight=False,
    )
    rows = [row for row in report.estimates if row.model != MARKOUTS]
    console.print(_table(rows, "estimates, data alone"))
    console.print(_markouts([row for row in report.estimates if row.model == MARKOUTS]))
    console.print(f"plot: {drawn}", soft_wrap=True, highlight=False)


def _console() -> "Console":
    """Return the terminal, or a wide page when the output goes elsewhere."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _table(rows: "list[Estimate]", title: str) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in ("model", "estimate", "unit"):
        table.add_column(name)
    for name in ("value", "± s.e.", "sample"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    last = ""
    for row in rows:
        colour = {True: "green", False: "red", None: "default"}[row.fits]
        table.add_row(
            "" if row.model == last else row.model,
            row.name,
            row.unit,
            _number(row.value),
            _number(row.stderr),
            f"{row.sample:.0f}",
            f"[{colour}]{row.verdict}[/]",
        )
        last = row.model
    return table


def _markouts(rows: "list[Estimate]") -> "Table":
    """Return the markouts as a table of its own: a row a side and depth, a column a horizon."""
    from rich.table import Table

    horizons = list(dict.fromkeys(row.name.rpartition("after ")[2] for row in rows))
    table = Table(title="adverse move after a fill, bps ± s.e. (orders)", title_justify="left")
    table.add_column("aggressor and depth")
    for horizon in horizons:
        table.add_column(horizon, justify="right", no_wrap=True)
    for first in range(0, len(rows), len(horizons)):
        group = rows[first : first + len(horizons)]
        cells = [_cell(row) for row in group]
        table.add_row(group[0].name.rpartition(", after")[0], *cells)
    return table


def _cell(row: "Estimate") -> str:
    if not row.sample:
        return "-"
    return f"{_number(row.value)} ± {_number(row.stderr)} ({row.sample:.0f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
