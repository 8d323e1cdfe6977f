"""The venue's own Python client, unmodified, trades on the local exchange over real sockets.

It signs, rounds, encodes and decodes by itself: what it accepts here, it accepts there.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hypermaker.exchange.config import ExchangeConfig, usd
from hypermaker.shell.serve import RunningExchange, start_exchange

eth_account = pytest.importorskip("eth_account", reason="the official client is not installed")
sdk_exchange = pytest.importorskip("hyperliquid.exchange")
sdk_info = pytest.importorskip("hyperliquid.info")
sdk_types = pytest.importorskip("hyperliquid.utils.types")

DEADLINE_S = 30.0
COIN = "ETH"
WALLETS = tuple(eth_account.Account.from_key("0x" + f"{number:064x}") for number in (7, 8))
CONFIG = ExchangeConfig(
    assets=("BTC", "ETH", "SOL"),
    funded=tuple((wallet.address.lower(), usd(100_000)) for wallet in WALLETS),
)
ALO, GTC, IOC = ({"limit": {"tif": tif}} for tif in ("Alo", "Gtc", "Ioc"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A served exchange in a loop and thread of its own; the client blocks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(DEADLINE_S)

    running: RunningExchange = run(start_exchange(CONFIG))
    yield running.url
    run(running.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(DEADLINE_S)
    loop.close()


@pytest.fixture
def trader(url: str) -> Any:
    """A client of the first wallet, with nothing left open by an earlier test."""
    client = sdk_exchange.Exchange(WALLETS[0], url)
    for row in client.info.open_orders(WALLETS[0].address):
        client.cancel(row["coin"], row["oid"])
    return client


@pytest.fixture
def info(url: str) -> Any:
    return sdk_info.Info(url, skip_ws=True)


def address() -> str:
    text: str = WALLETS[0].address
    return text


def mid(info: Any) -> float:
    return float(info.all_mids()[COIN])


def away(info: Any, share: float) -> float:
    """Return a price that far below the mid, on the grid of this coin."""
    return round(mid(info) * (1.0 - share), 1)


def statuses(reply: Any) -> list[Any]:
    assert reply["status"] == "ok", reply
    rows: list[Any] = reply["response"]["data"]["statuses"]
    return rows


def test_it_finds_its_assets_and_reads_the_book(info: Any) -> None:
    assert info.name_to_asset(COIN) == 1 and info.name_to_asset("SOL") == 5
    book = info.l2_snapshot(COIN)
    assert float(book["levels"][0][0]["px"]) < float(book["levels"][1][0]["px"])
    meta, contexts = info.meta_and_asset_ctxs()
    assert len(meta["universe"]) == len(contexts)
    assert info.user_fees(address())["userAddRate"] == "0.00015"


def test_it_places_modifies_and_cancels(trader: Any, info: Any) -> None:
    (status,) = statuses(trader.order(COIN, True, 0.02, away(info, 0.05), ALO))
    oid = status["resting"]["oid"]
    (row,) = info.open_orders(address())
    assert (row["oid"], row["coin"], row["side"], row["sz"]) == (oid, COIN, "B", "0.02")
    moved = trader.modify_order(oid, COIN, True, 0.03, away(info, 0.06), ALO)
    second = statuses(moved)[0]["resting"]["oid"]
    assert info.query_order_by_oid(address(), oid)["order"]["status"] == "canceled"
    assert info.query_order_by_oid(address(), second)["order"]["order"]["origSz"] == "0.03"
    assert statuses(trader.cancel(COIN, second)) == ["success"]
    assert info.open_orders(address()) == []
    assert "error" in statuses(trader.cancel(COIN, second))[0]


def test_it_sends_many_at_once_and_cancels_by_its_own_ids(trader: Any, info: Any) -> None:
    cloids = [sdk_types.Cloid.from_int(number) for number in (1001, 1002)]
    wanted = [
        {
            "coin": COIN,
            "is_buy": True,
            "sz": 0.02,
            "limit_px": away(info, 0.04 + 0.01 * at),
            "order_type": ALO,
            "reduce_only": False,
            "cloid": cloid,
        }
        for at, cloid in enumerate(cloids)
    ]
    placed = statuses(trader.bulk_orders(wanted))
    assert [status["resting"]["cloid"] for status in placed] == [c.to_raw() for c in cloids]
    found = info.query_order_by_cloid(address(), cloids[0])
    assert found["order"]["order"]["cloid"] == cloids[0].to_raw()
    assert statuses(trader.cancel_by_cloid(COIN, cloids[0])) == ["success"]
    rest = [{"coin": COIN, "cloid": cloids[1]}]
    assert statuses(trader.bulk_cancel_by_cloid(rest)) == ["success"]
    assert info.frontend_open_orders(address()) == []


def test_it_gets_filled_and_reads_its_position_and_fills(trader: Any, info: Any) -> None:
    before = info.user_state(address())
    (opened,) = statuses(trader.market_open(COIN, True, 0.05))
    assert float(opened["filled"]["totalSz"]) > 0
    state = info.user_state(address())
    (position,) = [row["position"] for row in state["assetPositions"]]
    assert position["coin"] == COIN and position["szi"] == opened["filled"]["totalSz"]
    fills = info.user_fills(address())
    assert fills[0]["oid"] == opened["filled"]["oid"] and fills[0]["crossed"] is True
    since = info.user_fills_by_time(address(), fills[0]["time"])
    assert fills[0] in since
    (closed,) = statuses(trader.market_close(COIN))
    assert closed["filled"]["totalSz"] == opened["filled"]["totalSz"]
    after = info.user_state(address())
    assert after["assetPositions"] == []
    fees = sum(float(fill["fee"]) for fill in info.user_fills(address()))
    gross = sum(float(fill["closedPnl"]) for fill in info.user_fills(address()))
    change = float(after["marginSummary"]["accountValue"]) - 100_000.0
    assert before["assetPositions"] == [] and abs(change - gross + fees) < 1e-6


def test_it_sets_leverage_and_an_agent_of_its_making_can_trade(
    trader: Any, info: Any, url: str
) -> None:
    assert trader.update_leverage(10, COIN) == {"status": "ok", "response": {"type": "default"}}
    approved, key = trader.approve_agent("mm")
    assert approved["status"] == "ok"
    (agent,) = info.extra_agents(address())
    assert agent["name"] == "mm"
    deputy = sdk_exchange.Exchange(
        eth_account.Account.from_key(key), url, account_address=address()
    )
    (status,) = statuses(deputy.order(COIN, True, 0.02, away(info, 0.05), GTC))
    assert info.open_orders(address())[0]["oid"] == status["resting"]["oid"]


def test_it_is_refused_in_words(trader: Any, info: Any) -> None:
    (crossing,) = statuses(trader.order(COIN, True, 0.02, round(mid(info) * 1.02, 1), ALO))
    assert crossing["error"].startswith("Post only order would have immediately matched, bbo was")
    (small,) = statuses(trader.order(COIN, True, 0.0001, away(info, 0.05), GTC))
    assert small["error"] == "Order must have minimum value of $10. asset=1"
    (nobody,) = statuses(trader.order(COIN, True, 0.02, away(info, 0.05), IOC))
    assert nobody["error"].startswith("Order could not immediately match")


class Ear:
    """Waits, with a deadline, until a subscription has said what is wanted."""

    def __init__(self) -> None:
        self._heard: queue.Queue[Any] = queue.Queue()

    def __call__(self, message: Any) -> None:
        self._heard.put(message["data"])

    def until(self, wanted: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            data = self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            if wanted(data):
                return data


def test_it_listens_over_the_websocket(trader: Any, url: str) -> None:
    """Books, touches, prints, contexts, its own orders and fills; then it hangs up."""
    ears = {
        kind: Ear()
        for kind in ("l2Book", "bbo", "trades", "allMids", "activeAssetCtx", "activeAssetData")
    }
    own = {kind: Ear() for kind in ("orderUpdates", "userFills", "userEvents")}
    info = sdk_info.Info(url)
    try:
        for kind, ear in ears.items():
            keys = {} if kind == "allMids" else {"coin": COIN}
            user = {"user": address()} if kind == "activeAssetData" else {}
            info.subscribe({"type": kind, **keys, **user}, ear)
        for kind, ear in own.items():
            info.subscribe({"type": kind, "user": address()}, ear)
        own["userFills"].until(lambda data: data.get("isSnapshot"))
        for kind, ear in ears.items():
            if kind != "trades":
                ear.until(lambda data: bool(data))
        oid = statuses(trader.market_open(COIN, False, 0.04))[0]["filled"]["oid"]
        own["userFills"].until(lambda data: any(fill["oid"] == oid for fill in data["fills"]))
        own["userEvents"].until(lambda data: any(f["oid"] == oid for f in data["fills"]))
        walk = own["orderUpdates"].until(lambda data: data[0]["order"]["oid"] == oid)
        assert [row["status"] for row in walk] == ["open", "filled"]
        ears["trades"].until(lambda data: any(address().lower() in row["users"] for row in data))
        statuses(trader.market_close(COIN))
    finally:
        info.disconnect_websocket()
