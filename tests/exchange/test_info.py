"""Every info answer has the keys, types and order of the venue's recorded answers."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hypermaker.exchange.config import ExchangeConfig
from hypermaker.hyperliquid import wire_info as wire
from hypermaker.hyperliquid.assets import AssetTable
from tests.exchange.actors import ALICE, BOB, CAROL, Bench, order

PRICE = 1_230_000


@pytest.fixture
def bench() -> Bench:
    """A market with people in it: ALICE holds a position and an order, BOB is her counterpart."""
    made = Bench(ExchangeConfig(assets=("SOL",)))
    made.wait(30.0)
    bid, _ = made.exchange.state.by_name["SOL"].book.touch()
    made.place(ALICE, order(1, bid + 5_000, 100, "Ioc"))
    made.rest(ALICE, 1, bid - 50_000, 100, cloid="0x" + "ab" * 16)
    return made


def recorded(shared: Path, name: str) -> Any:
    return msgspec.json.decode((shared / "fixtures/hyperliquid" / name).read_bytes())


def shape(value: Any) -> Any:
    """Return a value with its leaves replaced by what kind of thing they are."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, str):
        return "number" if value.replace(".", "").replace("-", "").isdigit() else "text"
    return type(value).__name__


def test_contexts_look_like_the_recorded_ones(bench: Bench, shared: Path) -> None:
    meta, contexts = bench.info("metaAndAssetCtxs")
    recorded_meta, recorded_contexts = recorded(
        shared, "liquidation_flow/metaAndAssetCtxs_4coins.json"
    )
    assert meta.keys() == recorded_meta.keys()
    assert shape(meta["universe"][0]) == shape(recorded_meta["universe"][0])
    assert shape(contexts[5]) == shape(recorded_contexts[2])
    named = {str(number): table for number, table in recorded_meta["marginTables"]}
    assert all(named[str(number)] == table for number, table in meta["marginTables"])
    assert len(contexts) == len(meta["universe"])
    assert [contexts[2][key] for key in ("premium", "midPx", "impactPxs")] == [None] * 3


def test_a_state_looks_like_the_recorded_one_and_keeps_its_identities(
    bench: Bench, shared: Path
) -> None:
    """Protocol sheet 6.2: account value, margin used and withdrawable follow from the rest."""
    state = bench.info("clearinghouseState", user=ALICE.address)
    real = recorded(shared, "marketmicro/clearinghouse_small.json")
    assert state.keys() == real.keys()
    assert shape(state["marginSummary"]) == shape(real["marginSummary"])
    ours, theirs = (s["assetPositions"][0]["position"] for s in (state, real))
    assert ours.keys() == theirs.keys()
    assert shape(ours["cumFunding"]) == shape(theirs["cumFunding"])
    summary = {key: float(text) for key, text in state["marginSummary"].items()}
    value = float(ours["positionValue"])
    assert abs(summary["accountValue"] - summary["totalRawUsd"] - value) < 2e-6
    assert abs(float(ours["marginUsed"]) - value / 20) < 2e-6
    held = max(summary["totalMarginUsed"], 0.1 * value)
    assert abs(float(state["withdrawable"]) - summary["accountValue"] + held) < 2e-6
    assert abs(float(state["crossMaintenanceMarginUsed"]) - value / 40) < 2e-6


def test_fills_look_like_the_recorded_ones(bench: Bench, shared: Path) -> None:
    newest = bench.info("userFills", user=ALICE.address)[0]
    node = shared / "fixtures/hyperliquid/node/node_fills_by_block_20251027T17_first300.jsonl"
    (_, real), *_ = msgspec.json.decode(node.read_bytes().splitlines()[0])["events"]
    optional = {"cloid", "builderFee", "builder", "liquidation"}
    assert set(newest) - optional == set(real) - optional
    assert shape({k: newest[k] for k in ("px", "sz", "fee", "closedPnl")}) == {
        "px": "number", "sz": "number", "fee": "number", "closedPnl": "number",
    }  # fmt: skip
    since = bench.info("userFillsByTime", user=ALICE.address, startTime=newest["time"])
    assert newest in since
    late = bench.info("userFillsByTime", user=ALICE.address, startTime=newest["time"] + 1)
    assert late == []


def test_open_orders_and_status_agree_with_each_other(bench: Bench, shared: Path) -> None:
    (plain,) = bench.info("openOrders", user=ALICE.address)
    (long,) = bench.info("frontendOpenOrders", user=ALICE.address)
    assert {key: long[key] for key in plain} == plain
    (interaction,) = recorded(shared, "sdk_cassettes/test_get_frontend_open_orders.json")[
        "interactions"
    ]
    assert set(interaction["response"]["body"][0]) <= set(long)
    status = bench.info("orderStatus", user=ALICE.address, oid=plain["oid"])
    assert status["order"]["order"] == long and status["order"]["status"] == "open"


