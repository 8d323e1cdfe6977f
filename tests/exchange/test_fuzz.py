"""No bytes whatsoever bring the exchange down: it answers, refuses or hangs up."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.hyperliquid.encode import signed_request
from hypermaker.hyperliquid.wire_exchange import Action
from tests.exchange.actors import ALICE, Bench

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "SOL", "BTC", "0x" + "ab" * 20, ALICE.address, "0", "-1", "1.5", "9" * 5000, "Alo"]
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)
KINDS = st.sampled_from(
    ["l2Book", "clearinghouseState", "orderStatus", "userFillsByTime", "userFunding", "userFees"]
)
KEYS = ("coin", "user", "oid", "startTime", "endTime", "nSigFigs", "mantissa", "dex")
INFO = st.fixed_dictionaries(
    {"type": KINDS | SCALARS},
    optional=dict.fromkeys(KEYS, VALUES),
)
NUMBERS = st.sampled_from(["0", "1", "-1", "0.0", "1e9", "123", "123.45", "9" * 400, "x", ".", ""])
LIMITS = st.sampled_from([{"limit": {"tif": tif}} for tif in ("Alo", "Gtc", "Ioc")] + [{}])
ORDERS = st.fixed_dictionaries(
    {
        "a": st.integers(-1, 10**6),
        "b": st.booleans(),
        "p": NUMBERS,
        "s": NUMBERS,
        "r": st.booleans(),
        "t": LIMITS,
    }
)
ACTIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("order"),
            "orders": st.lists(ORDERS, max_size=3),
            "grouping": st.just("na"),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("modify"), "oid": st.integers() | st.text(max_size=40), "order": ORDERS}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("updateLeverage"),
            "asset": st.integers(-1, 9),
            "isCross": st.booleans(),
            "leverage": st.integers(-5, 10**9),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("reserveRequestWeight"), "weight": st.integers(-5, 2**60)}
    ),
)
BENCH = Bench()


def served(body: bytes) -> None:
    """Hand bytes to every door, as a client and as a stranger."""
    reply = BENCH.exchange.info(body, BENCH.now_ns)
    assert reply.status in (200, 400, 422, 500)
    ticket = BENCH.exchange.submit(body, BENCH.now_ns)
    session = BENCH.exchange.connect(BENCH.now_ns)
    BENCH.exchange.receive(session, body, BENCH.now_ns)
    BENCH.wait(0.5)
    assert BENCH.answers[ticket][0] in (200, 400, 422)
    BENCH.exchange.disconnect(session, BENCH.now_ns)


@given(st.binary(max_size=200))
@settings(max_examples=40)
def test_any_bytes_are_answered(body: bytes) -> None:
    served(body)


@given(INFO | VALUES)
@settings(max_examples=60)
def test_any_question_is_answered(question: Any) -> None:
    served(msgspec.json.encode(question))


@given(st.sampled_from(["subscribe", "unsubscribe", "post", "ping"]), INFO, SCALARS)
@settings(max_examples=60)
def test_any_frame_is_answered(method: str, subscription: Any, number: Any) -> None:
    request = {"type": "info", "payload": subscription}
    frame = {"method": method, "subscription": subscription, "id": number, "request": request}
    served(msgspec.json.encode(frame))


@given(ACTIONS)
@settings(max_examples=60)
def test_any_signed_action_is_answered_and_no_money_is_made(fields: dict[str, Any]) -> None:
    total = BENCH.exchange.state.accounts.cash_total()
    action: Any = msgspec.convert(fields, Action)
    ticket = BENCH.exchange.submit(signed_request(ALICE, action, BENCH.nonce()), BENCH.now_ns)
    BENCH.wait(0.5)
    assert BENCH.answers[ticket][0] == 200
    assert BENCH.exchange.state.accounts.cash_total() == total
