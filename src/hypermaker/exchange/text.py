"""How the exchange prints numbers in its answers: decimal strings with at least one decimal.

Actions carry prices without trailing zeros; answers do not ("84143.0"). Only the form of the
answers is here, the form of the actions is `core.units.format_units`.
"""

from hypermaker.core.units import format_units, price_decimals
from hypermaker.exchange.universe import Listing
from hypermaker.hyperliquid.wire_info import Side

USD_DECIMALS = 6
RATE_DECIMALS = 10


def decimal_text(value: int, decimals: int) -> str:
    """Return an integer of 10^-decimals as an answer prints it.

    >>> decimal_text(841430, 1), decimal_text(0, 6), decimal_text(-125, 5)
    ('84143.0', '0.0', '-0.00125')
    """
    text = format_units(value, decimals)
    return text if "." in text else text + ".0"


def price_text(ticks: int, listing: Listing) -> str:
    """Return a price of an asset in USD."""
    return decimal_text(ticks, price_decimals(listing.sz_decimals))


def size_text(lots: int, listing: Listing) -> str:
    """Return a size of an asset in coins; it may be signed."""
    return decimal_text(lots, listing.sz_decimals)


def usd_text(usd_micro: int) -> str:
    """Return an amount of money in USD."""
    return decimal_text(usd_micro, USD_DECIMALS)


def rate_text(rate_e10: int) -> str:
    """Return a rate as a fraction."""
    return decimal_text(rate_e10, RATE_DECIMALS)


def half_ticks_text(half_ticks: int, listing: Listing) -> str:
    """Return a mid price given as bid plus ask, in USD."""
    return decimal_text(half_ticks * 5, price_decimals(listing.sz_decimals) + 1)


def side_text(side: int) -> Side:
    """Return the wire's letter of a side: B buys, A sells."""
    return "B" if side > 0 else "A"
