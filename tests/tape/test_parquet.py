"""Recorded sessions come out clean and in order, and broken ones in one clear line."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hypermaker.core.events import Events, Flag, Kind
from hypermaker.errors import TapeError
from hypermaker.tape.parquet import GAP_MS_MAX, assets_in, read_recording

T0 = 1_700_000_000_000
SESSIONS = "data/hyperliquid/l2_bbo_trades"


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def touches(*times_ms: int) -> list[dict[str, Any]]:
    return [
        {"timestamp": at / 1e3, "price": price, "size": 1.5, "side": side, "exchange_timestamp": at}
        for at in times_ms
        for side, price in (("bid", 123.45), ("ask", 123.46))
    ]


def print_(at: int, tid: int, side: str = "buy") -> dict[str, Any]:
    return {
        "timestamp": at / 1e3, "price": 123.46, "size": 0.25, "side": side, "trade_id": tid,
        "exchange_timestamp": at,
    }  # fmt: skip


def session(folder: Path, *, prints: list[dict[str, Any]], times: tuple[int, ...]) -> Path:
    write(folder / "SOL_bbo.parquet", touches(*times))
    write(folder / "SOL_trades.parquet", prints)
    return folder


def tids(events: Events) -> list[int]:
    return [int(tid) for tid in events["tid"][events["kind"] == Kind.TRADE]]


def test_back_fill_duplicates_and_late_rows_are_put_right(tmp_path: Path) -> None:
    prints = [
        print_(T0 - 5_000, 1),  # older than the first touch: the subscription's back-fill
        print_(T0 + 10, 2),
        print_(T0 + 30, 4, "sell"),
        print_(T0 + 20, 3),  # out of order
        print_(T0 + 30, 4, "sell"),  # told again after a reconnect
    ]
    events = read_recording(session(tmp_path, prints=prints, times=(T0, T0 + 20)), "SOL", 2)
    assert tids(events) == [2, 3, 4]
    assert (np.diff(events["venue_ns"]) >= 0).all()
    assert events["kind"].tolist()[:4] == [Kind.BBO, Kind.TRADE, Kind.TRADE, Kind.BBO]
    assert events["side"][events["kind"] == Kind.TRADE].tolist() == [1, 1, -1]


def test_prints_inside_a_gap_of_the_book_are_back_fill_too(tmp_path: Path) -> None:
    late = T0 + 10 * GAP_MS_MAX
    prints = [print_(T0 + 1, 1), print_(late - 100, 2), print_(late + 1, 3)]
    events = read_recording(session(tmp_path, prints=prints, times=(T0, late)), "SOL", 2)
    assert tids(events) == [1, 3]


def test_prices_and_sizes_are_exact_on_the_assets_grid(tmp_path: Path) -> None:
    events = read_recording(session(tmp_path, prints=[print_(T0, 1)], times=(T0,)), "SOL", 2)
    touch = events[events["kind"] == Kind.BBO][0]
    assert (touch["bid_ticks"], touch["bid_lots"]) == (1_234_500, 150)
    assert (touch["ask_ticks"], touch["ask_lots"]) == (1_234_600, 150)


@pytest.mark.parametrize(
    ("name", "asset", "decimals", "books"),
    [("2025-09-03T1255Z", "BTC", 5, 446), ("2025-12-10T2119Z", "ETH", 4, None)],
)
def test_real_sessions_lose_nothing_but_their_documented_defects(
    shared: Path, name: str, asset: str, decimals: int, books: int | None
) -> None:
    """Every book is whole, no book crosses, and only back-fill and duplicates are missing."""
    folder = shared / SESSIONS / name
    events = read_recording(folder, asset, decimals)
    raw = pq.read_table(folder / f"{asset}_trades.parquet")
    times = raw["exchange_timestamp"].to_numpy()
    unique = len(set(zip(times.tolist(), raw["trade_id"].to_pylist(), strict=True)))
    kept = tids(events)
    assert len(kept) == len(set(kept)) and unique - 60 <= len(kept) <= unique - 20
    depth = events[events["kind"] == Kind.DEPTH]
    assert len(depth) % 20 == 0 and (depth["marks"][19::20] == Flag.LAST).all()
    best = depth[depth["level"] == 0]
    assert (best["bid_ticks"] < best["ask_ticks"]).all()
    assert books is None or abs(len(best) - books) <= 3
    assert (np.diff(events["venue_ns"]) >= 0).all()


def test_a_file_stands_for_the_session_it_belongs_to(shared: Path) -> None:
    folder = shared / SESSIONS / "2025-09-04T1946Z"
    assert assets_in(folder) == ("BTC", "SOL")
    one = read_recording(folder / "SOL_bbo.parquet", "SOL", 2)
    assert one.tobytes() == read_recording(folder, "SOL", 2).tobytes()


def test_a_daily_file_without_a_book_can_be_read_and_a_folder_of_days_must_be_narrowed(
    shared: Path,
) -> None:
    folder = shared / "data/hyperliquid/bbo_trades_btc_daily"
    events = read_recording(folder / "2025-09-02_BTC_bbo.parquet", "BTC", 5)
    assert set(events["kind"].tolist()) == {Kind.BBO, Kind.TRADE}
    with pytest.raises(TapeError, match="name one file"):
        read_recording(folder, "BTC", 5)


def broken(folder: Path, what: str) -> Path:
    """Break a good session in one way; return the path to give."""
    session(folder, prints=[print_(T0, 1)], times=(T0,))
    bad_touch, bad_print = touches(T0), print_(T0, 1)
    bad_touch[0] |= {"zero": {"price": 0.0}, "grid": {"price": 123.456789}}.get(what, {})
    bad_print |= {"side": {"side": "up"}, "id": {"trade_id": "x"}}.get(what, {})
    if what in ("zero", "grid"):
        write(folder / "SOL_bbo.parquet", bad_touch)
    elif what in ("side", "id"):
        write(folder / "SOL_trades.parquet", [bad_print])
    elif what == "half":
        write(folder / "SOL_bbo.parquet", bad_touch[:1])
    elif what == "empty":
        full = pa.Table.from_pylist([print_(T0, 1)])
        pq.write_table(full.slice(0, 0), folder / "SOL_trades.parquet")
    elif what == "bytes":
        (folder / "SOL_bbo.parquet").write_bytes(b"PAR1 this is not parquet PAR1")
    elif what == "column":
        write(folder / "SOL_trades.parquet", [{"price": 1.0}])
    elif what == "missing":
        (folder / "SOL_trades.parquet").unlink()
    return folder / "nowhere" if what == "path" else folder


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("path", "no such file or folder"),
        ("missing", "holds no SOL_trades.parquet"),
        ("bytes", "not readable parquet"),
        ("column", "has no column exchange_timestamp"),
        ("empty", "is empty"),
        ("half", "no message with both sides"),
        ("zero", "not above zero"),
        ("grid", "not on a grid of 4 decimals"),
        ("side", "side says 'up', not buy or sell"),
        ("id", "trade_id"),
    ],
)
def test_a_broken_tape_says_what_is_wrong_in_one_line(tmp_path: Path, what: str, says: str) -> None:
    path = broken(tmp_path, what)
    with pytest.raises(TapeError, match=says) as caught:
        read_recording(path, "SOL", 2)
    assert "\n" not in str(caught.value)


def test_an_asset_that_is_not_there_is_told_what_is(tmp_path: Path) -> None:
    folder = session(tmp_path, prints=[print_(T0, 1)], times=(T0,))
    with pytest.raises(TapeError, match="no recording of BTC, but of SOL"):
        read_recording(folder, "BTC", 5)
