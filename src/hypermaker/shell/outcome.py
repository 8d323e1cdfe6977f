"""How a session ended, in numbers."""

from typing import Any

import msgspec

from hypermaker.hyperliquid.assets import Asset
from hypermaker.risk.kept import kept_of
from hypermaker.shell.startup import AccountValue
from hypermaker.state import State
from hypermaker.summary import HALF_MICRO, summarise


class Outcome(msgspec.Struct, frozen=True):
    """How a session ended, in numbers.

    position_*                 coin, signed
    max_abs_position, position_limit   coin
    pnl_usd                    by cause; the parts sum to `total`, at the venue's mark
    account_value_change_usd   what the venue says the account gained, transfers taken out, and a
                               position found at the start valued at the first mid we saw
    identity_gap_usd           that minus our total; 0 but for rounding when the books agree
    killed                     why the kill switch ended the session; empty when it did not
    killed_value, killed_limit what was measured then, and the limit it passed
    end                        what became of the position: "kept", "flat", or "not flat"
    transfers_usd              deposits less withdrawals during the session
    inherited_position         coin, found at the start
    inherited_profit_usd       what it had gained before us; none of it is in `pnl_usd`
    """

    seconds: float
    events: int
    orders_placed: int
    orders_cancelled: int
    orders_refused: int
    fills: int
    volume_usd: float
    pnl_usd: dict[str, float]
    position_engine: float
    position_exchange: float
    open_orders_at_exit: int
    requests_used: int
    max_abs_position: float
    position_limit: float
    unknown_outcomes: int
    account_value_change_usd: float
    identity_gap_usd: float
    links_lost: int
    contradictions: int
    killed: str
    session: str
    killed_value: float | None = None
    killed_limit: float | None = None
    end: str = "kept"
    transfers_usd: float = 0.0
    inherited_position: float = 0.0
    inherited_profit_usd: float = 0.0
    is_dry: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether nothing is open and both sides hold the same position.

        A dry run changes nothing, so what is open was open before it.
        """
        agree = self.position_engine == self.position_exchange
        return agree and (self.is_dry or self.open_orders_at_exit == 0)


_TOLD = (
    "events",
    "orders_placed",
    "orders_cancelled",
    "orders_refused",
    "fills",
    "volume_usd",
    "requests_used",
    "unknown_outcomes",
    "contradictions",
)


def engine_figures(
    states: State, asset: Asset, before: AccountValue, after: AccountValue
) -> dict[str, Any]:
    """Return the fields of an Outcome that the engine and the account know, our profit at the mark.

    before, after   the account at the session's ends
    """
    lot = 10.0**-asset.sz_decimals
    mark_ticks = after.mark_usd * 10**asset.price_decimals if after.mark_usd else None
    told, kept = summarise(states, mark_ticks), kept_of(states[0].kill_switch)
    transfers_usd = int(states[0].transfers_usd_micro) / 1e6
    change = after.value_usd - before.value_usd - transfers_usd
    first_mid_usd = int(states[0].ledger.start_half) / HALF_MICRO
    change -= first_mid_usd - float(before.position) * before.mark_usd
    fired = kept.is_killed
    return {
        "pnl_usd": {name: round(usd, 6) for name, usd in told["pnl_usd"].items()},
        "position_engine": round(told["position_lots"] * lot, asset.sz_decimals),
        "position_exchange": float(after.position),
        "max_abs_position": round(told["position_lots_max_abs"] * lot, asset.sz_decimals),
        "position_limit": round(told["position_limit_lots"] * lot, asset.sz_decimals),
        "account_value_change_usd": round(change, 6),
        "identity_gap_usd": round(change - told["pnl_usd"]["total"], 6),
        "killed": kept.reason_name,
        "killed_value": kept.killed_value if fired else None,
        "killed_limit": kept.killed_limit if fired else None,
        "transfers_usd": transfers_usd,
        "inherited_position": float(before.position),
        "inherited_profit_usd": round(before.open_profit_usd, 6),
        **{name: told[name] for name in _TOLD},
    }
