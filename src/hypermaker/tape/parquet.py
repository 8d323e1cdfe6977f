"""Recorded market data in parquet: one asset's book, touch and prints, cleaned and in order.

A session is a folder of `<ASSET>_bbo`, `<ASSET>_trades` and (mostly) `<ASSET>_book` files as a
collector on the public WebSocket wrote them. What such recordings get wrong is put right here and
nowhere else: prints from before the first book, or inside a gap of it, are back-fill told on
(re)connecting (dropped: no book is known for them), prints
repeated after a reconnect are one print, rows out of order are sorted by the venue's own time.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hypermaker.core.events import EVENT, Events, Flag, Kind, Source
from hypermaker.core.units import NS_PER_MS, NS_PER_S, PERP_DECIMALS_MAX
from hypermaker.errors import TapeError

GRID_ERROR_MAX = 1e-3  # of a tick or lot: a float that is farther off belongs to another grid
GAP_MS_MAX = 5_000  # prints longer after the last book or touch were told after a reconnect
LEVELS = 20
Column = npt.NDArray[Any]


def assets_in(path: Path) -> tuple[str, ...]:
    """Return which assets a folder (or the session one file belongs to) holds, sorted.

    Raises TapeError when there is nothing to replay.
    """
    if path.is_file():
        return (_asset_of(path),)
    if not path.is_dir():
        raise TapeError(path, "there is no such file or folder")
    found = sorted({_asset_of(one) for one in path.glob("*_bbo.parquet")})
    if not found:
        raise TapeError(path, "holds no <ASSET>_bbo.parquet")
    return tuple(found)


def _asset_of(path: Path) -> str:
    stem, _, kind = path.stem.rpartition("_")
    if path.suffix != ".parquet" or kind not in ("bbo", "book", "trades") or not stem:
        raise TapeError(path, "is not named <ASSET>_bbo, _book or _trades .parquet")
    return stem.rpartition("_")[2]


def read_recording(path: Path, asset: str, sz_decimals: int) -> Events:
    """Return one asset's recording as EVENTs: BBO, DEPTH and TRADE, in the venue's order of time.

    The path is a session folder or any one of its files. It begins with the first known book or
    touch; within one millisecond prints come first, then the touch, then the book they left.
    Raises TapeError, in one line, for files that are missing, broken, empty or of another grid.
    """
    held = assets_in(path)
    if asset not in held:
        raise TapeError(path, f"holds no recording of {asset}, but of {', '.join(held)}")
    grid = (PERP_DECIMALS_MAX - sz_decimals, sz_decimals)
    files = _session_files(path, asset)
    known = [_touches(files["bbo"], grid)]
    if "book" in files:
        known.append(_books(files["book"], grid))
    known_ns = np.unique(np.concatenate([part["venue_ns"] for part in known]))
    prints = _trades(files["trades"], grid)
    parts = [prints[_were_live(prints["venue_ns"], known_ns)], *known]
    rows = np.concatenate(parts, dtype=EVENT)  # numpy would lay a union's fields side by side
    rank = np.select([rows["kind"] == Kind.TRADE, rows["kind"] == Kind.BBO], [0, 1], 2)
    return rows[np.lexsort((rank, rows["venue_ns"]))]


def _were_live(venue_ns: Column, known_ns: Column) -> Column:
    """Return which prints have a known book around them: the others are back-fill of a gap."""
    at = np.searchsorted(known_ns, venue_ns, side="right") - 1
    age_ns = venue_ns - known_ns[np.maximum(at, 0)]
    return (at >= 0) & (age_ns <= GAP_MS_MAX * NS_PER_MS)


def _session_files(path: Path, asset: str) -> dict[str, Path]:
    """Return the files of one session by kind; a book is optional, prints are not."""
    if path.is_file():
        folder, prefix = path.parent, path.stem.rpartition("_")[0]
    else:
        names = sorted(path.glob(f"*{asset}_bbo.parquet"))
        named = [one for one in names if _asset_of(one) == asset]
        if len(named) > 1:
            raise TapeError(path, f"holds {len(named)} recordings of {asset}: name one file")
        folder, prefix = path, named[0].stem.rpartition("_")[0]
    files = {
        kind: folder / f"{prefix}_{kind}.parquet"
        for kind in ("bbo", "book", "trades")
        if (folder / f"{prefix}_{kind}.parquet").is_file()
    }
    for kind in ("bbo", "trades"):
        if kind not in files:
            raise TapeError(folder, f"holds no {prefix}_{kind}.parquet")
    return files


def _columns(path: Path, names: list[str]) -> dict[str, Column]:
    """Return columns of a file as arrays; raises TapeError unless all are there and whole."""
    try:
        missing = [name for name in names if name not in pq.read_schema(path).names]
        if missing:
            raise TapeError(path, f"has no column {missing[0]}")
        table = pq.read_table(path, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise TapeError(path, f"is not readable parquet: {str(error).splitlines()[0]}") from error
    if table.num_rows == 0:
        raise TapeError(path, "is empty")
    nulls = [name for name in names if table[name].null_count]
    if nulls:
        raise TapeError(path, f"has empty cells in column {nulls[0]}")
    return {name: table[name].to_numpy() for name in names}


def _units(path: Path, name: str, values: Column, decimals: int) -> npt.NDArray[np.int64]:
    """Return a float column as integers of 10^-decimals; raises TapeError off the grid."""
    if not np.issubdtype(values.dtype, np.number):
        raise TapeError(path, f"column {name} is not numeric")
    scaled = values.astype(np.float64) * float(10**decimals)
    if not np.isfinite(scaled).all() or bool((scaled <= 0).any()):
        raise TapeError(path, f"column {name} has values that are not above zero")
    whole = np.rint(scaled)
    if bool((np.abs(scaled - whole) > GRID_ERROR_MAX).any()):
        raise TapeError(path, f"column {name} is not on a grid of {decimals} decimals")
    return whole.astype(np.int64)


def _events(kind: Kind, read: dict[str, Column], rows: Column) -> Events:
    """Return empty events of a kind with the times of these rows."""
    made = np.zeros(len(rows), EVENT)
    made["kind"] = kind
    made["venue_ns"] = read["exchange_timestamp"][rows] * NS_PER_MS
    made["received_ns"] = np.rint(read["timestamp"][rows] * NS_PER_S).astype(np.int64)
    return made


def _sides(path: Path, read: dict[str, Column], plus: str, minus: str) -> Column:
    """Return +1 or -1 a row; raises TapeError for any other word."""
    words = read["side"].astype(str)
    wrong = (words != plus) & (words != minus)
    if wrong.any():
        raise TapeError(path, f"column side says {str(words[wrong][0])!r}, not {plus} or {minus}")
    return np.where(words == plus, 1, -1)


def _touches(path: Path, grid: tuple[int, int]) -> Events:
    """Return the `bbo` messages: two rows each, bid and ask, with one time."""
    read = _columns(path, ["exchange_timestamp", "timestamp", "price", "size", "side"])
    prices = _units(path, "price", read["price"], grid[0])
    sizes = _units(path, "size", read["size"], grid[1])
    is_bid = _sides(path, read, "bid", "ask") > 0
    times = read["exchange_timestamp"]
    # The last row of each side and time counts: a touch repeated after a reconnect is one touch.
    halves = [dict(zip(times[mask].tolist(), np.flatnonzero(mask).tolist(), strict=True))
              for mask in (is_bid, ~is_bid)]  # fmt: skip
    both = sorted(halves[0].keys() & halves[1].keys())
    if not both:
        raise TapeError(path, "has no message with both sides")
    bids, asks = (np.array([half[at] for at in both]) for half in halves)
    made = _events(Kind.BBO, read, bids)
    made["source"] = Source.BBO
    made["bid_ticks"], made["bid_lots"] = prices[bids], sizes[bids]
    made["ask_ticks"], made["ask_lots"] = prices[asks], sizes[asks]
    return made


def _books(path: Path, grid: tuple[int, int]) -> Events:
    """Return the `l2Book` snapshots, a row a level; one repeated after a reconnect counts once."""
    names = [f"{side}_{what}_{at}" for side, what in _BOOK_COLUMNS for at in range(LEVELS)]
    read = _columns(path, ["exchange_timestamp", "timestamp", *names])
    _, rows = np.unique(read["exchange_timestamp"], return_index=True)
    made = _events(Kind.DEPTH, read, np.repeat(rows, LEVELS))
    made["source"] = Source.BOOK_FAST
    made["level"] = np.tile(np.arange(LEVELS), len(rows))
    made["marks"][LEVELS - 1 :: LEVELS] = Flag.LAST
    for (side, what), field in _BOOK_COLUMNS.items():
        decimals = grid[0] if what == "price" else grid[1]
        levels = [f"{side}_{what}_{at}" for at in range(LEVELS)]
        units = [_units(path, name, read[name], decimals)[rows] for name in levels]
        made[field] = np.stack(units, axis=1).ravel()
    return made


_BOOK_COLUMNS = {
    ("bid", "price"): "bid_ticks",
    ("bid", "size"): "bid_lots",
    ("ask", "price"): "ask_ticks",
    ("ask", "size"): "ask_lots",
}


def _trades(path: Path, grid: tuple[int, int]) -> Events:
    """Return the prints, each once."""
    read = _columns(path, ["exchange_timestamp", "timestamp", "price", "size", "side", "trade_id"])
    prices = _units(path, "price", read["price"], grid[0])
    sizes = _units(path, "size", read["size"], grid[1])
    sides = _sides(path, read, "buy", "sell")
    try:
        tids = read["trade_id"].astype(np.int64)
    except (TypeError, ValueError) as error:
        raise TapeError(path, "column trade_id is not made of numbers") from error
    keys = np.stack([read["exchange_timestamp"], tids], axis=1)
    rows = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    made = _events(Kind.TRADE, read, rows)
    made["source"] = Source.TRADES
    made["side"], made["tid"] = sides[rows], tids[rows]
    made["price_ticks"], made["size_lots"] = prices[rows], sizes[rows]
    return made
