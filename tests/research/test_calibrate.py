"""`hypermaker calibrate`: the table, the JSON, the plot, and one line for what cannot be read."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest

from hypermaker import __main__
from hypermaker.core.actions import ACTION
from hypermaker.core.events import EVENT, Events, Kind, Source
from hypermaker.core.kernel import cache_key
from hypermaker.errors import TapeError
from hypermaker.research.calibrate import calibrate
from hypermaker.research.drive import drive
from hypermaker.research.tapes import open_tape
from hypermaker.state import EngineConfig
from hypermaker.tape.format import FORMAT, Header, Tag, pack_header, pack_record
from tests.research.markets import START_NS, config, drawn, tape_of

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Run `hypermaker calibrate` in this process and an empty folder: (status, out, err)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hypermaker", "calibrate", *arguments])
        try:
            __main__.main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def contexts(seconds: int) -> Events:
    """A context message a second: mark, open interest and a funding rate of 0.125 bps an hour."""
    made = np.zeros(seconds, EVENT)
    made["kind"], made["source"] = Kind.CONTEXT, Source.CONTEXT
    made["venue_ns"] = START_NS + np.arange(seconds) * 10**9
    made["received_ns"] = made["venue_ns"] + 200_000_000
    made["mark_ticks"] = made["oracle_ticks"] = 1_000_000
    made["open_interest_lots"], made["funding_e10"] = 10**9, 125_000
    return made


def written_journal(path: Path, events: Events, settings: EngineConfig) -> Path:
    """A session's journal with these events and no actions."""
    engine: dict[str, Any] = msgspec.to_builtins(settings)
    head = Header(FORMAT, 1, "BTC", "local", "0x" + "11" * 20, START_NS, {}, cache_key(), engine)
    steps = b"".join(
        pack_record(Tag.STEP, events[at : at + 1].tobytes()) for at in range(len(events))
    )
    path.write_bytes(pack_header(head) + steps)
    return path


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of a session, with contexts."""
    events = np.concatenate([drawn(seed=11, seconds=600), contexts(600)], dtype=EVENT)
    events = events[np.argsort(events["venue_ns"], kind="stable")]
    assert ACTION.itemsize == 64
    return written_journal(tmp_path_factory.mktemp("s") / "journal.hmj", events, config())


def test_json_is_one_object_without_a_number_that_is_none(command: Command, journal: Path) -> None:
    """Every estimator has its rows; what has no value says why."""
    status, out, err = command(str(journal), "--json")
    assert status == 0
    assert err == "" or err.startswith("Compiling")  # the first of all runs on a machine
    assert out.count("\n") == 1 and "NaN" not in out and "Infinity" not in out
    told = json.loads(out)
    rows = told["estimates"]
    assert {row["model"] for row in rows} == {
        "volatility", "jumps", "stochastic vol", "regime", "fill intensity", "fair price",
        "order flow", "self-excitation", "adverse selection", "funding", "forced flow", "cascade",
    }  # fmt: skip
    assert all(row["unit"] for row in rows)
    assert all(row["verdict"] for row in rows if row["value"] is None)
    assert sum(row["model"] == "adverse selection" for row in rows) == 2 * 4 * 4
    funding = next(row for row in rows if row["model"] == "funding")
    assert funding["value"] == pytest.approx(0.125)
    assert told["asset"] == "BTC" and told["taker_orders"] > 100


def test_the_table_names_units_errors_samples_and_verdicts(command: Command, journal: Path) -> None:
    status, out, _ = command(str(journal.parent))
    assert status == 0
    for words in ("unit", "± s.e.", "sample", "verdict", "bps/√s", "1/bps", "fits"):
        assert words in out
    assert "nan" not in out.lower()


def test_the_plot_is_one_picture_of_four_panels(command: Command, journal: Path) -> None:
    """Well-formed, self-contained, finite numbers only."""
    status, out, _ = command(str(journal), "--json", "--plot", "seen.svg")
    assert status == 0 and json.loads(out)["plot"] == "seen.svg"
    text = Path("seen.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    tags = [node.tag.rpartition("}")[2] for node in root.iter()]
    assert tags.count("rect") == 5 and tags.count("polyline") >= 8
    assert "nan" not in text and "inf" not in text.replace("infinite", "")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_without_a_word_the_plot_lies_beside_the_reader(command: Command, journal: Path) -> None:
    assert command(str(journal), "--json")[0] == 0
    assert Path("calibration-BTC.svg").is_file()


def test_what_is_no_tape_is_one_line_and_status_two(
    command: Command, journal: Path, tmp_path: Path
) -> None:
    """Missing, empty, foreign, torn before its header, of another asset, or nothing at all."""
    empty, foreign, torn = (tmp_path / name for name in ("empty.hmj", "x.parquet", "torn.hmj"))
    empty.write_bytes(b"")
    foreign.write_bytes(b"PAR1")
    torn.write_bytes(journal.read_bytes()[:20])
    asked = [[str(tmp_path / "none")], [str(empty)], [str(foreign)], [str(torn)], [str(tmp_path)]]
    asked += [[str(journal), "--asset", "ETH"], [], [str(journal), "--plot", str(tmp_path)]]
    asked += [["--liquidations", str(tmp_path / "none")], [str(journal), "--liquidations", "x"]]
    for arguments in asked:
        status, out, err = command(*arguments)
        assert (status, out) == (2, ""), arguments
        assert err.startswith("hypermaker: ") and err.count("\n") == 1, err


def test_a_torn_tail_is_left_out(command: Command, journal: Path, tmp_path: Path) -> None:
    """A session that was killed still teaches all that was whole."""
    torn = tmp_path / "journal.hmj"
    torn.write_bytes(journal.read_bytes()[:-30])
    counts = [json.loads(command(str(p), "--json")[1])["events"] for p in (journal, torn)]
    assert counts[1] == counts[0] - 1


def test_a_tape_that_stands_still_has_reasons_instead_of_numbers() -> None:
    """A price that never moves, no taker: no row is a number it cannot be."""
    events = drawn(seed=12, seconds=60)
    events = events[events["kind"] == Kind.BBO]
    for name in ("bid_ticks", "ask_ticks", "bid_lots", "ask_lots"):
        events[name] = events[name][0]
    report, _ = calibrate(tape_of(events))
    for row in report.estimates:
        assert row.value is None or np.isfinite(row.value)
        assert row.value is not None or row.verdict, row
    with pytest.raises(TapeError):
        calibrate(tape_of(events[:1]))


def test_two_hours_take_seconds() -> None:
    """With a touch every 250 ms and prints; the second run shows the cost without compiling."""
    if not hasattr(drive, "py_func"):
        pytest.skip("the compiler is switched off: nothing to time")
    tape = tape_of(drawn(seed=13, seconds=7200))
    calibrate(tape)
    began = perf_counter()
    report, _ = calibrate(tape)
    assert report.span_s > 7190.0
    assert perf_counter() - began < 5.0


def test_every_recorded_session_can_be_calibrated(shared: Path, tmp_path: Path) -> None:
    """Assets we list and one we do not, whose grid follows from its prices and sizes."""
    folder = shared / "data" / "hyperliquid" / "l2_bbo_trades" / "2025-09-03T1255Z"
    if not folder.is_dir():
        pytest.skip(f"no recording: {folder} does not exist")
    for asset in ("BTC", "ETH", "SOL", "WLFI"):
        tape = open_tape(folder, asset)
        assert tape.events.dtype == EVENT, "another layout would be compiled for, at every start"
        report, _ = calibrate(tape)
        sigma = report.estimates[0]
        assert sigma.value is not None and 0.1 < sigma.value < 10.0
    shutil.copy(folder / "BTC_bbo.parquet", tmp_path / "BTC_bbo.parquet")
    with pytest.raises(TapeError, match="holds no BTC_trades"):
        open_tape(tmp_path)
