"""Money that comes and goes without trading, as the venue's ledger says it."""

import json
from typing import Any

import numpy as np
import pytest

from hypermaker.core.events import EVENT, Flag, Kind
from hypermaker.core.units import NS_PER_MS
from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.decode import Decoder

ME, OTHER = "0x" + "ab" * 20, "0x" + "cd" * 20
MIXED = "0x" + "Ab" * 20
USD = 1_000_000

LINES = {
    "deposit": ({"type": "deposit", "usdc": "100.5"}, 100_500_000),
    "withdraw": ({"type": "withdraw", "usdc": "40.0", "nonce": 5, "fee": "1.0"}, -40 * USD),
    "sent": (
        {"type": "internalTransfer", "usdc": "7", "user": ME, "destination": OTHER, "fee": "1.0"},
        -8 * USD,
    ),
    "received": (
        {"type": "internalTransfer", "usdc": "7", "user": OTHER, "destination": MIXED, "fee": "1"},
        7 * USD,
    ),
    "to perp": ({"type": "accountClassTransfer", "usdc": "3.25", "toPerp": True}, 3_250_000),
    "to spot": ({"type": "accountClassTransfer", "usdc": "3.25", "toPerp": False}, -3_250_000),
    "to a vault": ({"type": "vaultDeposit", "vault": OTHER, "usdc": "9"}, -9 * USD),
    "from a vault": (
        {"type": "vaultWithdraw", "vault": OTHER, "user": ME, "netWithdrawnUsd": "8.5"},
        8_500_000,
    ),
    "send out": (
        {
            "type": "send",
            "user": ME,
            "destination": OTHER,
            "sourceDex": "",
            "destinationDex": "",
            "token": "USDC",
            "amount": "2",
        },
        -2 * USD,
    ),
}
NOTHING = {
    "spot": {"type": "spotTransfer", "token": "PURR", "amount": "5", "usdcValue": "1"},
    "unseen": {"type": "somethingElse", "usdc": "5"},
    "liquidation": {"type": "liquidation", "accountValue": "1", "liquidatedPositions": []},
}


def decoded(lines: list[dict[str, Any]], *, user: str = ME, snapshot: bool = False) -> Any:
    """Return the rows of one ledger frame."""
    data: dict[str, Any] = {"user": user, "nonFundingLedgerUpdates": lines}
    if snapshot:
        data["isSnapshot"] = True
    frame = {"channel": "userNonFundingLedgerUpdates", "data": data}
    out = np.zeros(2_100, EVENT)
    count = Decoder(Asset("BTC", 0, 5, 40), ME, 1).decode(json.dumps(frame).encode(), 9, out)
    return out[:count]


@pytest.mark.parametrize("name", LINES)
def test_a_transfer_is_what_the_account_gained(name: str) -> None:
    delta, usd_micro = LINES[name]
    (row,) = decoded([{"time": 1_700, "hash": "0x", "delta": delta}])
    assert (row["kind"], row["payment_usd_micro"]) == (Kind.TRANSFER, usd_micro)
    assert row["venue_ns"] == 1_700 * NS_PER_MS


@pytest.mark.parametrize("name", NOTHING)
def test_what_moves_no_collateral_gives_no_row(name: str) -> None:
    assert len(decoded([{"time": 1_700, "hash": "0x", "delta": NOTHING[name]}])) == 0


def test_one_block_is_one_row_and_rows_are_oldest_first() -> None:
    """The engine counts by time, so what shares a time must share a row."""
    deposit = {"type": "deposit", "usdc": "1"}
    lines = [{"time": time, "hash": "0x", "delta": deposit} for time in (30, 10, 30)]
    rows = decoded(lines, snapshot=True)
    assert rows["payment_usd_micro"].tolist() == [USD, 2 * USD]
    assert (np.diff(rows["venue_ns"]) > 0).all()
    assert set(rows["marks"]) == {int(Flag.SNAPSHOT)}


def test_a_long_history_keeps_its_newest() -> None:
    deposit = {"type": "deposit", "usdc": "1"}
    lines = [{"time": time, "hash": "0x", "delta": deposit} for time in range(3_000)]
    assert decoded(lines, snapshot=True)["venue_ns"][-1] == 2_999 * NS_PER_MS


def test_other_users_and_numbers_that_are_none() -> None:
    line = {"time": 1, "hash": "0x", "delta": {"type": "deposit", "usdc": "1"}}
    assert len(decoded([line], user=OTHER)) == 0
    line["delta"] = {"type": "deposit", "usdc": "NaN"}
    with pytest.raises(ProtocolError):
        decoded([line])
