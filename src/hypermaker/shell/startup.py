"""What has to be known before a session can begin: the coin, its price, and whose account it is."""

import secrets
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hypermaker.config import check_keys
from hypermaker.errors import ConfigError, LinkError, ProtocolError
from hypermaker.hyperliquid.assets import Asset, AssetTable
from hypermaker.hyperliquid.wire_info import ClearinghouseState, InfoRequest
from hypermaker.risk.settings import KILL_SETTINGS, MONITOR_SETTINGS
from hypermaker.shell.transport import Http
from hypermaker.state import EngineConfig, config_for

RUN_ID_BITS = 63
FLOAT_MAX = sys.float_info.max
_NO_WISHES = ("coin", "sz_decimals", "started_ns", "kept", "strategy", "strategy_sha256")
_SET_IN_USD = ("quote_usd",)

_read_prices = msgspec.json.Decoder(dict[str, str]).decode
_read_state = msgspec.json.Decoder(ClearinghouseState).decode


def make_run_id() -> int:
    """Return a number no other session has: it opens every client order id (F29)."""
    return secrets.randbits(RUN_ID_BITS) | 1


def check_wishes(wishes: dict[str, Any], where: str) -> None:
    """Raise ConfigError for a wish the engine does not know, naming those it does."""
    names = [field.name for field in msgspec.structs.fields(EngineConfig)]
    valid = [name for name in names if name not in _NO_WISHES]
    check_keys(wishes, sorted([*valid, *_SET_IN_USD]), where)
    limits = [setting.name for setting in (*KILL_SETTINGS, *MONITOR_SETTINGS)]
    check_keys(wishes.get("risk", {}), limits, f"{where}, risk")


async def find_asset(http: Http, coin: str) -> Asset:
    """Return the coin as the venue lists it now.

    Raises ConfigError naming near matches when it is not tradable, LinkError without an answer.
    """
    raw = await http.info(InfoRequest("meta"))
    try:
        return AssetTable.from_meta(raw).by_coin(coin)
    except ProtocolError as error:
        raise LinkError(str(error)) from error


async def engine_config(
    http: Http, asset: Asset, *, wishes: dict[str, Any], where: str
) -> EngineConfig:
    """Return the engine's configuration at today's price.

    wishes   fields of EngineConfig in the user's words
    where    the file (or option) they come from, for the error
    Raises   ConfigError for a wish of the wrong type or value, LinkError without a price
    """
    raw = await http.info(InfoRequest("allMids"))
    try:
        price_usd = float(_read_prices(raw)[asset.coin])
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise LinkError(f"no price of {asset.coin}: {error}") from error
    try:
        # A journal is JSON, which knows no infinity; no limit and the largest number are the same.
        limits = {name: min(float(limit), FLOAT_MAX) for name, limit in _limits_of(wishes)}
        return config_for(
            asset.coin,
            sz_decimals=asset.sz_decimals,
            price_usd=price_usd,
            wishes={**wishes, "risk": limits},
        )
    except (TypeError, ValueError) as error:
        raise ConfigError(where, wishes, str(error)) from error


def _limits_of(wishes: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the chosen risk limits as pairs; raises TypeError when they are no table."""
    chosen = wishes.get("risk", {})
    if not isinstance(chosen, Mapping):
        raise TypeError("risk must be a table of limits")
    return chosen.items()


class AccountValue(msgspec.Struct, frozen=True):
    """An account at one instant, at the venue's mark price.

    value_usd      cash and position
    position       signed, in coin, as the venue writes it
    mark_usd       price the position is valued at; 0 when there is none
    entry_usd      average price it was entered at; 0 when there is none
    """

    value_usd: float
    position: str
    mark_usd: float
    entry_usd: float = 0.0

    @property
    def open_profit_usd(self) -> float:
        """What the position would realise at the mark."""
        return float(self.position) * (self.mark_usd - self.entry_usd)


async def account_value(http: Http, address: str, coin: str) -> AccountValue:
    """Return what the account is worth now; raises LinkError without a readable answer."""
    raw = await http.info(InfoRequest("clearinghouseState", user=address))
    try:
        state = _read_state(raw)
        held = [p.position for p in state.asset_positions if p.position.coin == coin]
        size = float(held[0].szi) if held else 0.0
        mark = abs(float(held[0].position_value) / size) if size else 0.0
        entry = float(held[0].entry_px or 0.0) if held else 0.0
        value = float(state.margin_summary.account_value)
    except (msgspec.DecodeError, ValueError) as error:
        raise LinkError(f"the account cannot be read: {error}") from error
    return AccountValue(value, held[0].szi if held else "0", mark, entry)
