"""The table of refusals: what is said is what is understood."""

import pytest

from hypermaker.core.events import Reason
from hypermaker.hyperliquid import rejects
from hypermaker.hyperliquid.rejects import Ending, Refusal

BLANKS = {
    "quote": "USDH",
    "bid": "100.5",
    "ask": "101",
    "percent": 95,
    "text": "x",
    "address": "0x" + "c0" * 20,
    "nonce": 5,
    "bound": 6,
    "used": 97460,
    "cap": 97456,
    "volume": "87457.46",
    "limit": 200,
}
# Status words of the protocol sheet, typed here apart from the table.
ENDED = [
    "filled",
    "canceled",
    "scheduledCancel",
    "marginCanceled",
    "vaultWithdrawalCanceled",
    "openInterestCapCanceled",
    "selfTradeCanceled",
    "reduceOnlyCanceled",
    "siblingFilledCanceled",
    "delistedCanceled",
    "liquidatedCanceled",
    "outcomeSettledCanceled",
    "internalCancel",
]
REFUSED = [
    "rejected",
    "tickRejected",
    "minTradeNtlRejected",
    "perpMarginRejected",
    "reduceOnlyRejected",
    "badAloPxRejected",
    "iocCancelRejected",
    "badTriggerPxRejected",
    "marketOrderNoLiquidityRejected",
    "positionIncreaseAtOpenInterestCapRejected",
    "positionFlipAtOpenInterestCapRejected",
    "tooAggressiveAtOpenInterestCapRejected",
    "openInterestIncreaseRejected",
    "insufficientSpotBalanceRejected",
    "oracleRejected",
    "perpMaxPositionRejected",
    "tooManyOpenOrdersRejected",
]
# Strings seen live, not made from the table.
LIVE = [
    ("Order must have minimum value of $10. asset=4", Reason.NOTIONAL_MIN),
    ("Order must have minimum value of 10 USDC. asset=10107", Reason.NOTIONAL_MIN),
    ("Reduce only order would increase position. asset=4", Reason.REDUCE_ONLY),
    ("Price too far from oracle asset=4", Reason.ORACLE_DISTANCE),
    ("Order price cannot be more than 80% away from the reference price", Reason.ORACLE_DISTANCE),
    ("L1 error: User or API Wallet 0xc06d does not exist.", Reason.SIGNER),
    ("Invalid nonce: duplicate nonce 1700000000000", Reason.NONCE),
    ("Only post-only orders allowed immediately after a network upgrade", Reason.POST_ONLY_PERIOD),
    ("Trading is halted: post-only orders allowed for now", Reason.POST_ONLY_PERIOD),
    ("Too many cumulative requests sent (97460 > 97456) for cumulative volume", Reason.RATE),
    ("The moon is in the wrong house.", Reason.OTHER),
    ("", Reason.OTHER),
]


@pytest.mark.parametrize("refusal", rejects.REFUSALS, ids=lambda r: r.prefix[:30])
def test_every_text_is_understood_as_what_it_was_said_for(refusal: Refusal) -> None:
    """Alone, with the venue's ` asset=N`, and behind `L1 error: `."""
    said = refusal.say(**BLANKS)
    assert "{" not in said
    for text in (said, refusal.say(4, **BLANKS), rejects.ERROR_PREFIX + said):
        assert rejects.refusal_of_text(text) is refusal
        assert rejects.reason_of_text(text) == refusal.reason


@pytest.mark.parametrize(("text", "reason"), LIVE)
def test_live_texts_have_their_reason(text: str, reason: Reason) -> None:
    assert rejects.reason_of_text(text) == reason


def test_every_documented_status_word_is_known_and_no_other() -> None:
    for word in ENDED:
        assert rejects.ending_of_status(word)[0] is Ending.ENDED
    for word in REFUSED:
        assert rejects.ending_of_status(word)[0] is Ending.REFUSED
    assert rejects.ending_of_status("filled")[1] == Reason.FILLED
    assert {*ENDED, *REFUSED, "open", "triggered"} == rejects.STATUS_WORDS


def test_words_nobody_has_seen_go_by_their_suffix() -> None:
    """F11: Rejected first, then Canceled or Cancel, else unknown."""
    assert rejects.ending_of_status("fooRejected") == (Ending.REFUSED, Reason.OTHER)
    assert rejects.ending_of_status("fooCancelRejected")[0] is Ending.REFUSED
    assert rejects.ending_of_status("fooCanceled")[0] is Ending.ENDED
    assert rejects.ending_of_status("fooCancel")[0] is Ending.ENDED
    assert rejects.ending_of_status("levitating")[0] is Ending.UNKNOWN
