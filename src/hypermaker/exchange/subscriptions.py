"""What a client may listen to: which parameters count, and their normalised form.

The venue echoes the normalised form, compares by it, and kills the socket without a word over a
coin (or an aggregation) it does not know. Measured in 2026 (protocol sheet 7.3).
"""

import re
from typing import Any

import msgspec

from hypermaker.exchange.public import aggregation_is_valid
from hypermaker.exchange.state import ExchangeState
from hypermaker.hyperliquid.wire_ws import Subscription

COIN, USER, USER_COIN, PLAIN = "coin", "user", "user and coin", "nothing"

NEEDS = {
    "l2Book": COIN,
    "bbo": COIN,
    "trades": COIN,
    "activeAssetCtx": COIN,
    "allMids": PLAIN,
    "orderUpdates": USER,
    "userEvents": USER,
    "userFills": USER,
    "userFundings": USER,
    "userNonFundingLedgerUpdates": USER,
    "notification": USER,
    "clearinghouseState": USER,
    "openOrders": USER,
    "activeAssetData": USER_COIN,
}
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


class UnknownCoinError(ValueError):
    """The venue closes the socket over this."""


class MalformedError(ValueError):
    """The venue answers this with an error frame."""


class Topic(msgspec.Struct, frozen=True):
    """One normalised subscription; equal topics are the same subscription."""

    type: str
    coin: str = ""
    user: str = ""
    n_sig_figs: int | None = None
    mantissa: int | None = None
    fast: bool = False
    aggregate: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the normalised form as the venue echoes it."""
        shown: dict[str, Any] = {"type": self.type}
        if self.user:
            shown["user"] = self.user
        if self.coin:
            shown["coin"] = self.coin
        if self.type == "l2Book":
            shown |= {"nSigFigs": self.n_sig_figs, "mantissa": self.mantissa, "fast": self.fast}
        if self.type == "userFills":
            shown["aggregateByTime"] = self.aggregate
        if self.type in ("clearinghouseState", "openOrders", "allMids"):
            shown["dex"] = ""
        return shown


def topic_of(asked: Subscription, state: ExchangeState) -> Topic:
    """Return the normalised form of a subscription.

    Raises MalformedError for an unknown type or a missing key, UnknownCoinError for a coin, dex
    or aggregation that does not exist.
    """
    needs = NEEDS.get(asked.type)
    if needs is None:
        raise MalformedError(asked.type)
    if asked.dex:
        raise UnknownCoinError(asked.dex)
    coin = _coin(asked, state) if needs in (COIN, USER_COIN) else ""
    user = _user(asked) if needs in (USER, USER_COIN) else ""
    if asked.type != "l2Book":
        aggregate = asked.type == "userFills" and bool(asked.aggregate_by_time)
        return Topic(asked.type, coin, user, aggregate=aggregate)
    if not aggregation_is_valid(asked.n_sig_figs, asked.mantissa):
        raise UnknownCoinError("aggregation")
    return Topic(asked.type, coin, "", asked.n_sig_figs, asked.mantissa, fast=bool(asked.fast))


def _coin(asked: Subscription, state: ExchangeState) -> str:
    if asked.coin is None:
        raise MalformedError("coin")
    if asked.coin not in state.by_name and asked.coin not in state.delisted:
        raise UnknownCoinError(asked.coin)
    return asked.coin


def _user(asked: Subscription) -> str:
    if asked.user is None or not _ADDRESS.fullmatch(asked.user):
        raise MalformedError("user")
    return asked.user.lower()
