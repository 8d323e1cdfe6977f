"""Units: text and integers say the same, and every rounded price is one the venue takes."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.core import units

DECIMALS = st.integers(0, units.PERP_DECIMALS_MAX)
SPOT_DECIMALS_MAX = 8


def is_valid(price: Decimal, decimals: int) -> bool:
    """Return whether the venue takes a price, in the words of its documentation."""
    digits = price.normalize()
    exponent = int(digits.as_tuple().exponent)
    if exponent >= 0:
        return True
    return len(digits.as_tuple().digits) <= units.SIGNIFICANT_FIGURES and -exponent <= decimals


def on_grid(price: Decimal, decimals: int, rounding: str) -> Decimal:
    """Return a price rounded to the grid by decimal arithmetic, whole dollars included."""
    finest = max(price.adjusted() - (units.SIGNIFICANT_FIGURES - 1), -decimals)
    return price.quantize(Decimal(1).scaleb(min(finest, 0)), rounding=rounding)


def dollars(price_ticks: float, decimals: int) -> Decimal:
    """Return ticks in USD, exactly."""
    return Decimal(price_ticks).scaleb(-decimals)


@given(value=st.integers(-(10**18), 10**18), decimals=st.integers(0, SPOT_DECIMALS_MAX))
def test_formatted_units_parse_back_to_themselves(value: int, decimals: int) -> None:
    """The text is what the venue hashes: shortest form, no exponent."""
    text = units.format_units(value, decimals)
    assert units.parse_units(text, decimals) == value
    assert Decimal(text) == Decimal(value).scaleb(-decimals)
    assert "e" not in text.lower() and not text.startswith(".")
    assert "." not in text or not text.endswith(("0", "."))


@given(
    whole=st.integers(0, 10**9),
    fraction=st.text("0123456789", max_size=6),
    zeros=st.integers(0, 4),
    sign=st.sampled_from(["", "-"]),
)
def test_parsing_agrees_with_decimal_arithmetic(
    whole: int, fraction: str, zeros: int, sign: str
) -> None:
    """Trailing zeros mean nothing; the value is exact."""
    text = f"{sign}{whole}.{fraction}{'0' * zeros}" if fraction + "0" * zeros else f"{sign}{whole}"
    assert units.parse_units(text, 6) == int(Decimal(text).scaleb(6))


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1e5", "1.5e3", "1_000", " 1", "+1", "--1", "1.2.3", "NaN", "inf", "١"]
)
def test_text_that_is_no_plain_decimal_is_refused(text: str) -> None:
    """Nothing is guessed from the venue's bytes."""
    with pytest.raises(ValueError, match="not a decimal number"):
        units.parse_units(text, 6)


@given(value=st.integers(1, 10**12), decimals=st.integers(0, 7))
def test_text_finer_than_the_unit_is_refused(value: int, decimals: int) -> None:
    """A digit the unit cannot hold is an error, not a rounding."""
    text = f"{Decimal(10 * value + 1).scaleb(-decimals - 1):f}"
    with pytest.raises(ValueError, match=f"at most {decimals} decimals"):
        units.parse_units(text, decimals)


@pytest.mark.parametrize(
    ("text", "sz_decimals", "valid"),
    [
        ("1234.5", 1, True),
        ("1234.56", 1, False),
        ("123456", 1, True),
        ("12345.6", 1, False),
        ("0.001234", 0, True),
        ("0.01234", 1, True),
    ],
)
def test_the_venues_own_examples(text: str, sz_decimals: int, valid: bool) -> None:
    """The table of the protocol sheet, section 2.2, agrees with our grid and with the oracle."""
    decimals = units.price_decimals(sz_decimals)
    ticks = units.parse_units(text, decimals)
    assert (ticks % units.grid_step_ticks(ticks, decimals) == 0) is valid
    assert is_valid(Decimal(text), decimals) is valid


@pytest.mark.parametrize(("text", "sz_decimals"), [("0.0012345", 0), ("0.012345", 1)])
def test_the_venues_examples_with_too_many_decimals_are_not_even_ticks(
    text: str, sz_decimals: int
) -> None:
    """The other two lines of that table: the unit itself cannot hold them."""
    with pytest.raises(ValueError, match="decimals"):
        units.parse_units(text, units.price_decimals(sz_decimals))


@given(eighths=st.integers(8, 10**13), decimals=DECIMALS)
def test_rounded_prices_are_the_nearest_valid_ones(eighths: int, decimals: int) -> None:
    """Floor and ceiling agree with decimal arithmetic at every magnitude."""
    price = eighths / 8
    below, above = units.floor_to_grid(price, decimals), units.ceil_to_grid(price, decimals)
    exact = dollars(price, decimals)
    assert dollars(below, decimals) == on_grid(exact, decimals, ROUND_FLOOR)
    assert dollars(above, decimals) == on_grid(exact, decimals, ROUND_CEILING)
    assert is_valid(dollars(below, decimals), decimals)
    assert is_valid(dollars(above, decimals), decimals)


@given(price_ticks=st.integers(1, 10**12), decimals=DECIMALS)
def test_valid_prices_stay_where_they_are(price_ticks: int, decimals: int) -> None:
    """Rounding a price that is on the grid changes nothing, in either direction."""
    on = units.floor_to_grid(float(price_ticks), decimals)
    assert units.floor_to_grid(float(on), decimals) == on
    assert units.ceil_to_grid(float(on), decimals) == on


@given(price_ticks=st.integers(1, 10**9), decimals=DECIMALS)
def test_the_last_bit_of_a_float_does_not_cost_a_step(price_ticks: int, decimals: int) -> None:
    """A computed price a rounding error away from the grid is taken as on it."""
    on = units.floor_to_grid(float(price_ticks), decimals)
    assert units.floor_to_grid(on - 1e-10, decimals) == on
    assert units.ceil_to_grid(on + 1e-10, decimals) == on


def test_quantiser_cases_of_the_predecessor() -> None:
    """T-98: a bid of 29.985 must not land on a mid of 30.0; 104,321 and 0.29 stay."""
    assert units.floor_to_grid(299.85, 1) == units.parse_units("29.9", 1)
    whole = units.parse_units("104321", 1)
    assert units.floor_to_grid(float(whole), 1) == units.ceil_to_grid(float(whole), 1) == whole
    assert units.format_units(units.parse_units("0.29", 2), 2) == "0.29"


@given(price_ticks=st.integers(1, 10**8), size_lots=st.integers(1, 10**6), decimals=DECIMALS)
def test_ticks_times_lots_are_micro_dollars(
    price_ticks: int, size_lots: int, decimals: int
) -> None:
    """Price and size decimals of a perpetual always add up to six."""
    size = Decimal(size_lots).scaleb(-(units.PERP_DECIMALS_MAX - decimals))
    exact = dollars(price_ticks, decimals) * size
    assert units.notional_usd(float(price_ticks), float(size_lots), decimals) == pytest.approx(
        float(exact), rel=1e-15
    )
