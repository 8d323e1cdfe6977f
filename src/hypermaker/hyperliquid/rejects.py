"""The venue's refusals: one table of texts and status words, which both ends use.

We read it, the local exchange speaks from it, so they cannot drift apart.

A text is matched by its prefix up to the first blank to fill in: live texts end in ` asset=N`, and
numbers vary. What is not in the table is `Reason.OTHER` and keeps its text. Status words are
classed by the table, then by suffix, because the venue adds words without notice.

Source: hyperliquid-docs, "Error responses"; live strings seen by public probes in 2026.
"""

from enum import Enum

import msgspec

from hypermaker.core.events import Reason


class Refusal(msgspec.Struct, frozen=True):
    """One thing the venue says.

    Parameters
    ----------
    text     its words; `{name}` marks what varies
    reason   what it means to the engine
    status   the word `orderUpdates` shows for it, empty where there is none
    """

    text: str
    reason: Reason
    status: str = ""

    @property
    def prefix(self) -> str:
        """The words before the first blank, without the full stop."""
        return self.text.partition("{")[0].rstrip(". ")

    def say(self, asset_id: int | None = None, **blanks: object) -> str:
        """Return the text with its blanks filled, and with the asset where the venue adds it."""
        said = self.text.format(**blanks)
        return said if asset_id is None else f"{said} asset={asset_id}"


TICK = Refusal("Price must be divisible by tick size.", Reason.TICK, "tickRejected")
NOTIONAL_MIN = Refusal(
    "Order must have minimum value of $10.", Reason.NOTIONAL_MIN, "minTradeNtlRejected"
)
NOTIONAL_MIN_QUOTE = Refusal(
    "Order must have minimum value of 10 {quote}.", Reason.NOTIONAL_MIN, "minTradeNtlRejected"
)
MARGIN = Refusal("Insufficient margin to place order.", Reason.MARGIN, "perpMarginRejected")
REDUCE_ONLY = Refusal(
    "Reduce only order would increase position.", Reason.REDUCE_ONLY, "reduceOnlyRejected"
)
POST_ONLY_CROSS = Refusal(
    "Post only order would have immediately matched, bbo was {bid}@{ask}.",
    Reason.POST_ONLY_CROSS,
    "badAloPxRejected",
)
IOC_NO_MATCH = Refusal(
    "Order could not immediately match against any resting orders.",
    Reason.IOC_NO_MATCH,
    "iocCancelRejected",
)
TRIGGER_PRICE = Refusal("Invalid TP/SL price.", Reason.TRIGGER_PRICE, "badTriggerPxRejected")
NO_LIQUIDITY = Refusal(
    "No liquidity available for market order.",
    Reason.NO_LIQUIDITY,
    "marketOrderNoLiquidityRejected",
)
OPEN_INTEREST_CAP = Refusal(
    "Order would increase open interest while open interest is capped",
    Reason.OPEN_INTEREST,
    "positionIncreaseAtOpenInterestCapRejected",
)
OPEN_INTEREST_AGGRESSIVE = Refusal(
    "Order rejected due to price more aggressive than oracle while at open interest cap",
    Reason.OPEN_INTEREST,
    "tooAggressiveAtOpenInterestCapRejected",
)
OPEN_INTEREST_FAST = Refusal(
    "Order would increase open interest too quickly",
    Reason.OPEN_INTEREST,
    "openInterestIncreaseRejected",
)
SPOT_BALANCE = Refusal(
    "Order has insufficient spot balance to trade",
    Reason.BALANCE,
    "insufficientSpotBalanceRejected",
)
ORACLE_DISTANCE = Refusal("Price too far from oracle", Reason.ORACLE_DISTANCE, "oracleRejected")
ORACLE_DISTANCE_DOCUMENTED = Refusal(
    "Order price too far from oracle", Reason.ORACLE_DISTANCE, "oracleRejected"
)
POSITION_MAX = Refusal(
    "Order would cause position to exceed margin tier limit at current leverage",
    Reason.POSITION_MAX,
    "perpMaxPositionRejected",
)
REFERENCE_DISTANCE = Refusal(
    "Order price cannot be more than {percent}% away from the reference price",
    Reason.ORACLE_DISTANCE,
)
INVALID_PRICE = Refusal("Order has invalid price.", Reason.INVALID)
INVALID_SIZE = Refusal("Order has invalid size.", Reason.INVALID)
ZERO_SIZE = Refusal("Order has zero size.", Reason.INVALID)
BUILDER_FEE = Refusal("Builder fee has not been approved", Reason.ACCOUNT)
TRIGGERS_UNEXPECTED = Refusal("Unexpected number of trigger orders", Reason.INVALID)
POST_ONLY_PERIOD = Refusal("Only post-only orders allowed", Reason.POST_ONLY_PERIOD)
TOO_MANY_ORDERS = Refusal(
    "Too many open orders", Reason.TOO_MANY_ORDERS, "tooManyOpenOrdersRejected"
)
"""The venue's text is not known, only its status word; this one is ours."""

CANCEL_GONE = Refusal("Order was never placed, already canceled, or filled.", Reason.OTHER)
MODIFY_GONE = Refusal("Cannot modify canceled or filled order", Reason.OTHER)
MODIFY_PLACE = Refusal("Error placing new order during modify: {text}", Reason.OTHER)

