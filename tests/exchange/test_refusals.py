"""Every refusal in the venue's own words (protocol sheet 3.12), over the signed door."""

from typing import Any

import msgspec
import pytest

from hypermaker.core.units import NS_PER_MS
from hypermaker.exchange.config import BlockConfig, ExchangeConfig, LimitConfig
from hypermaker.exchange.gateway import NOT_A_REQUEST, NOT_JSON
from hypermaker.exchange.presets import PRESETS
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.signing import Signer
from hypermaker.hyperliquid.user_signing import USER_SIGNED, user_signed_digest
from hypermaker.hyperliquid.wire_exchange import (
    ApproveAgentAction,
    Builder,
    ExchangeRequest,
    OrderWire,
    ReserveRequestWeightAction,
    UpdateIsolatedMarginAction,
)
from tests.exchange.actors import ALICE, BOB, CAROL, Bench, order

PRICE = 1_230_000  # 123 USD
LOTS = 10  # 0.1 SOL, 12.3 USD
GONE = "Order was never placed, already canceled, or filled. asset=5"


def error(status: Any) -> str:
    text: str = status["error"]
    return text


def wire(price: str, size: str, asset: int = 5) -> OrderWire:
    plain = order(1, PRICE, LOTS)
    return msgspec.structs.replace(plain, p=price, s=size, a=asset)


@pytest.mark.parametrize(
    ("price", "size", "text"),
    [
        ("123.001", "0.1", "Price must be divisible by tick size. asset=5"),
        ("12300.5", "0.001", "Order has invalid size. asset=5"),
        ("100.00001", "0.2", "Price must be divisible by tick size. asset=5"),
        ("123", "0.08", "Order must have minimum value of $10. asset=5"),
        ("123", "0", "Order has zero size. asset=5"),
        ("123", "-1", "Order has invalid size. asset=5"),
        ("12x", "1", "Order has invalid price. asset=5"),
        ("123", "1e3", "Order has invalid size. asset=5"),
        (
            "250",
            "1",
            "Order price cannot be more than 95% away from the reference price asset=5",
        ),
        ("123", "100000", "Insufficient margin to place order. asset=5"),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_in_the_venues_words(
    price: str, size: str, text: str
) -> None:
    bench = Bench()
    (status,) = bench.place(ALICE, wire(price, size))
    assert error(status) == text
    assert bench.info("openOrders", user=ALICE.address) == []


def test_one_malformed_order_refuses_the_batch_with_one_status() -> None:
    """Protocol sheet 3.2: pre-validation answers once for all."""
    bench = Bench()
    statuses = bench.place(ALICE, wire("123", "0.1"), wire("123", "0"))
    assert [error(status) for status in statuses] == ["Order has zero size. asset=5"]
    assert bench.place(ALICE) == [{"error": "Empty batch of orders."}]


def test_per_order_refusals_leave_the_rest_of_the_batch_alone() -> None:
    bench = Bench()
    statuses = bench.place(ALICE, wire("123", "0.01"), wire("123", "0.1"))
    assert [next(iter(status)) for status in statuses] == ["error", "resting"]


def test_a_post_only_order_that_would_match_hears_the_touch() -> None:
    bench = Bench()
    bench.rest(BOB, 1, PRICE - 100, LOTS)
    bench.rest(BOB, -1, PRICE, LOTS)
    (status,) = bench.place(ALICE, order(1, PRICE, LOTS))
    assert error(status) == (
        "Post only order would have immediately matched, bbo was 122.99@123. asset=5"
    )
    (kept,) = bench.info("historicalOrders", user=ALICE.address)
    assert kept["status"] == "badAloPxRejected"


def test_an_ioc_that_meets_nobody_says_so() -> None:
    bench = Bench()
    (status,) = bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    text = "Order could not immediately match against any resting orders. asset=5"
    assert error(status) == text


def test_reduce_only_without_a_position_would_increase_it() -> None:
    bench = Bench()
    (status,) = bench.place(ALICE, order(1, PRICE, LOTS, reduce_only=True))
    assert error(status) == "Reduce only order would increase position. asset=5"


def test_a_cancel_of_what_is_not_open_is_always_the_same_words() -> None:
    """Filled, cancelled twice, of another account and never placed cannot be told apart."""
    bench = Bench()
    mine, other = bench.rest(ALICE, 1, PRICE, LOTS), bench.rest(BOB, 1, PRICE, LOTS)
    reply = bench.act(ALICE, encode.cancel_action(5, [mine, mine, other, 12345]))
    gone = {"error": GONE}
    assert reply["response"]["data"]["statuses"] == ["success", gone, gone, gone]
    reply = bench.act(ALICE, encode.cancel_by_cloid_action(5, ["0x" + "0" * 32]))
    assert reply["response"] == {"type": "cancel", "data": {"statuses": [gone]}}


def test_a_key_nobody_knows_is_named_in_the_refusal() -> None:
    bench = Bench()
    reply = bench.act(CAROL, encode.noop_action())
    text = f"User or API Wallet {CAROL.address} does not exist."
    assert reply == {"status": "err", "response": text}


def test_a_signature_over_other_bytes_is_of_somebody_else() -> None:
    """Wrong network, wrong key order and a changed field all look the same: another address."""
    bench = Bench()
    mainnet = Signer(b"\x01" * 32, mainnet=True)
    assert "does not exist." in bench.act(mainnet, encode.noop_action())["response"]


def test_trailing_zeros_sign_other_bytes_than_the_venue_hashes() -> None:
    """Protocol sheet 2.2: the commonest signing mistake."""
    bench = Bench()
    reply = bench.act(ALICE, encode.place_action([wire("123.0", "0.10")]))
    assert "does not exist." in reply["response"]
    assert ALICE.address not in reply["response"]


def test_groups_and_builders_nobody_approved_are_refused_whole() -> None:
    bench = Bench()
    plain = encode.place_action([wire("123", "0.1")])
    grouped = msgspec.structs.replace(plain, grouping="normalTpsl")
    built = msgspec.structs.replace(plain, builder=Builder(BOB.address, 10))
    for action, text in (
        (grouped, "Unexpected number of trigger orders"),
        (built, "Builder fee has not been approved"),
    ):
        reply = bench.act(ALICE, action)
        assert reply["response"]["data"]["statuses"] == [{"error": text}]


def test_an_impossible_signature_recovers_nobody() -> None:
    bench = Bench()
    body = encode.signed_request(ALICE, encode.noop_action(), bench.nonce())
    request = msgspec.json.decode(body)
    request["signature"]["r"] = "0x0"
    ticket = bench.exchange.submit(msgspec.json.encode(request), bench.now_ns)
    bench.wait(0.0)
    expected = b'{"status":"err","response":"Unable to recover signer."}'
    assert bench.answers[ticket] == (200, expected)


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"hello", 400, NOT_JSON),
        (b"[]", 422, NOT_A_REQUEST),
        (b'{"action":{"type":"fly"},"nonce":1,"signature":{}}', 422, NOT_A_REQUEST),
    ],
)
def test_what_is_no_request_is_refused_as_http(body: bytes, status: int, text: bytes) -> None:
    """Protocol sheet section 1."""
    bench = Bench()
    ticket = bench.exchange.submit(body, bench.now_ns)
    bench.wait(0.0)
    assert bench.answers[ticket] == (status, text)


