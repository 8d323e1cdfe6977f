"""Recorded market data in parquet: one asset's book, touch and prints, cleaned and in order.

A session is a folder of `<ASSET>_bbo`, `<ASSET>_trades` and (mostly) `<ASSET>_book` files as a
collector on the public WebSocket wrote them. What such recordings get wrong is put right here and
nowhere else: prints from before the first book, or inside a gap of it, are back-fill told on
(re)connecting (dropped: no book is known for them), prints
repeated after a reconnect are one print, rows out of order are sorted by the venue's own time.
"""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hypermaker.core.units import PERP_DECIMALS_MAX
from hypermaker.errors import TapeError

TRADE, TOUCH, BOOK = 0, 1, 2
"""Kinds, in the order they apply within one millisecond: prints happen before what they leave."""

GRID_ERROR_MAX = 1e-3  # of a tick or lot: a float that is farther off belongs to another grid
GAP_MS_MAX = 5_000  # prints longer after the last book or touch were told after a reconnect
LEVELS = 20
Column = npt.NDArray[Any]
Side = list[tuple[int, int]]


class Moment(msgspec.Struct, frozen=True):
    """One recorded message.

    time_ms   the venue's block time          kind   TRADE, TOUCH or BOOK
    bids      (price_ticks, size_lots), best first: one level for TOUCH, up to 20 for BOOK
    asks      the same
    trade     for TRADE: (aggressor's side, price_ticks, size_lots, trade id)
    """

    time_ms: int
    kind: int
    bids: Side = []
    asks: Side = []
    trade: tuple[int, int, int, int] = (0, 0, 0, 0)


class Recording(msgspec.Struct, frozen=True):
    """One asset's session, sorted by time; it starts with its first known touch."""

    asset: str
    moments: list[Moment]

    @property
    def start_ms(self) -> int:
        """Return the venue's time of the first moment."""
        return self.moments[0].time_ms

    @property
    def end_ms(self) -> int:
        """Return the venue's time of the last moment."""
        return self.moments[-1].time_ms


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


def read_recording(path: Path, asset: str, sz_decimals: int) -> Recording:
    """Return one asset's recording from a session folder or from any one of its files.

    Raises TapeError, in one line, for files that are missing, broken, empty or of another grid.
    """
    if asset not in assets_in(path):
        raise TapeError(path, f"holds no recording of {asset}, but of {', '.join(assets_in(path))}")
    grid = (PERP_DECIMALS_MAX - sz_decimals, sz_decimals)
    files = _session_files(path, asset)
    moments = _touches(files["bbo"], grid)
    if "book" in files:
        moments += _books(files["book"], grid)
    known_ms = np.unique(np.array([moment.time_ms for moment in moments]))
    moments += [one for one in _trades(files["trades"], grid) if _was_live(one, known_ms)]
    return Recording(asset, sorted(moments, key=lambda one: (one.time_ms, one.kind)))


def _was_live(trade: Moment, known_ms: Column) -> bool:
    """Return whether the book around a print is known: it is no back-fill of a gap."""
    at = int(np.searchsorted(known_ms, trade.time_ms, side="right"))
    return at > 0 and trade.time_ms - int(known_ms[at - 1]) <= GAP_MS_MAX


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
        table = pq.read_table(path, columns=names)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise TapeError(path, f"is not readable parquet: {str(error).splitlines()[0]}") from error
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise TapeError(path, f"has no column {missing[0]}")
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


def _touches(path: Path, grid: tuple[int, int]) -> list[Moment]:
    """Return the `bbo` messages: two rows each, bid and ask, with one time."""
    read = _columns(path, ["exchange_timestamp", "price", "size", "side"])
    prices = _units(path, "price", read["price"], grid[0]).tolist()
    sizes = _units(path, "size", read["size"], grid[1]).tolist()
    halves: dict[int, tuple[Side, Side]] = {}
    rows = zip(
        read["exchange_timestamp"].tolist(), read["side"].tolist(), prices, sizes, strict=True
    )
    for time_ms, side, price, size in rows:
        bids, asks = halves.setdefault(time_ms, ([], []))
        half = {"bid": bids, "ask": asks}.get(side)
        if half is None:
            raise TapeError(path, f"column side says {side!r}, not bid or ask")
        half[:] = [(price, size)]
    whole = [Moment(at, TOUCH, bids, asks) for at, (bids, asks) in halves.items() if bids and asks]
    if not whole:
        raise TapeError(path, "has no message with both sides")
    return whole


def _books(path: Path, grid: tuple[int, int]) -> list[Moment]:
    """Return the `l2Book` snapshots; one repeated after a reconnect counts once."""
    names = [f"{side}_{what}_{at}" for side, what, at in _BOOK_COLUMNS]
    read = _columns(path, ["exchange_timestamp", *names])
    units = {
        name: _units(path, name, read[name], grid[0 if "price" in name else 1]) for name in names
    }
    sides = {
        side: np.stack(
            [
                np.stack([units[f"{side}_{what}_{at}"] for at in range(LEVELS)], axis=1)
                for what in ("price", "size")
            ],
            axis=2,
        ).tolist()
        for side in ("bid", "ask")
    }
    unique = {
        time_ms: Moment(time_ms, BOOK, _levels(bids), _levels(asks))
        for time_ms, bids, asks in zip(
            read["exchange_timestamp"].tolist(), sides["bid"], sides["ask"], strict=True
        )
    }
    return list(unique.values())


_BOOK_COLUMNS = [
    (side, what, at)
    for at in range(LEVELS)
    for side in ("bid", "ask")
    for what in ("price", "size")
]


def _levels(rows: list[list[int]]) -> Side:
    return [(price, size) for price, size in rows]


def _trades(path: Path, grid: tuple[int, int]) -> list[Moment]:
    """Return the prints, each once."""
    read = _columns(path, ["exchange_timestamp", "price", "size", "side", "trade_id"])
    prices = _units(path, "price", read["price"], grid[0]).tolist()
    sizes = _units(path, "size", read["size"], grid[1]).tolist()
    unique: dict[tuple[int, int], Moment] = {}
    for at, (time_ms, side, tid) in enumerate(
        zip(
            read["exchange_timestamp"].tolist(),
            read["side"].tolist(),
            read["trade_id"].tolist(),
            strict=True,
        )
    ):
        sign = {"buy": 1, "sell": -1}.get(side)
        if sign is None or not str(tid).isdigit():
            raise TapeError(path, f"row {at} has side {side!r} and trade id {tid!r}")
        trade = (sign, prices[at], sizes[at], int(tid))
        unique.setdefault((time_ms, int(tid)), Moment(time_ms, TRADE, [], [], trade))
    return list(unique.values())