NO_SUCH_SIGNER = Refusal("User or API Wallet {address} does not exist.", Reason.SIGNER)
NO_DEPOSIT = Refusal("Must deposit before performing actions. User: {address}", Reason.ACCOUNT)
NO_SIGNER = Refusal("Unable to recover signer.", Reason.SIGNER)
OTHER_NETWORK = Refusal("Mainnet and testnet require different signature.", Reason.SIGNER)
NONCE_DUPLICATE = Refusal("Invalid nonce: duplicate nonce {nonce}", Reason.NONCE)
NONCE_LOW = Refusal("Invalid nonce: nonce too low {nonce} < {bound}", Reason.NONCE)
NONCE_HIGH = Refusal("Invalid nonce: nonce too high {nonce} > {bound}", Reason.NONCE)
EXPIRED = Refusal("Action already expired", Reason.EXPIRED)
RATE = Refusal(
    "Too many cumulative requests sent ({used} > {cap}) for cumulative volume traded ${volume}. "
    "Place taker orders to free up 1 request per USDC traded.",
    Reason.RATE,
)
OVER_WEIGHT = Refusal("Signed action over weight limit of {limit}.", Reason.RATE)
SCHEDULE_VOLUME = Refusal(
    "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. "
    "Traded: ${volume}.",
    Reason.ACCOUNT,
)
NO_VAULT = Refusal("Vault not registered: {address}", Reason.ACCOUNT)
VAULT_ACTION = Refusal("Vault may not perform this action.", Reason.ACCOUNT)
UNIFIED_ACCOUNT = Refusal("Action disabled when unified account is active", Reason.ACCOUNT)
SUB_ACCOUNTS = Refusal("Too many sub-accounts.", Reason.ACCOUNT)
LEVERAGE_SWITCH = Refusal("Cannot switch leverage type with open position.", Reason.INVALID)
NOT_ISOLATED = Refusal("Position does not use isolated margin.", Reason.INVALID)
AGENT_USED = Refusal("Extra agent already used.", Reason.ACCOUNT)
AGENTS_FULL = Refusal(
    "Too many extra agents for cumulative volume traded. Current limit is {limit}", Reason.ACCOUNT
)
AGENT_REMOVAL = Refusal("User has pending agent removal", Reason.SIGNER)

REFUSALS = tuple(value for value in list(globals().values()) if isinstance(value, Refusal))
"""Every refusal above."""

ERROR_PREFIX = "L1 error: "
_BY_PREFIX = tuple(sorted(REFUSALS, key=lambda refusal: -len(refusal.prefix)))
_POST_ONLY_WORDS = "post-only orders allowed"


class Ending(Enum):
    """What a status word says about an order."""

    LIVE = "on the book or triggered"
    ENDED = "over; what remains was not filled"
    REFUSED = "never on the book"
    UNKNOWN = "a word nobody has seen"


_ENDED = {
    "filled": Reason.FILLED,
    "canceled": Reason.CANCELED,
    "scheduledCancel": Reason.SCHEDULED_CANCEL,
    "marginCanceled": Reason.MARGIN,
    "vaultWithdrawalCanceled": Reason.ACCOUNT,
    "openInterestCapCanceled": Reason.OPEN_INTEREST,
    "selfTradeCanceled": Reason.SELF_TRADE,
    "reduceOnlyCanceled": Reason.REDUCE_ONLY,
    "siblingFilledCanceled": Reason.OTHER,
    "delistedCanceled": Reason.DELISTED,
    "liquidatedCanceled": Reason.LIQUIDATED,
    "outcomeSettledCanceled": Reason.OTHER,
    "internalCancel": Reason.OTHER,
}
_REFUSED = {refusal.status: refusal.reason for refusal in REFUSALS if refusal.status} | {
    "rejected": Reason.OTHER,
    "positionFlipAtOpenInterestCapRejected": Reason.OPEN_INTEREST,
}
_WORDS: dict[str, tuple[Ending, Reason]] = {
    "open": (Ending.LIVE, Reason.NONE),
    "triggered": (Ending.LIVE, Reason.NONE),
    **{word: (Ending.ENDED, reason) for word, reason in _ENDED.items()},
    **{word: (Ending.REFUSED, reason) for word, reason in _REFUSED.items()},
}
STATUS_WORDS = frozenset(_WORDS)
"""Every status word that is known."""


def refusal_of_text(text: str) -> Refusal | None:
    """Return the row of the table a text comes from, None when it is not there.

    >>> refusal_of_text("Order has zero size. asset=4").reason.name
    'INVALID'
    """
    bare = text.removeprefix(ERROR_PREFIX)
    for refusal in _BY_PREFIX:
        if bare.startswith(refusal.prefix):
            return refusal
    return POST_ONLY_PERIOD if _POST_ONLY_WORDS in bare else None


def reason_of_text(text: str) -> Reason:
    """Return what a refusal's text means, `Reason.OTHER` when nobody has seen it.

    >>> reason_of_text("Insufficient margin to place order. asset=0").name
    'MARGIN'
    """
    refusal = refusal_of_text(text)
    return Reason.OTHER if refusal is None else refusal.reason


def ending_of_status(word: str) -> tuple[Ending, Reason]:
    """Return what a status word says; words not in the table go by their suffix.

    >>> ending_of_status("solarFlareCanceled")[0].name
    'ENDED'
    >>> ending_of_status("iocCancelRejected")[0].name
    'REFUSED'
    """
    known = _WORDS.get(word)
    if known is not None:
        return known
    if word.endswith(("Rejected", "rejected")):
        return Ending.REFUSED, Reason.OTHER
    if word.endswith(("Canceled", "Cancel", "canceled")):
        return Ending.ENDED, Reason.OTHER
    return Ending.UNKNOWN, Reason.OTHER