def test_the_same_nonce_twice_is_refused_and_a_noop_burns_it() -> None:
    """F26: the way to kill an action in flight is a noop with its nonce."""
    bench = Bench()
    nonce = bench.nonce()
    assert bench.act(ALICE, encode.noop_action(), nonce=nonce)["status"] == "ok"
    late = bench.act(ALICE, encode.place_action([wire("123", "0.1")]), nonce=nonce)
    assert late == {"status": "err", "response": f"Invalid nonce: duplicate nonce {nonce}"}


def test_an_expired_action_does_nothing_and_costs_five() -> None:
    bench = Bench()
    late = bench.act(
        ALICE, encode.place_action([wire("123", "0.1")]), expires_after_ms=bench.now_ms - 1
    )
    assert late == {"status": "err", "response": "Action already expired"}
    assert bench.info("userRateLimit", user=ALICE.address)["nRequestsUsed"] == 5


def test_a_vault_is_refused_politely() -> None:
    bench = Bench()
    reply = bench.act(ALICE, encode.noop_action(), vault=BOB.address)
    assert reply == {"status": "err", "response": f"Vault not registered: {BOB.address}"}


def test_more_than_two_hundred_entries_are_over_the_weight_limit_and_free() -> None:
    bench = Bench()
    reply = bench.act(ALICE, encode.cancel_action(5, list(range(201))))
    assert reply == {"status": "err", "response": "Signed action over weight limit of 200."}
    assert bench.info("userRateLimit", user=ALICE.address)["nRequestsUsed"] == 0


def test_over_the_address_budget_one_action_passes_every_ten_seconds() -> None:
    limits = LimitConfig(requests_initial=2)
    bench = Bench(ExchangeConfig(assets=(), flow=PRESETS["still"], limits=limits))
    for _ in range(3):  # two are in the budget, the third opens the slow lane
        assert bench.act(ALICE, encode.noop_action())["status"] == "ok"
    refused = bench.act(ALICE, encode.noop_action())
    assert refused["response"] == (
        "Too many cumulative requests sent (4 > 2) for cumulative volume traded $0.00. "
        "Place taker orders to free up 1 request per USDC traded."
    )
    assert bench.act(ALICE, encode.cancel_action(5, [1]))["status"] == "ok"
    bench.wait(10.0)
    assert bench.act(ALICE, encode.noop_action())["status"] == "ok"
    assert bench.act(ALICE, encode.noop_action())["status"] == "err"


