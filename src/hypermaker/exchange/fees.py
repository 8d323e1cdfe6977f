"""What a trade costs: the venue's fee schedule and its rounding.

A fee is the notional times the rate, truncated toward zero at 10^-6 USD with its sign kept: a
rebate of 1.9e-6 pays 1e-6. Measured on recorded fills of the venue (protocol sheet 10.9).
"""

from typing import Any

import msgspec

from hypermaker.core.units import RATE_E10
from hypermaker.exchange.text import rate_text


class FeeRates(msgspec.Struct, frozen=True):
    """Maker and taker rate, in units of 10^-10 of the notional; negative is a rebate."""

    maker_e10: int
    taker_e10: int


class FeeTier(msgspec.Struct, frozen=True):
    """Rates from `volume_usd` of 14-day volume on."""

    volume_usd: int
    rates: FeeRates


BASE = FeeRates(maker_e10=1_500_000, taker_e10=4_500_000)
TIERS = (
    FeeTier(0, BASE),
    FeeTier(5_000_000, FeeRates(1_200_000, 4_000_000)),
    FeeTier(25_000_000, FeeRates(800_000, 3_500_000)),
    FeeTier(100_000_000, FeeRates(400_000, 3_000_000)),
    FeeTier(500_000_000, FeeRates(0, 2_800_000)),
    FeeTier(2_000_000_000, FeeRates(0, 2_600_000)),
    FeeTier(7_000_000_000, FeeRates(0, 2_400_000)),
)
FREE = FeeRates(0, 0)


def fee_usd_micro(notional_usd_micro: int, rate_e10: int) -> int:
    """Return the fee of a notional >= 0, truncated toward zero; negative is a rebate.

    >>> fee_usd_micro(136_412_700, 1_500_000), fee_usd_micro(136_412_700, -300_000)
    (20461, -4092)
    """
    size = notional_usd_micro * abs(rate_e10) // RATE_E10
    return size if rate_e10 >= 0 else -size


def schedule() -> dict[str, Any]:
    """Return `feeSchedule` as the venue printed it in June 2026."""
    vip = [
        {
            "ntlCutoff": f"{tier.volume_usd}.0",
            "cross": rate_text(tier.rates.taker_e10),
            "add": rate_text(tier.rates.maker_e10),
            "spotCross": spot[0],
            "spotAdd": spot[1],
        }
        for tier, spot in zip(TIERS[1:], _SPOT_TIERS, strict=True)
    ]
    return {
        "cross": rate_text(BASE.taker_e10),
        "add": rate_text(BASE.maker_e10),
        "spotCross": "0.0007",
        "spotAdd": "0.0004",
        "tiers": {
            "vip": vip,
            "mm": [{"makerFractionCutoff": cut, "add": add} for cut, add in _REBATES],
        },
        "referralDiscount": "0.04",
        "stakingDiscountTiers": [
            {"bpsOfMaxSupply": share, "discount": off} for share, off in _STAKING
        ],
    }


_SPOT_TIERS = (
    ("0.0006", "0.0003"),
    ("0.0005", "0.0002"),
    ("0.0004", "0.0001"),
    ("0.00035", "0.0"),
    ("0.0003", "0.0"),
    ("0.00025", "0.0"),
)
_REBATES = (("0.005", "-0.00001"), ("0.015", "-0.00002"), ("0.03", "-0.00003"))
_STAKING = (
    ("0.0", "0.0"),
    ("0.0001", "0.05"),
    ("0.001", "0.1"),
    ("0.01", "0.15"),
    ("0.1", "0.2"),
    ("1.0", "0.3"),
    ("5.0", "0.4"),
)
