"""What the local exchange lists: assets, their grid, margin tiers and where their price starts.

The order of the perpetuals is mainnet's, with its delisted entry, so that a client which numbers
assets by hand instead of reading `meta` fails here as it would there. Shapes and tiers are those
of the venue's `meta` answer.
"""

from typing import Any

import msgspec

from hypermaker.core.units import parse_units, price_decimals
from hypermaker.errors import ConfigError

SINGLE_TIER_ID_MAX = 49


class Tier(msgspec.Struct, frozen=True):
    """One margin tier: from `lower_usd` of notional on, at most `leverage_max`."""

    lower_usd: int
    leverage_max: int


class Listing(msgspec.Struct, frozen=True):
    """One perpetual contract as listed.

    index            the asset id actions name it by
    sz_decimals      10^-sz_decimals coin is one lot; 10^-(6 - sz_decimals) USD is one tick
    start_usd        price the simulated market starts from, as the venue would print it
    impact_usd       notional of the impact prices, for the funding premium
    """

    index: int
    name: str
    sz_decimals: int
    leverage_max: int
    margin_table: int
    start_usd: str
    impact_usd: int = 6_000
    delisted: bool = False

    @property
    def price_decimals(self) -> int:
        """Return how many decimals a price may have: one tick is 10^-that USD."""
        return price_decimals(self.sz_decimals)

    @property
    def start_ticks(self) -> int:
        """Return the price the simulated market starts from, in ticks."""
        return parse_units(self.start_usd, self.price_decimals)


LISTINGS = (
    Listing(0, "BTC", 5, 40, 56, "84980", impact_usd=20_000),
    Listing(1, "ETH", 4, 25, 55, "2707.1", impact_usd=20_000),
    Listing(2, "ATOM", 2, 5, 5, "4.512"),
    Listing(3, "MATIC", 1, 20, 20, "0.371", delisted=True),
    Listing(4, "DYDX", 1, 5, 5, "0.6123"),
    Listing(5, "SOL", 2, 20, 54, "122.99"),
)
BY_NAME = {listing.name: listing for listing in LISTINGS}
LIVE = tuple(listing.name for listing in LISTINGS if not listing.delisted)

MARGIN_TABLES: dict[int, tuple[str, tuple[Tier, ...]]] = {
    54: ("tiered 20x (2)", (Tier(0, 20), Tier(70_000_000, 10))),
    55: ("tiered 25x", (Tier(0, 25), Tier(100_000_000, 15))),
    56: ("tiered 40x", (Tier(0, 40), Tier(150_000_000, 20))),
}


def listing_named(name: str) -> Listing:
    """Return a live listing; raises ConfigError naming what would be valid."""
    found = BY_NAME.get(name)
    if found is None or found.delisted:
        raise ConfigError("asset", name, "one of " + ", ".join(LIVE))
    return found


def tiers_of(listing: Listing) -> tuple[Tier, ...]:
    """Return the margin tiers of an asset, lowest first."""
    if listing.margin_table <= SINGLE_TIER_ID_MAX:
        return (Tier(0, listing.margin_table),)
    return MARGIN_TABLES[listing.margin_table][1]


def maintenance_usd_micro(listing: Listing, notional_usd_micro: int) -> int:
    """Return the maintenance margin of a position, in 10^-6 USD, rounded down.

    Half the initial margin at the tier's highest leverage, less what the lower tiers need less:
    a notional on a bound belongs to the higher tier.
    Source: venue docs, "Margin tiers".
    """
    total = 0
    tiers = tiers_of(listing)
    for at, tier in enumerate(tiers):
        lower = tier.lower_usd * 1_000_000
        upper = tiers[at + 1].lower_usd * 1_000_000 if at + 1 < len(tiers) else None
        inside = max(0, (notional_usd_micro if upper is None else min(notional_usd_micro, upper)))
        total += max(0, inside - lower) // (2 * tier.leverage_max)
    return total


def meta() -> dict[str, Any]:
    """Return the body of the `meta` answer: optional keys only where they apply."""
    universe: list[dict[str, Any]] = []
    for listing in LISTINGS:
        entry: dict[str, Any] = {
            "szDecimals": listing.sz_decimals,
            "name": listing.name,
            "maxLeverage": listing.leverage_max,
            "marginTableId": listing.margin_table,
        }
        if listing.delisted:
            entry["isDelisted"] = True
        universe.append(entry)
    tables = [[number, margin_table(number)] for number in MARGIN_TABLES]
    return {"universe": universe, "marginTables": tables, "collateralToken": 0}


def margin_table(number: int) -> dict[str, Any]:
    """Return one margin table as `meta` prints it; raises KeyError for a table nobody uses."""
    description, tiers = MARGIN_TABLES[number]
    return {
        "description": description,
        "marginTiers": [
            {"lowerBound": f"{tier.lower_usd}.0", "maxLeverage": tier.leverage_max}
            for tier in tiers
        ],
    }


def spot_meta() -> dict[str, Any]:
    """Return the body of `spotMeta`: USDC and one pair, because clients ask at construction."""
    return {
        "universe": [{"tokens": [1, 0], "name": "PURR/USDC", "index": 0, "isCanonical": True}],
        "tokens": [
            _token("USDC", 0, decimals=(8, 8), token="0x6d1e7cde53ba9467b783cb7c530ce054"),
            _token("PURR", 1, decimals=(0, 5), token="0xc1fb593aeffbeb02f85e0308e9956a90"),
        ],
    }


def _token(name: str, index: int, *, decimals: tuple[int, int], token: str) -> dict[str, Any]:
    return {
        "name": name,
        "szDecimals": decimals[0],
        "weiDecimals": decimals[1],
        "index": index,
        "tokenId": token,
        "isCanonical": True,
        "evmContract": None,
        "fullName": None,
        "deployerTradingFeeShare": "0.0",
    }
