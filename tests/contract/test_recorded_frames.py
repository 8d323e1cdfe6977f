"""Recorded bytes of the venue: every one decodes, or is refused for a reason written here.

Where a wire object claims to hold a whole JSON object, encoding it again gives the same object.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hypermaker.core.actions import Ask
from hypermaker.core.events import EVENT, Events, Flag, Kind, Reason
from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid import rejects, wire_exchange, wire_info, wire_ws
from hypermaker.hyperliquid.assets import Asset, AssetTable
from hypermaker.hyperliquid.decode import Decoder

FRAMES = ["bytex_20260925", "gocryptotrader_20261006", "observatory_20260924"]
ROWS = {  # rows each recorded frame gives to a BTC maker, by channel, over all three files
    "trades": 2 + 2 + 1,
    "bbo": 2,
    "activeAssetCtx": 2,
    "orderUpdates": 1,
    "l2Book": 1 + 3,
}
LOSSLESS = {
    "trades": wire_ws.TradesFrame,
    "bbo": wire_ws.BboFrame,
    "l2Book": wire_ws.BookFrame,
    "activeAssetCtx": wire_ws.ContextFrame,
    "orderUpdates": wire_ws.OrderUpdatesFrame,
    "activeAssetData": wire_ws.ActiveAssetDataFrame,
    "user": wire_ws.UserEventsFrame,
    "pong": wire_ws.PongFrame,
    "error": wire_ws.ErrorFrame,
}
BTC = Asset("BTC", 0, 5, 40)


@pytest.fixture
def decoder() -> Decoder:
    return Decoder(BTC, "0x" + "00" * 19 + "01", 7)


@pytest.fixture
def out() -> Events:
    return np.zeros(4096, EVENT)


@pytest.fixture
def recorded(shared: Path) -> Path:
    return shared / "fixtures/hyperliquid"


def lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text().splitlines():
        yield json.loads(line)


def same_again(value: Any, form: Any) -> bool:
    """Return whether decoding as `form` and encoding again loses nothing."""
    typed = msgspec.json.decode(json.dumps(value).encode(), type=form)
    return bool(json.loads(msgspec.json.encode(typed)) == value)


def body(recorded: Path, cassette: str, kind: str) -> Any:
    """Return the recorded answer to a request type."""
    held = json.loads((recorded / f"sdk_cassettes/{cassette}.json").read_text())
    for interaction in held["interactions"]:
        if interaction["request"]["body"]["type"] == kind:
            return interaction["response"]["body"]
    raise AssertionError(f"no {kind} in {cassette}")


def test_every_recorded_frame_of_the_socket_decodes(
    recorded: Path, decoder: Decoder, out: Events
) -> None:
    counts: dict[str, int] = {}
    for name in FRAMES:
        for line in lines(recorded / f"ws_frames/{name}.jsonl"):
            if line["dir"] == "in":
                channel = line["frame"]["channel"]
                n = decoder.decode(json.dumps(line["frame"]).encode(), 5, out)
                counts[channel] = counts.get(channel, 0) + n
    assert {channel: n for channel, n in counts.items() if n} == ROWS | {"activeAssetData": 1}
    assert {"candle", "pong", "error", "post", "subscriptionResponse"} <= counts.keys()


def test_recorded_frames_survive_being_decoded_and_encoded(recorded: Path) -> None:
    for name in FRAMES:
        for line in lines(recorded / f"ws_frames/{name}.jsonl"):
            if line["dir"] == "in":
                form = LOSSLESS.get(line["frame"]["channel"])
                assert form is None or same_again(line["frame"], form), line
            else:
                assert same_again(line["frame"], wire_ws.ClientFrame)


def test_numbers_of_recorded_frames_are_exact(decoder: Decoder, out: Events) -> None:
    """Read off the recording of 2026-09-25 by eye."""
    raw = (
        b'{"channel":"bbo","data":{"coin":"BTC","time":1790358617881,"bbo":['
        b'{"px":"83757.0","sz":"22.61305","n":81},{"px":"83758.0","sz":"0.00016","n":1}]}}'
    )
    assert decoder.decode(raw, 5, out) == 1
    row = out[0]
    assert (row.bid_ticks, row.bid_lots) == (837570, 2261305)
    assert (row.ask_ticks, row.ask_lots) == (837580, 16)


def test_a_liquidation_that_hit_a_maker_is_flagged(recorded: Path, out: Events) -> None:
    raw = (recorded / "nautilus/ws_user_fill_liquidation.json").read_bytes()
    assert Decoder(BTC, "0x" + "01" * 20, 7).decode(raw, 5, out) == 1
    row = out[0]
    assert (row.kind, row.side, row.fee_usd_micro) == (Kind.FILL, -1, 9997)
    assert (row.marks, row.reason, row.order_seq) == (Flag.LIQUIDATION, Reason.NONE, 0)
    assert same_again(json.loads(raw), wire_ws.UserEventsFrame)
    victim = Decoder(BTC, "0x360878d351f05975e25f1807a27895e1e5e004fb", 0xE8D5FD7EBBB4C3CF)
    assert victim.decode(raw, 5, out) == 1
    # The lower half of its client order id is no sequence number of ours: beyond 63 bits.
    assert (out[0].reason, out[0].order_seq) == (Reason.LIQUIDATED, 0)


def test_synthetic_books_off_the_grid_are_refused(
    recorded: Path, decoder: Decoder, out: Events
) -> None:
    """Two edited books of another project have prices the venue cannot send."""
    for name in ("ws_book_data", "http_l2_book_snapshot"):
        data = json.loads((recorded / f"nautilus/{name}.json").read_text())
        assert same_again(data, wire_info.Book)
        with pytest.raises(ProtocolError):
            decoder.decode(json.dumps({"channel": "l2Book", "data": data}).encode(), 5, out)


def test_recorded_books_and_trades_of_the_info_endpoint_read_as_frames(
    recorded: Path, decoder: Decoder, out: Events
) -> None:
    data = json.loads((recorded / "nautilus/http_l2_book_btc.json").read_text())
    raw = json.dumps({"channel": "l2Book", "data": data}).encode()
    assert decoder.decode(raw, 5, out) == 5 and out[0].bid_ticks == 1104270
    trades = json.loads((recorded / "nautilus/http_recent_trades_btc.json").read_text())
    assert decoder.decode(json.dumps({"channel": "trades", "data": trades}).encode(), 5, out) == 3
    for name in ("l2book_btc_nsf3", "l2book_btc_nsf5", "l2book_btc_nsf5_m5"):
        book = json.loads((recorded / f"marketmicro/{name}.json").read_text())
        assert same_again(book, wire_info.Book)


def test_the_whole_exchanges_contexts_are_a_channel_we_skip(
    recorded: Path, decoder: Decoder, out: Events
) -> None:
    raw = (recorded / "nautilus/ws_all_dexs_asset_ctxs.json").read_bytes()
    assert decoder.decode(raw, 5, out) == 0 and decoder.notice is None
    for _, contexts in json.loads(raw)["data"]["ctxs"]:
        assert same_again(contexts, list[wire_info.AssetContext])


SEQS = {"order": (1,), "cancel": (1, 2, 3), "any action": (1,)}
MEANINGS = [
    [Kind.ORDER_RESTED],
    [Kind.ORDER_RESTED],
    [Kind.ORDER_REFUSED],
    [Kind.ORDER_REFUSED],
    [Kind.ORDER_REFUSED],
    [Kind.CANCEL_ACCEPTED, Kind.CANCEL_REFUSED, Kind.CANCEL_REFUSED],
    [Kind.CANCEL_REFUSED] * 3,
    [Kind.ORDER_REFUSED],
    [Kind.ORDER_REFUSED],
    [Kind.ORDER_REFUSED],
    [Kind.OUTCOME_UNKNOWN],  # a duplicate nonce: something ran with it
]


def test_every_recorded_reply_means_what_it_says(
    recorded: Path, decoder: Decoder, out: Events
) -> None:
    found = list(lines(recorded / "exchange_responses/observed_responses.jsonl"))
    replies = [line for line in found if line["for"] != "orderStatus"]
    for line, meaning in zip(replies, MEANINGS, strict=True):
        raw = json.dumps(line["response"]).encode()
        kind = Ask.CANCEL if line["for"] == "cancel" else Ask.PLACE
        n = decoder.decode_reply(raw, SEQS[line["for"]], kind, 5, out)
        assert [row.kind for row in out[:n]] == meaning, line
        assert same_again(line["response"], wire_exchange.ExchangeReply)


def test_every_recorded_refusal_is_in_the_table(recorded: Path) -> None:
    texts = []
    for line in lines(recorded / "exchange_responses/observed_responses.jsonl"):
        response = line["response"].get("response")
        if isinstance(response, str):
            texts.append(response)
        elif response:
            statuses = response["data"]["statuses"]
            texts += [s["error"] for s in statuses if isinstance(s, dict) and "error" in s]
    assert len(texts) == 10
    assert all(rejects.refusal_of_text(text) is not None for text in texts)


def test_an_order_status_with_missing_fields_is_refused(
    recorded: Path, decoder: Decoder, out: Events
) -> None:
    """The recording keeps only some keys of the order; a real answer has them all."""
    (line,) = [
        line
        for line in lines(recorded / "exchange_responses/observed_responses.jsonl")
        if line["for"] == "orderStatus"
    ]
    raw = json.dumps(line["response"]).encode()
    with pytest.raises(ProtocolError):
        decoder.decode_order_status(raw, 1, 5, out)
    whole = {"coin": "BTC", "side": "B", "limitPx": "1.0", "timestamp": 1}
    line["response"]["order"]["order"] |= whole
    raw = json.dumps(line["response"]).encode()
    assert decoder.decode_order_status(raw, 1, 5, out) == 1
    assert (out[0].kind, out[0].reason, out[0].remaining_lots) == (
        Kind.ORDER_ENDED,
        Reason.REDUCE_ONLY,
        1000,
    )


def test_recorded_metas_number_their_assets(recorded: Path) -> None:
    for cassette in ("test_get_info", "test_get_l2_snapshot", "test_get_candles_snapshot"):
        universe = body(recorded, cassette, "meta")
        table = AssetTable.from_meta(json.dumps(universe).encode())
        names = [row["name"] for row in universe["universe"]]
        assert [(a.coin, a.asset_id) for a in table.assets] == [
            (name, at) for at, name in enumerate(names)
        ]
    raw = (recorded / "nautilus/http_meta_perp_sample.json").read_bytes()
    assert AssetTable.from_meta(raw).by_coin("ETH").asset_id == 1


def test_recorded_account_answers_of_2023_still_read(recorded: Path, out: Events) -> None:
    """Old answers lack newer keys; each must read for every coin in them."""
    fills = body(recorded, "test_get_user_fills", "userFills")
    raw, read = json.dumps(fills).encode(), 0
    universe = body(recorded, "test_get_info", "meta")
    for asset in AssetTable.from_meta(json.dumps(universe).encode()).assets:
        read += Decoder(asset, "0x0", 7).decode_user_fills(raw, 5, out)
    assert read == len(fills)
    orders = body(recorded, "test_get_open_orders", "openOrders")
    matic = Decoder(Asset("MATIC", 3, 1, 20), "0x0", 7)
    n = matic.decode_open_orders(json.dumps(orders).encode(), 5, out)
    assert n == sum(order["coin"] == "MATIC" for order in orders) > 0
    assert {row.kind for row in out[:n]} == {Kind.ORDER_FOREIGN}
    frontend = body(recorded, "test_get_frontend_open_orders", "frontendOpenOrders")
    injective = Decoder(Asset("INJ", 3, 1, 20), "0x0", 7)
    assert injective.decode_open_orders(json.dumps(frontend).encode(), 5, out) > 0


def test_recorded_account_states_balance(recorded: Path, decoder: Decoder, out: Events) -> None:
    small = json.loads((recorded / "marketmicro/clearinghouse_small.json").read_text())
    assert decoder.decode_clearinghouse(json.dumps(small).encode(), 5, out) == 2
    assert (out[0].position_lots, out[0].entry_ticks) == (-5627938, 1009411)
    assert out[1].equity_usd_micro == 319194558725
    assert out[1].margin_usd_micro == 319194558725 - 129658773523
    assert same_again(small, wire_info.ClearinghouseState)
    child = (recorded / "liquidation_flow/clearinghouseState_hlp_child.json").read_bytes()
    assert decoder.decode_clearinghouse(child, 5, out) == 2
    early = body(recorded, "test_get_user_state", "clearinghouseState")
    assert decoder.decode_clearinghouse(json.dumps(early).encode(), 5, out) == 2


def test_liquidators_fills_read_and_survive(recorded: Path, out: Events) -> None:
    fills = json.loads((recorded / "liquidation_flow/userFills_liquidator.json").read_text())
    raw = json.dumps(fills).encode()
    hamster = Decoder(Asset("HMSTR", 1, 0, 3), "0x0", 7)
    n = hamster.decode_user_fills(raw, 5, out)
    flagged = [bool(row.marks & Flag.LIQUIDATION) for row in out[:n]]
    ours = sorted((f for f in fills if f["coin"] == "HMSTR"), key=lambda fill: fill["time"])
    assert flagged == ["liquidation" in fill for fill in ours] and any(flagged)
    assert same_again(fills, list[wire_info.Fill])


def test_the_fills_of_the_whole_exchange_survive(recorded: Path) -> None:
    """Every fill of 300 blocks, except keys only a node writes."""
    node_only = {"builder", "deployerFee", "priorityGas"}
    seen = 0
    for block in lines(recorded / "node/node_fills_by_block_20251027T17_first300.jsonl"):
        for _, fill in block["events"]:
            kept = {key: value for key, value in fill.items() if key not in node_only}
            assert same_again(kept, wire_info.Fill), fill
            seen += 1
    assert seen > 1500


def test_live_captures_of_2026_read(recorded: Path) -> None:
    """Metas and books of mainnet and testnet, whatever keys were added since."""
    read = 0
    for path in sorted((recorded / "hyperliquid_math_live").glob("*.json")):
        text = path.read_text()
        for value in _objects(json.loads(text)):
            if "levels" in value and "coin" in value:
                msgspec.convert(value, wire_info.Book)
                read += 1
            elif "szDecimals" in value and "maxLeverage" in value:
                msgspec.convert(value, wire_info.MetaAsset)
                read += 1
            elif "markPx" in value and "prevDayPx" in value and "openInterest" in value:
                msgspec.convert(value, wire_info.AssetContext)
                read += 1
    assert read > 10


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Return every JSON object inside a value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