def test_requests_can_be_bought() -> None:
    bench = Bench()
    assert bench.act(ALICE, ReserveRequestWeightAction(1000))["status"] == "ok"
    assert bench.info("userRateLimit", user=ALICE.address)["nRequestsCap"] == 11_000
    state = bench.info("clearinghouseState", user=ALICE.address)
    assert state["marginSummary"]["accountValue"] == "99999.5"


def test_the_dead_mans_switch_waits_for_a_million_of_volume() -> None:
    bench = Bench()
    reply = bench.act(ALICE, encode.schedule_cancel_action(bench.now_ms + 60_000))
    assert reply["response"] == (
        "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. "
        "Traded: $0."
    )


def test_the_dead_mans_switch_cancels_everything_when_it_fires() -> None:
    limits = LimitConfig(schedule_cancel_usd=0)
    bench = Bench(ExchangeConfig(assets=(), flow=PRESETS["still"], limits=limits))
    oid = bench.rest(ALICE, 1, PRICE, LOTS)
    early = bench.act(ALICE, encode.schedule_cancel_action(bench.now_ms + 1_000))
    assert early["status"] == "err"
    bench.act(ALICE, encode.schedule_cancel_action(bench.now_ms + 8_000))
    bench.wait(5.0)
    assert len(bench.info("openOrders", user=ALICE.address)) == 1
    bench.wait(4.0)
    assert bench.info("openOrders", user=ALICE.address) == []
    kept = bench.info("orderStatus", user=ALICE.address, oid=oid)
    assert kept["order"]["status"] == "scheduledCancel"


def test_what_is_not_offered_says_so() -> None:
    bench = Bench()
    reply = bench.act(ALICE, UpdateIsolatedMarginAction(5, True, 1))
    assert reply["status"] == "err" and "not offered" in reply["response"]


def approve(bench: Bench, who: Signer, agent: str, name: str | None = None) -> Any:
    """Sign an agent's approval with the master key, as the sheet's section 4.3 says."""
    nonce = bench.nonce()
    action = ApproveAgentAction("Testnet", "0x66eee", agent, nonce, name)
    digest = user_signed_digest(*USER_SIGNED["approveAgent"], msgspec.to_builtins(action))
    request = ExchangeRequest(action, nonce, who.sign_digest(digest))
    ticket = bench.exchange.submit(msgspec.json.encode(request), bench.now_ns)
    bench.wait(1.0)
    return msgspec.json.decode(bench.answers[ticket][1])


def test_an_agent_trades_for_its_master_and_may_not_approve_others() -> None:
    """Protocol sheet 3.9."""
    bench = Bench()
    assert approve(bench, ALICE, CAROL.address, "mm1")["status"] == "ok"
    bench.rest(CAROL, 1, PRICE, LOTS)
    assert len(bench.info("openOrders", user=ALICE.address)) == 1
    assert bench.info("openOrders", user=CAROL.address) == []
    role = bench.info("userRole", user=CAROL.address)
    assert role == {"role": "agent", "data": {"user": ALICE.address}}
    (listed,) = bench.info("extraAgents", user=ALICE.address)
    assert (listed["name"], listed["address"]) == ("mm1", CAROL.address)
    refused = approve(bench, CAROL, BOB.address)
    text = f"Must deposit before performing actions. User: {CAROL.address}"
    assert refused == {"status": "err", "response": text}


def test_an_agents_address_is_never_used_twice() -> None:
    bench = Bench()
    approve(bench, ALICE, CAROL.address)
    assert approve(bench, BOB, CAROL.address)["response"] == "Extra agent already used."
    zero = "0x" + "0" * 40
    assert approve(bench, ALICE, zero)["status"] == "ok"
    assert "does not exist" in bench.act(CAROL, encode.noop_action())["response"]


def test_a_signature_for_the_other_chain_is_told_apart() -> None:
    bench = Bench()
    nonce = bench.nonce()
    action = ApproveAgentAction("Mainnet", "0x66eee", CAROL.address, nonce)
    digest = user_signed_digest(*USER_SIGNED["approveAgent"], msgspec.to_builtins(action))
    request = ExchangeRequest(action, nonce, ALICE.sign_digest(digest))
    ticket = bench.exchange.submit(msgspec.json.encode(request), bench.now_ns)
    bench.wait(0.0)
    assert b"Mainnet and testnet require different signature." in bench.answers[ticket][1]


def test_answers_wait_for_their_block_and_its_commit() -> None:
    """Protocol sheet section 1: the answer comes after the block is committed."""
    blocks = BlockConfig(commit_ms=500.0)
    bench = Bench(ExchangeConfig(assets=(), flow=PRESETS["still"], blocks=blocks))
    ticket = bench.submit(ALICE, encode.noop_action())
    bench.wait(0.499)
    assert ticket not in bench.answers
    bench.wait(0.3)
    assert ticket in bench.answers
    assert bench.exchange.state.now_ns <= bench.now_ns - 500 * NS_PER_MS
