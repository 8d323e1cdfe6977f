"""A node's own record of fills: every trade of the venue, with its accounts and its liquidations.

`node_fills_by_block` files hold one JSON line a block (plain or zstd):

    {"local_time", "block_time", "block_number", "events": [[user, fill], ...]}

Every trade is there twice, once for each side, with one `tid`; a liquidation is flagged on both.
It is counted once, on the leg of the liquidated account (a leg of a takeover beside the book may
stand alone: then that leg counts).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import zstandard

from hypermaker.core.events import EVENT, Events, Flag, Kind, Source
from hypermaker.core.units import NS_PER_MS, parse_units, price_decimals
from hypermaker.errors import TapeError
from hypermaker.hyperliquid.wire_info import Fill
from hypermaker.tape.forced import SIGN, Forced, forced_fill

CHUNK_BYTES = 1 << 20
ZSTD = b"\x28\xb5\x2f\xfd"


class Block(msgspec.Struct, frozen=True):
    """One line of the file."""

    block_number: int
    events: list[tuple[str, Fill]]


class NodeTrade(msgspec.Struct, frozen=True):
    """One match: both accounts, the aggressor's side, and the liquidation behind it, if any."""

    coin: str
    venue_ns: int
    side: int
    px: str
    sz: str
    tid: int
    taker: str
    maker: str
    forced: Forced | None


class NodeTape(msgspec.Struct, frozen=True):
    """What a file held.

    trades          in the order of the blocks; matches with both legs
    liquidations    each once
    blocks          lines read;  missing  block numbers skipped inside the file
    lone_legs       fills whose other side is not in the file
    """

    trades: list[NodeTrade]
    liquidations: list[Forced]
    blocks: int
    missing: int
    lone_legs: int


def read_node_fills(path: Path) -> NodeTape:
    """Return every trade and liquidation of a file; raises TapeError where it breaks off."""
    legs: dict[tuple[str, int, int], list[tuple[str, Fill]]] = {}
    numbers: list[int] = []
    for block in _blocks(path):
        numbers.append(block.block_number)
        for user, fill in block.events:
            legs.setdefault((fill.coin, fill.time, fill.tid), []).append((user, fill))
    if not numbers:
        raise TapeError(path, "is empty")
    pairs = [pair for pair in legs.values() if _is_match(pair)]
    forced = [one for pair in legs.values() if (one := _liquidation(pair)) is not None]
    return NodeTape(
        trades=[_trade(pair) for pair in pairs],
        liquidations=forced,
        blocks=len(numbers),
        missing=max(numbers) - min(numbers) + 1 - len(set(numbers)),
        lone_legs=len(legs) - len(pairs),
    )


def _blocks(path: Path) -> Iterator[Block]:
    try:
        with path.open("rb") as file:
            packed = file.read(len(ZSTD)) == ZSTD
            file.seek(0)
            for number, line in enumerate(_unpacked(file) if packed else file, 1):
                if line.strip():
                    yield _block(path, number, line)
    except OSError as error:
        raise TapeError(path, error.strerror or "cannot be read") from error
    except zstandard.ZstdError as error:
        raise TapeError(path, f"is not whole: {error}") from error


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a zstd file of any number of frames; ZstdError when the last is torn."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    rest = b""
    while chunk := file.read(CHUNK_BYTES):
        while chunk:
            if unpacker.eof:
                unpacker = zstandard.ZstdDecompressor().decompressobj()
            *lines, rest = (rest + unpacker.decompress(chunk)).split(b"\n")
            yield from lines
            chunk = unpacker.unused_data if unpacker.eof else b""
    if not unpacker.eof:
        raise zstandard.ZstdError("the last frame is torn")
    yield rest


def _block(path: Path, number: int, line: bytes) -> Block:
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError as error:
        raise TapeError(path, f"line {number} is no block of fills: {error}") from error


_decoder = msgspec.json.Decoder(Block)


def _is_match(pair: list[tuple[str, Fill]]) -> bool:
    """Return whether these legs are one taker and one maker."""
    return len(pair) == 2 and pair[0][1].crossed != pair[1][1].crossed


def _liquidation(pair: list[tuple[str, Fill]]) -> Forced | None:
    """Return the liquidation of a match once: the liquidated account's leg, else any leg."""
    found = [one for user, fill in pair if (one := forced_fill(user, fill)) is not None]
    users = {user.lower() for user, _ in pair}
    own = [one for one in found if one.user in users]
    return next(iter(own or found), None)


def _trade(pair: list[tuple[str, Fill]]) -> NodeTrade:
    (taker, fill), (maker, _) = sorted(pair, key=lambda leg: not leg[1].crossed)
    return NodeTrade(
        coin=fill.coin,
        venue_ns=fill.time * NS_PER_MS,
        side=SIGN[fill.side],
        px=fill.px,
        sz=fill.sz,
        tid=fill.tid,
        taker=taker,
        maker=maker,
        forced=_liquidation(pair),
    )


def trade_events(tape: NodeTape, coin: str, sz_decimals: int) -> Events:
    """Return one coin's trades as EVENTs; forced ones on the book are marked LIQUIDATION.

    Raises ValueError for a price or size finer than this grid.
    """
    chosen = [trade for trade in tape.trades if trade.coin == coin]
    made = np.zeros(len(chosen), EVENT)
    for row, trade in zip(made, chosen, strict=True):
        row["kind"], row["source"] = Kind.TRADE, Source.TRADES
        row["venue_ns"] = row["received_ns"] = trade.venue_ns
        row["side"], row["tid"] = trade.side, trade.tid
        row["price_ticks"] = parse_units(trade.px, price_decimals(sz_decimals))
        row["size_lots"] = parse_units(trade.sz, sz_decimals)
        if trade.forced is not None and trade.forced.is_on_book:
            row["marks"] = Flag.LIQUIDATION
    return made
