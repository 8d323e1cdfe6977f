"""Fees are cut as the venue cuts them: against 2,000 recorded fills of the venue itself."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from hypermaker.exchange import fees
from hypermaker.exchange.fees import fee_usd_micro

MICRO = Decimal(10) ** 6


def recorded_perp_fills(shared: Path) -> list[dict[str, Any]]:
    """Return every perpetual's fill of 300 recorded blocks that no front end added a fee to."""
    name = "node/node_fills_by_block_20251027T17_first300.jsonl"
    lines = (shared / "fixtures/hyperliquid" / name).read_bytes().splitlines()
    fills = [fill for line in lines for _, fill in msgspec.json.decode(line)["events"]]
    return [
        fill
        for fill in fills
        if not fill["coin"].startswith(("@", "#"))
        and "/" not in fill["coin"]
        and ":" not in fill["coin"]
        and "builderFee" not in fill
        and fill["feeToken"] == "USDC"
    ]


def tier_fees(fill: dict[str, Any]) -> set[int]:
    """Return what this fill would cost at every rate of the schedule."""
    notional = int(Decimal(fill["px"]) * Decimal(fill["sz"]) * MICRO)
    rates = {rate for tier in fees.TIERS for rate in (tier.rates.maker_e10, tier.rates.taker_e10)}
    rebates = {-100_000, -200_000, -300_000}
    return {fee_usd_micro(notional, rate) for rate in rates | rebates}


def test_recorded_fees_are_the_notional_times_a_rate_cut_toward_zero(shared: Path) -> None:
    """Protocol sheet 10.9: the venue cuts a binary float, so 1e-6 below is its own rounding."""
    exact = near = 0
    for fill in recorded_perp_fills(shared):
        billed = int(Decimal(fill["fee"]) * MICRO)
        made = tier_fees(fill)
        if billed and billed in made:
            exact += 1
        elif billed and billed + 1 in made:
            near += 1
    assert exact > 500
    assert near <= exact / 50


def test_a_rebate_is_cut_toward_zero_too() -> None:
    """Floor would pay one unit more."""
    assert fee_usd_micro(39_333_333, -300_000) == -1179
    assert fee_usd_micro(0, -300_000) == 0


def test_the_schedule_is_the_one_the_venue_printed(shared: Path) -> None:
    """Same keys, same texts, against the recorded answer of June 2026."""
    name = "data/hyperliquid/reference/meta_ctx_first50_and_fee_schedule_2026-06-02.json"
    recorded = msgspec.json.decode((shared / name).read_bytes())["feeSchedule"]
    assert fees.schedule() == recorded
