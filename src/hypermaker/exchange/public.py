"""What anybody may know of a market, in the venue's shapes: books, touches, prints, contexts."""

from typing import Any

from hypermaker.core.units import SIGNIFICANT_FIGURES
from hypermaker.exchange.book import HalfBook
from hypermaker.exchange.funding import impact_prices
from hypermaker.exchange.journal import Trade
from hypermaker.exchange.markets import Market
from hypermaker.exchange.text import (
    half_ticks_text,
    price_text,
    rate_text,
    side_text,
    size_text,
    usd_text,
)
from hypermaker.exchange.universe import Listing
from hypermaker.hyperliquid import wire_info as wire

LEVELS = 20
LEVELS_FAST = 5
Rows = list[tuple[int, int, int]]


def level(row: tuple[int, int, int], listing: Listing) -> wire.Level:
    """Return one level: (price_ticks, size_lots, orders)."""
    return wire.Level(price_text(row[0], listing), size_text(row[1], listing), row[2])


def touch(market: Market) -> tuple[wire.Level | None, wire.Level | None]:
    """Return best bid and best ask, None for an empty side."""
    found = []
    for half in (market.book.bids, market.book.asks):
        rows = half.depth(1)
        found.append(level(rows[0], market.listing) if rows else None)
    return found[0], found[1]


def book(
    market: Market,
    time_ms: int,
    *,
    levels: int = LEVELS,
    n_sig_figs: int | None = None,
    mantissa: int | None = None,
    fast: bool = False,
) -> wire.Book:
    """Return a snapshot; aggregated, bids are floored and asks ceiled to their bucket."""
    listing, spread = market.listing, None
    halves = [market.book.bids, market.book.asks]
    if n_sig_figs is None:
        rows = [half.depth(levels) for half in halves]
    else:
        rows = [_buckets(half, n_sig_figs, mantissa or 1)[:levels] for half in halves]
        bid, ask = market.book.touch()
        spread = price_text(ask - bid, listing) if bid and ask else None
    bids, asks = ([level(row, listing) for row in side] for side in rows)
    return wire.Book(market.name, time_ms, (bids, asks), spread, fast)


def _buckets(half: HalfBook, n_sig_figs: int, mantissa: int) -> Rows:
    merged: dict[int, tuple[int, int]] = {}
    for price, lots, orders in half.depth(len(half.keys)):
        width = mantissa * int(10 ** max(0, len(str(price)) - n_sig_figs))
        bucket = price // width * width if half.side > 0 else -(-price // width) * width
        before = merged.get(bucket, (0, 0))
        merged[bucket] = (before[0] + lots, before[1] + orders)
    return [(price, lots, orders) for price, (lots, orders) in merged.items()]


def aggregation_is_valid(n_sig_figs: int | None, mantissa: int | None) -> bool:
    """Return whether the venue knows this aggregation: 2-5 figures, mantissa only with five."""
    if n_sig_figs is not None and n_sig_figs not in range(2, SIGNIFICANT_FIGURES + 1):
        return False
    return mantissa is None or (n_sig_figs == SIGNIFICANT_FIGURES and mantissa in (1, 2, 5))


def trade(print_: Trade, listing: Listing) -> wire.Trade:
    """Return one print."""
    return wire.Trade(
        coin=listing.name,
        side=side_text(print_.side),
        px=price_text(print_.price_ticks, listing),
        sz=size_text(print_.size_lots, listing),
        time=print_.time_ms,
        hash=print_.hash,
        tid=print_.tid,
        users=(print_.buyer, print_.seller),
    )


def context(market: Market) -> wire.AssetContext:
    """Return what `metaAndAssetCtxs` and `activeAssetCtx` say of a market."""
    listing = market.listing
    both, impact, premium = market.mid_half_ticks(), impact_prices(market), market.premium_e10
    known = both is not None and impact is not None
    return wire.AssetContext(
        funding=rate_text(market.funding_e10),
        open_interest=size_text(market.open_interest_lots, listing),
        prev_day_px=price_text(market.start_ticks, listing),
        day_ntl_vlm=usd_text(market.day_usd_micro),
        oracle_px=price_text(market.oracle_ticks, listing),
        mark_px=price_text(market.mark_ticks, listing),
        premium=rate_text(premium or 0) if known else None,
        mid_px=half_ticks_text(both, listing) if known and both is not None else None,
        impact_pxs=[price_text(p, listing) for p in impact] if known and impact else None,
        day_base_vlm=size_text(market.day_lots, listing),
    )


def mid_text(market: Market) -> str:
    """Return the mid, or the last price while a side is empty: what `allMids` says."""
    both = market.mid_half_ticks()
    if both is None:
        return price_text(market.last_ticks, market.listing)
    return half_ticks_text(both, market.listing)


def funding_row(market: Market, paid: tuple[int, int, int]) -> dict[str, Any]:
    """Return one row of `fundingHistory` of (time_ms, rate_e10, premium_e10)."""
    time_ms, rate_e10, premium_e10 = paid
    return {
        "coin": market.name,
        "fundingRate": rate_text(rate_e10),
        "premium": rate_text(premium_e10),
        "time": time_ms,
    }
