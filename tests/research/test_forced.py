"""Confirmed liquidations: from any account's fills, from a burst's aggressor, from a node."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from hypermaker.core.events import Flag
from hypermaker.errors import TapeError
from hypermaker.hyperliquid.wire_info import Fill, Trade
from hypermaker.tape.forced import aggressor, confirmed, forced_fill, sightings, whom_to_ask
from hypermaker.tape.node_fills import read_node_fills, trade_events

LOSER, MAKER, THIRD = "0x" + "a1" * 20, "0x" + "b2" * 20, "0x" + "c3" * 20
FILL: dict[str, Any] = {
    "coin": "WLFI", "px": "0.15327", "sz": "890.0", "side": "B", "time": 1_761_584_402_387,
    "startPosition": "-890.0", "dir": "Close Short", "closedPnl": "-1.2", "hash": "0x01",
    "oid": 1, "crossed": True, "fee": "0.061384", "tid": 87, "feeToken": "USDC",
}  # fmt: skip
FLAG = {"liquidatedUser": LOSER.upper().replace("0X", "0x"), "markPx": "0.153", "method": "market"}
OTHER_LEG = {"side": "A", "dir": "Open Short", "crossed": False}


def fill(**changes: Any) -> Fill:
    """A fill as the venue writes it."""
    return msgspec.convert(FILL | changes, Fill)


def trade(side: str, usd: float, users: tuple[str, str] | None) -> Trade:
    """A public print of so many dollars; users are buyer and seller."""
    return Trade(coin="WLFI", side=side, px="1", sz=str(usd), time=0, users=users)


def test_both_legs_tell_of_the_same_forced_order() -> None:
    """The liquidated account's own leg and its counterparty's name one side (sheet 8.2, rule 5)."""
    own = forced_fill(LOSER, fill(liquidation=FLAG))
    met = forced_fill(MAKER, fill(liquidation=FLAG, **OTHER_LEG))
    assert own is not None and met is not None
    assert own == met
    assert own.side == 1 and own.user == LOSER and own.is_on_book
    assert own.usd == pytest.approx(136.4103)


def test_an_ordinary_fill_is_no_liquidation_whatever_it_lost() -> None:
    assert forced_fill(LOSER, fill(closedPnl="-100000.0")) is None


def test_a_takeover_beside_the_book_is_told_apart() -> None:
    said = FLAG | {"method": "backstop"}
    seen = forced_fill(MAKER, fill(liquidation=said, side="A", dir="Liquidated Isolated Short"))
    assert seen is not None and not seen.is_on_book and seen.side == 1


def test_an_unnamed_account_is_known_by_what_its_leg_did() -> None:
    """`liquidatedUser` is optional: then a taker that closes was forced."""
    said = {"markPx": "0.153", "method": "market"}
    own = forced_fill(LOSER, fill(liquidation=said))
    met = forced_fill(MAKER, fill(liquidation=said, **OTHER_LEG))
    assert own is not None and met is not None
    assert (own.side, own.user) == (1, LOSER) and (met.side, met.user) == (1, "")


def test_confirmation_counts_each_fill_once_and_only_in_its_window() -> None:
    at_ns = FILL["time"] * 1_000_000
    fills = [fill(liquidation=FLAG), fill(liquidation=FLAG), fill(liquidation=FLAG, tid=88), fill()]
    found = confirmed(LOSER, fills, since_ns=at_ns - 1, until_ns=at_ns + 1)
    assert [one.tid for one in found] == [87, 88]
    assert confirmed(LOSER, fills, since_ns=at_ns + 1, until_ns=at_ns + 2) == []


def test_the_largest_aggressors_of_a_burst_are_asked_first() -> None:
    burst = [
        trade("A", 10.0, (MAKER, LOSER)),
        trade("A", 500.0, (MAKER, THIRD)),
        trade("A", 600.0, (MAKER, LOSER)),
        trade("B", 9e9, (MAKER, LOSER)),
        trade("A", 9e9, None),
    ]
    assert whom_to_ask(burst, side=-1, accounts=5) == [LOSER, THIRD]
    assert whom_to_ask(burst, side=-1, accounts=1) == [LOSER]
    assert aggressor(burst[3]) == MAKER


def test_watched_accounts_are_seen_on_either_side() -> None:
    seen = sightings([trade("A", 1.0, (MAKER, LOSER)), trade("B", 1.0, None)], {MAKER, LOSER})
    assert {(one.user, one.is_aggressor) for one in seen} == {(MAKER, False), (LOSER, True)}


def line(number: int, *legs: tuple[str, dict[str, Any]]) -> bytes:
    """One block of a node's file."""
    return msgspec.json.encode({"block_number": number, "events": legs}) + b"\n"


def test_a_node_tells_a_liquidation_once_and_counts_what_is_missing(tmp_path: Path) -> None:
    flagged = FILL | {"liquidation": FLAG}
    path = tmp_path / "node.jsonl"
    path.write_bytes(
        line(7, (LOSER, flagged), (MAKER, flagged | OTHER_LEG))
        + line(9, (THIRD, FILL | {"tid": 5}))
    )
    tape = read_node_fills(path)
    assert (tape.blocks, tape.missing, tape.lone_legs) == (2, 1, 1)
    assert len(tape.liquidations) == len(tape.trades) == 1
    assert (tape.trades[0].taker, tape.trades[0].maker) == (LOSER, MAKER)
    events = trade_events(tape, "WLFI", 0)
    assert events["marks"][0] == Flag.LIQUIDATION and events["side"][0] == 1
    assert (events["price_ticks"][0], events["size_lots"][0]) == (153_270, 890)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"{\n", "line 1"),
        (line(1) + b'{"block_number": 2}\n', "line 2"),
        (b"\xff\xfe\n", "line 1"),
        (zstandard.compress(line(1) * 99)[:-9], "not whole"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, raw: bytes, words: str) -> None:
    path = tmp_path / "node.jsonl"
    path.write_bytes(raw)
    with pytest.raises(TapeError, match=words):
        read_node_fills(path)


def test_recorded_blocks_hold_the_one_liquidation_they_are_known_for(shared: Path) -> None:
    """650 consecutive blocks of 2025-10-27: every trade twice, one liquidation, both legs."""
    folder = shared / "data" / "hyperliquid" / "node_fills"
    files = sorted(folder.glob("2025-10-27*"))
    if not files:
        pytest.skip(f"no recording in {folder}")
    tape = read_node_fills(files[0])
    assert (tape.blocks, tape.missing, tape.lone_legs) == (650, 0, 0)
    (one,) = tape.liquidations
    assert (one.coin, one.side, one.method) == ("WLFI", 1, "market")
    assert one.usd == pytest.approx(136.41, abs=0.01)
    forced = [trade for trade in tape.trades if trade.forced is not None]
    assert [trade.taker for trade in forced] == [one.user]