def test_a_book_looks_like_the_recorded_one_plain_and_aggregated(
    bench: Bench, shared: Path
) -> None:
    plain = bench.info("l2Book", coin="SOL")
    real = recorded(shared, "marketmicro/l2book_btc_nsf5.json")
    coarse = bench.info("l2Book", coin="SOL", nSigFigs=4)
    assert set(coarse) == set(real) and set(plain) == set(real) - {"spread"}
    assert shape(plain["levels"][0][0]) == shape(real["levels"][0][0])
    assert all(len(side) <= 20 for side in plain["levels"])
    assert float(coarse["levels"][0][0]["px"]) <= float(plain["levels"][0][0]["px"])
    assert float(coarse["levels"][1][0]["px"]) >= float(plain["levels"][1][0]["px"])
    total = [sum(float(row["sz"]) for row in side) for side in coarse["levels"]]
    assert all(amount > 0 for amount in total)


def test_an_aggregated_book_holds_every_lot_of_the_plain_one() -> None:
    bench = Bench()
    for step in range(6):
        bench.rest(ALICE, 1, PRICE - 300 * step, 100 + step)
        bench.rest(BOB, -1, PRICE + 700 + 300 * step, 100 + step)
    plain = bench.info("l2Book", coin="SOL")
    coarse = bench.info("l2Book", coin="SOL", nSigFigs=4)
    for one, other in zip(plain["levels"], coarse["levels"], strict=True):
        assert sum(row["n"] for row in one) == sum(row["n"] for row in other)
        total = [sum(float(row["sz"]) for row in side) for side in (one, other)]
        assert abs(total[0] - total[1]) < 1e-9
    assert [row["px"] for row in coarse["levels"][0]] == ["123.0", "122.9", "122.8"]
    assert [row["px"] for row in coarse["levels"][1]] == ["123.1", "123.2", "123.3"]


def test_what_does_not_exist_answers_as_the_venue_does(bench: Bench) -> None:
    """Protocol sheet, section 1."""
    ask = bench.exchange.info
    now = bench.now_ns
    assert ask(b'{"type":"l2book","coin":"SOL"}', now).status == 422
    assert ask(b'{"type":"l2Book"}', now).status == 422
    assert ask(b'{"type":"clearinghouseState","user":"me"}', now).status == 422
    assert ask(b"nonsense", now).status == 400
    assert ask(b'{"type":"l2Book","coin":"sol"}', now).body == b"null"
    empty = bench.info("l2Book", coin="MATIC")
    assert empty["levels"] == [[], []]
    missing = ask(b'{"type":"metaAndAssetCtxs","dex":"nobody"}', now)
    assert (missing.status, missing.body) == (500, b"null")
    assert bench.info("userRole", user=CAROL.address) == {"role": "missing"}
    assert bench.info("userFills", user=CAROL.address) == []


def test_the_shared_wire_structs_read_every_answer(bench: Bench) -> None:
    """The client decodes what the exchange says with the types both are made of."""
    user = {"user": ALICE.address}
    for kind, keys, form in (
        ("l2Book", {"coin": "SOL"}, wire.Book),
        ("recentTrades", {"coin": "SOL"}, list[wire.Trade]),
        ("clearinghouseState", user, wire.ClearinghouseState),
        ("openOrders", user, list[wire.OpenOrder]),
        ("frontendOpenOrders", user, list[wire.FrontendOrder]),
        ("historicalOrders", user, list[wire.OrderWithStatus]),
        ("userFills", user, list[wire.Fill]),
        ("userFees", user, wire.UserFees),
        ("userRateLimit", user, wire.UserRateLimit),
        ("activeAssetData", {**user, "coin": "SOL"}, wire.ActiveAssetData),
    ):
        body = msgspec.json.encode({"type": kind, **keys})
        raw = bench.exchange.info(body, bench.now_ns).body
        assert msgspec.json.decode(raw, type=form)
    meta = bench.exchange.info(b'{"type":"meta"}', bench.now_ns).body
    assert AssetTable.from_meta(meta).by_coin("SOL").asset_id == 5


def test_the_address_budget_grows_with_volume(bench: Bench) -> None:
    limit = bench.info("userRateLimit", user=ALICE.address)
    assert limit["nRequestsCap"] == 10_000 + int(float(limit["cumVlm"]))
    assert limit["nRequestsUsed"] == 2
