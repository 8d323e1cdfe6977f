"""Which number the venue knows a coin by, and how fine its prices and sizes are.

An asset's id is its place in `meta.universe`, delisted entries included: they keep their slot, so
nothing may be filtered before numbering. Ids differ between networks; they are read at start.
"""

import difflib

import msgspec

from hypermaker.core.units import price_decimals
from hypermaker.errors import ConfigError, ProtocolError
from hypermaker.hyperliquid.wire_info import Meta, MetaAsset

_BUILDER_DEX_BASE = 100_000
_BUILDER_DEX_STRIDE = 10_000


class Asset(msgspec.Struct, frozen=True):
    """One perpetual as the venue lists it.

    Parameters
    ----------
    coin          name used in info requests and subscriptions, case-sensitive
    asset_id      number used in actions
    sz_decimals   one lot is 10^-sz_decimals coin
    max_leverage  whole number
    is_delisted   the slot is kept, trading is over

    """

    coin: str
    asset_id: int
    sz_decimals: int
    max_leverage: int
    is_delisted: bool = False

    @property
    def price_decimals(self) -> int:
        """One tick is 10^-price_decimals USD."""
        return price_decimals(self.sz_decimals)


class AssetTable(msgspec.Struct, frozen=True):
    """All perpetuals of one dex, in the venue's order.

    Parameters
    ----------
    assets   index in this tuple plus the dex's first id is the asset id

    """

    assets: tuple[Asset, ...]

    @classmethod
    def from_meta(cls, meta: bytes | Meta, dex_index: int = 0) -> "AssetTable":
        """Return the table of a `meta` answer.

        Parameters
        ----------
        meta        JSON bytes or the decoded answer
        dex_index   place in `perpDexs`; 0 is the main dex
        Raises      ProtocolError when the bytes are no `meta` answer

        """
        if isinstance(meta, bytes):
            try:
                decoded = msgspec.json.decode(meta, type=Meta)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ProtocolError(f"a meta answer: {error}", meta) from error
        else:
            decoded = meta
        first = _BUILDER_DEX_BASE + _BUILDER_DEX_STRIDE * dex_index if dex_index else 0
        return cls(tuple(_asset(row, first + at) for at, row in enumerate(decoded.universe)))

    @property
    def tradable(self) -> tuple[Asset, ...]:
        """The assets that are not delisted."""
        return tuple(asset for asset in self.assets if not asset.is_delisted)

    def by_coin(self, coin: str) -> Asset:
        """Return the tradable asset of a name.

        Raises ConfigError that names near matches when there is none, or it is delisted.
        """
        names = [asset.coin for asset in self.tradable]
        for asset in self.assets:
            if asset.coin == coin and not asset.is_delisted:
                return asset
        folded = {name.lower(): name for name in names}
        near = difflib.get_close_matches(coin.lower(), folded, n=5, cutoff=0.5)
        listed = ", ".join(folded[name] for name in near) if near else ", ".join(names[:20])
        delisted = any(asset.coin == coin for asset in self.assets)
        valid = f"{'it is delisted; ' if delisted else ''}one of {listed}"
        raise ConfigError("asset", coin, valid)


def _asset(row: MetaAsset, asset_id: int) -> Asset:
    return Asset(row.name, asset_id, row.sz_decimals, row.max_leverage, bool(row.is_delisted))
