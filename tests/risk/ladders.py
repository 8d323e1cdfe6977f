"""Gates and ladders in a known state, and what is left of a ladder."""

from typing import Any

import numpy as np

from hypermaker.core.ladder import LADDER
from hypermaker.risk.gate import GATE

Gate = Any
Ladder = Any
Sizes = list[int]


def opened(position: int, cap: int = 50, long: int | None = None, short: int | None = None) -> Gate:
    """Return a gate with no bars: effective limits are the user's cap unless given."""
    gate = np.zeros(1, GATE)[0]
    gate.position_lots, gate.user_lots = position, cap
    gate.long_lots_max = cap if long is None else long
    gate.short_lots_max = cap if short is None else short
    gate.bid.fraction = gate.ask.fraction = 1.0
    return gate


def ladder_of(bids: Sizes, asks: Sizes) -> Ladder:
    """Return a ladder of these sizes, best first, around 1000 ticks."""
    ladder = np.zeros(1, LADDER)[0]
    ladder.bid_levels, ladder.ask_levels = len(bids), len(asks)
    for side, sizes, sign in ((ladder.bids, bids, -1), (ladder.asks, asks, 1)):
        for i, size in enumerate(sizes):
            side[i].size_lots = size
            side[i].raw_ticks = 1000.0 + sign * (i + 1)
            side[i].terms_bps[0] = i + 1.0
    return ladder


def sizes_of(ladder: Ladder) -> tuple[Sizes, Sizes]:
    """Return what is left: sizes of bids and of asks."""
    return (
        [int(level.size_lots) for level in ladder.bids[: ladder.bid_levels]],
        [int(level.size_lots) for level in ladder.asks[: ladder.ask_levels]],
    )


def flags_of(ladder: Ladder) -> tuple[set[int], set[int]]:
    """Return the reduce-only flags that occur: on bids and on asks."""
    return (
        {int(level.reduce_only) for level in ladder.bids[: ladder.bid_levels]},
        {int(level.reduce_only) for level in ladder.asks[: ladder.ask_levels]},
    )
