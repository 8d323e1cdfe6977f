"""Whether a signed action may be executed at all: signer, expiry, nonce, budget.

A refusal here answers the whole action with `status: err`; nothing of it happens and nothing is
charged but the price of a stale expiry.
"""

import msgspec

from hypermaker.core.units import NS_PER_S, USD_MICRO
from hypermaker.exchange.accounts import Account
from hypermaker.exchange.config import LimitConfig
from hypermaker.exchange.gateway import CANCELLING, SignedAction, category, entries
from hypermaker.exchange.nonces import NonceSet
from hypermaker.exchange.state import ExchangeState
from hypermaker.hyperliquid import rejects
from hypermaker.hyperliquid import wire_exchange as wire

STALE_PRICE = 5  # requests a stale expiresAfter costs
CANCELS_EXTRA = 100_000  # cancels have a cap of their own: min(cap + this, 2 * cap)


class Admitted(msgspec.Struct, frozen=True):
    """The account an action is for."""

    account: Account


def admit(state: ExchangeState, signed: SignedAction) -> Admitted | str:
    """Return the account an action is for, or the venue's text that refuses it."""
    action = signed.request.action
    if entries(action) > wire.ENTRIES_MAX:
        return rejects.OVER_WEIGHT.say(limit=wire.ENTRIES_MAX)
    account = _account_of(state, signed)
    if isinstance(account, str):
        return account
    expires = signed.request.expires_after
    if expires is not None and expires < state.now_ms:
        account.requests_used += STALE_PRICE
        return rejects.EXPIRED.say()
    nonces = state.nonces.setdefault(signed.signer, NonceSet())
    refusal = nonces.refusal(signed.request.nonce, state.now_ms)
    if refusal is not None:
        return refusal
    nonces.use(signed.request.nonce)
    if signed.request.vault_address:
        return rejects.NO_VAULT.say(address=signed.request.vault_address.lower())
    return _charge(state, account, action) or Admitted(account)


def _account_of(state: ExchangeState, signed: SignedAction) -> Account | str:
    own = state.accounts.get(signed.signer)
    if own is not None and not own.simulated:
        return own
    master = state.agents.master_of(signed.signer, state.now_ms)
    if master is None:
        return rejects.NO_SUCH_SIGNER.say(address=signed.signer)
    if isinstance(signed.request.action, wire.UserSignedAction):
        return rejects.NO_DEPOSIT.say(address=signed.signer)
    return state.accounts.of(master)


def requests_cap(account: Account, limits: LimitConfig) -> int:
    """Return how many requests an address may have made, from its volume and what it bought."""
    return limits.requests_initial + account.volume_usd_micro // USD_MICRO + account.requests_bought


def _charge(state: ExchangeState, account: Account, action: wire.Action) -> str | None:
    """Charge the address budget; return the refusal when it is spent.

    Over the cap one action passes every ten seconds; cancels have a larger cap of their own.
    """
    limits, cost = state.config.limits, entries(action)
    cap = requests_cap(account, limits)
    if category(action) == CANCELLING:
        cap, used = min(cap + CANCELS_EXTRA, 2 * cap), account.cancels_used
    else:
        used = account.requests_used
    if used + cost > cap:
        if state.now_ns < account.slow_lane_ns:
            return _budget_text(used + cost, cap, account)
        account.slow_lane_ns = state.now_ns + int(limits.slow_lane_s * NS_PER_S)
    if category(action) == CANCELLING:
        account.cancels_used += cost
    account.requests_used += cost
    return None


def _budget_text(used: int, cap: int, account: Account) -> str:
    dollars, cents = divmod(account.volume_usd_micro * 100 // USD_MICRO, 100)
    return rejects.RATE.say(used=used, cap=cap, volume=f"{dollars}.{cents:02d}")
