"""The levels of an `l2Book` frame as DEPTH rows, whole columns at a time.

Eighty decimal strings are most of what a frame holds; here they become floats in C and ticks in
numpy, which is three times faster than one row after the other. Float is exact enough: a price or
size is an integer of its grid below 2^53, and what is further from a whole unit than rounding can
bring it is refused.
"""

import sys

import msgspec
import numpy as np
import numpy.typing as npt

from hypermaker.core.events import Flag, Kind, Source
from hypermaker.core.units import NS_PER_MS

Words = npt.NDArray[np.int64]
"""EVENT rows as eight 64-bit words each: shape (rows, 8)."""

LEVELS_MAX = 512
_WORDS = 8
_UNITS_MAX = 2.0**53
_OFF_GRID_MAX = 1e-3
_HEAD, _VENUE, _RECEIVED, _BID, _ASK, _END = 0, 1, 2, 3, 5, 7
_BLANK = np.zeros(_WORDS - _VENUE, np.int64)
_LAST = int(Flag.LAST) << 24
_HEADS = {
    source: (np.arange(LEVELS_MAX, dtype=np.int64) << 32) | (Kind.DEPTH | source << 8)
    for source in (Source.BOOK_FAST, Source.BOOK_SLOW)
}
"""First word of the row of each level: kind, source, level."""

assert sys.byteorder == "little", "the first word of a row is composed byte by byte"


class _Level(msgspec.Struct, frozen=True):
    px: float
    sz: float


class QuickBook(msgspec.Struct, frozen=True):
    """A book whose levels are still bytes; the typed form is `wire_info.Book`."""

    coin: str
    time: int
    levels: msgspec.Raw
    fast: bool = False


class QuickBookFrame(msgspec.Struct, frozen=True, tag_field="channel", tag="l2Book"):
    """Levels of one coin, for reading only."""

    data: QuickBook


_read_levels = msgspec.json.Decoder(tuple[list[_Level], list[_Level]], strict=False).decode


class LevelWriter:
    """Writes the levels of one asset.

    Parameters
    ----------
    price_decimals, size_decimals   of the asset's grid
    """

    __slots__ = ("_scale",)

    def __init__(self, *, price_decimals: int, size_decimals: int) -> None:
        self._scale = np.array([[10.0**price_decimals], [10.0**size_decimals]])

    def write(self, book: QuickBook, received_ns: int, words: Words) -> int:
        """Write one DEPTH row for each pair of levels; an empty book is one row without lots.

        Returns  the number of rows
        Raises   ValueError or msgspec.DecodeError for levels that are not on the grid or too many
        """
        bids, asks = _read_levels(book.levels)
        split, count = len(bids), max(len(bids), len(asks), 1)
        if count > min(LEVELS_MAX, len(words)):
            raise ValueError(f"{count} levels")
        units = self._units(bids + asks)
        source = Source.BOOK_FAST if book.fast else Source.BOOK_SLOW
        rows = words[:count]
        rows[:, _VENUE:] = _BLANK
        rows[:split, _BID:_ASK] = units[:, :split].T
        rows[: len(asks), _ASK:_END] = units[:, split:].T
        rows[:, _VENUE] = book.time * NS_PER_MS
        rows[:, _RECEIVED] = received_ns
        rows[:, _HEAD] = _HEADS[source][:count]
        rows[-1, _HEAD] |= _LAST
        return count

    def _units(self, levels: list[_Level]) -> npt.NDArray[np.float64]:
        """Return ticks and lots, shape (2, levels), whole numbers in 1 .. 2^53."""
        told = [level.px for level in levels] + [level.sz for level in levels]
        scaled = np.array(told).reshape(2, -1) * self._scale
        units = np.rint(np.minimum(np.maximum(scaled, 1.0), _UNITS_MAX))
        # Zero, negative, infinite and huge were moved to the bounds, so they are off the grid too;
        # the comparison is written so that NaN fails.
        if levels and not np.abs(scaled - units).max() <= _OFF_GRID_MAX:
            raise ValueError("a level that is not on the grid, above zero")
        return np.asarray(units)
