"""Integer units of the venue's grid, and the only conversions between them and text.

price_ticks   10^-(6 - szDecimals) USD        size_lots   10^-szDecimals coin
usd_micro     10^-6 USD, how the venue bills  rate_e10    10^-10, how the venue prints funding

A price is on the venue's grid when it is a whole number of dollars or has at most five
significant figures (and, by the unit itself, at most 6 - szDecimals decimals).
Source: hyperliquid-docs, "Tick and lot size".
"""

from math import floor

from hypermaker.core.kernel import kernel

PERP_DECIMALS_MAX = 6
SIGNIFICANT_FIGURES = 5
USD_MICRO = 1_000_000
RATE_E10 = 10_000_000_000
NOTIONAL_MIN_USD = 10
NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
BPS = 1e4


def price_decimals(sz_decimals: int) -> int:
    """Return how many decimals a price of this perpetual may have: one tick is 10^-that USD."""
    return PERP_DECIMALS_MAX - sz_decimals


def parse_units(text: str, decimals: int) -> int:
    """Return a decimal string as an integer of 10^-decimals.

    Raises ValueError when the text is no plain decimal number or is finer than the unit: the
    venue sends float artefacts in money fields but never in prices and sizes.
    >>> parse_units("64250.5", 1), parse_units("-0.00120", 5)
    (642505, -120)
    """
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    digits = whole.removeprefix("-") + fraction
    if len(fraction) > decimals or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{text!r} is not a decimal number with at most {decimals} decimals")
    value = int(digits) * int(10 ** (decimals - len(fraction)))
    return -value if whole.startswith("-") else value


def format_units(value: int, decimals: int) -> str:
    """Return an integer of 10^-decimals as the venue hashes it: no trailing zeros, no exponent.

    >>> format_units(642500, 1), format_units(-120, 5), format_units(0, 3)
    ('64250', '-0.0012', '0')
    """
    if decimals == 0:
        return str(value)
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = digits[:-decimals], digits[-decimals:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


@kernel
def grid_step_ticks(price_ticks: int, decimals: int) -> int:
    """Return the distance between neighbouring valid prices at this price, in ticks, >= 1.

    decimals   price decimals of the asset; 10^decimals ticks are one dollar
    """
    step = 1
    dollar = 10**decimals
    bound = 10**SIGNIFICANT_FIGURES
    while price_ticks >= bound and step < dollar:
        step *= 10
        bound *= 10
    return step


@kernel
def floor_to_grid(price_ticks: float, decimals: int) -> int:
    """Return the highest valid price at or below a positive price, in ticks."""
    whole = int(floor(price_ticks + 1e-9))
    return whole - whole % grid_step_ticks(whole, decimals)


@kernel
def ceil_to_grid(price_ticks: float, decimals: int) -> int:
    """Return the lowest valid price at or above a positive price, in ticks."""
    below = floor_to_grid(price_ticks, decimals)
    if below >= price_ticks - 1e-9:
        return below
    return below + grid_step_ticks(below, decimals)


@kernel
def notional_usd(price_ticks: float, size_lots: float, decimals: int) -> float:
    """Return price times size in USD: ticks times lots are always 10^-6 USD."""
    return price_ticks * size_lots / USD_MICRO
