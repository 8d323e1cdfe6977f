"""What moved in or out of an account without trading, from the venue's ledger updates.

A withdrawal is no loss and a deposit no gain, so the kill switch has to know them. Kinds that do
not touch the perpetuals' collateral (spot, rewards, staking), and kinds we have never seen, move
nothing. Source: protocol sheet, `userNonFundingLedgerUpdates`.
"""

import msgspec

from hypermaker.hyperliquid.rows import USD_DECIMALS, rounded_units

DEFAULT_DEX = ""
"""How the venue names its own perpetuals among all exchanges that run on it."""


class LedgerDelta(msgspec.Struct, frozen=True, rename="camel"):
    """What happened; which keys matter depends on `type`."""

    type: str
    usdc: str = "0"
    fee: str = "0"
    user: str = ""
    destination: str = ""
    to_perp: bool = True
    net_withdrawn_usd: str = "0"
    token: str = ""
    amount: str = "0"
    source_dex: str = "spot"
    destination_dex: str = "spot"


class LedgerUpdate(msgspec.Struct, frozen=True):
    """One line of the account's ledger, at a time [ms]."""

    time: int
    delta: LedgerDelta


def transfer_usd_micro(delta: LedgerDelta, account: str) -> int:
    """Return what a ledger line added to the collateral, negative when it took [10^-6 USD].

    account   lowercase address
    Raises    ValueError for an amount that is no number

    >>> transfer_usd_micro(LedgerDelta("withdraw", usdc="12.5"), "0xab")
    -12500000
    """
    usdc = rounded_units(delta.usdc, USD_DECIMALS)
    if delta.type == "deposit":
        return usdc
    if delta.type in ("withdraw", "vaultCreate", "vaultDeposit"):
        return -usdc
    if delta.type == "vaultWithdraw":
        return rounded_units(delta.net_withdrawn_usd, USD_DECIMALS)
    if delta.type == "accountClassTransfer":
        return usdc if delta.to_perp else -usdc
    if delta.type in ("internalTransfer", "subAccountTransfer"):
        fee = rounded_units(delta.fee, USD_DECIMALS)
        return usdc if delta.destination.lower() == account else -usdc - fee
    return _sent(delta, account) if delta.type == "send" else 0


def _sent(delta: LedgerDelta, account: str) -> int:
    """Return what a `send` moved: it may leave and arrive at once, between an account's parts."""
    if delta.token != "USDC":
        return 0
    amount, moved = rounded_units(delta.amount, USD_DECIMALS), 0
    if delta.user.lower() == account and delta.source_dex == DEFAULT_DEX:
        moved -= amount
    if delta.destination.lower() == account and delta.destination_dex == DEFAULT_DEX:
        moved += amount
    return moved
