"""The exchange behind real sockets on the loopback interface: bytes in, the venue's bytes out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from hypermaker.errors import ConfigError, TapeError
from hypermaker.exchange.config import ExchangeConfig, usd
from hypermaker.hyperliquid import encode
from hypermaker.shell.clock import steady_clock
from hypermaker.shell.serve import RunningExchange, read_recordings, recorded_assets, start_exchange
from tests.exchange.actors import ALICE, SOL

DEADLINE_S = 20.0
CONFIG = ExchangeConfig(assets=("SOL",), funded=((ALICE.address, usd(10_000)),))
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def served() -> AsyncIterator[tuple[RunningExchange, aiohttp.ClientSession]]:
    running = await start_exchange(CONFIG)
    try:
        async with aiohttp.ClientSession() as client:
            yield running, client
    finally:
        await running.stop()


def within_deadline(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await test()

    asyncio.run(bounded())


async def post(
    client: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    async with client.post(url, data=body, headers=headers or JSON) as response:
        return response.status, await response.text()


def test_http_answers_and_refuses_with_the_venues_status() -> None:
    """Protocol sheet, section 1."""

    async def run() -> None:
        async with served() as (running, client):
            info, exchange = running.url + "/info", running.url + "/exchange"
            status, text = await post(client, info, b'{"type":"meta"}')
            assert status == 200 and json.loads(text)["universe"][5]["name"] == "SOL"
            assert await post(client, info, b"{") == (
                400,
                "Failed to parse the request body as JSON",
            )
            wrong = "Failed to deserialize the JSON body into the target type"
            assert await post(client, info, b'{"type":"l2book"}') == (422, wrong)
            assert await post(client, exchange, b"{}") == (422, wrong)
            plain = {"Content-Type": "text/plain"}
            expected = "Expected request with `Content-Type: application/json`"
            assert await post(client, info, b"{}", plain) == (415, expected)
            dex = await post(client, info, b'{"type":"metaAndAssetCtxs","dex":"x"}')
            assert dex == (500, "null")
            async with client.get(info) as response:
                assert (response.status, await response.text()) == (405, "")

    within_deadline(run)


def test_a_signed_action_is_answered_after_its_block() -> None:
    async def run() -> None:
        async with served() as (running, client):
            nonce = steady_clock()() // 1_000_000
            body = encode.signed_request(ALICE, encode.noop_action(), nonce)
            status, text = await post(client, running.url + "/exchange", body)
            assert status == 200
            assert json.loads(text) == {"status": "ok", "response": {"type": "default"}}
            again = await post(client, running.url + "/exchange", body)
            assert json.loads(again[1])["response"] == f"Invalid nonce: duplicate nonce {nonce}"

    within_deadline(run)


def test_a_socket_hears_books_and_its_post_is_answered() -> None:
    async def run() -> None:
        async with served() as (running, client), client.ws_connect(running.ws_url) as socket:
            await socket.send_json(
                {"method": "subscribe", "subscription": {"type": "bbo", "coin": "SOL"}}
            )
            price = running.exchange.state.by_name["SOL"].start_ticks // 2
            price -= price % 1_000
            wanted = encode.order(SOL, 1, price_ticks=price, size_lots=100)
            nonce = steady_clock()() // 1_000_000
            body = encode.signed_request(ALICE, encode.place_action([wanted]), nonce)
            await socket.send_bytes(encode.post_frame(3, body))
            heard: dict[str, Any] = {}
            while not {"subscriptionResponse", "bbo", "post"} <= heard.keys():
                frame = json.loads(await socket.receive_str())
                heard[frame["channel"]] = frame["data"]
            assert heard["post"]["id"] == 3
            (status,) = heard["post"]["response"]["payload"]["response"]["data"]["statuses"]
            assert "resting" in status

    within_deadline(run)


def test_an_unknown_coin_cuts_the_connection_without_a_close_frame() -> None:
    """Protocol sheet 7.3: close code 1006."""

    async def run() -> None:
        async with served() as (running, client), client.ws_connect(running.ws_url) as socket:
            await socket.send_json(
                {"method": "subscribe", "subscription": {"type": "bbo", "coin": "nobody"}}
            )
            message = await socket.receive()
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            assert socket.close_code == 1006

    within_deadline(run)


def test_a_socket_that_went_away_leaves_nothing_behind() -> None:
    async def run() -> None:
        async with served() as (running, client):
            socket = await client.ws_connect(running.ws_url)
            await socket.send_json({"method": "ping"})
            assert await socket.receive_json() == {"channel": "pong"}
            assert len(running.exchange.feeds.sessions) == 1
            await socket.close()
            while running.exchange.feeds.sessions:
                await post(client, running.url + "/info", b'{"type":"exchangeStatus"}')

    within_deadline(run)


def test_a_port_in_use_is_the_operators_mistake() -> None:
    async def run() -> None:
        async with served() as (running, _):
            with pytest.raises(ConfigError, match=f"port: {running.port} is not valid"):
                await start_exchange(CONFIG, running.port)

    within_deadline(run)


def test_a_tape_that_is_not_there_is_named(tmp_path: Any) -> None:
    with pytest.raises(TapeError, match="no such file"):
        recorded_assets(tmp_path / "nothing")
    with pytest.raises(TapeError, match="bbo"):
        read_recordings(tmp_path, ("BTC",))


def test_stopping_frees_the_port_and_hangs_up() -> None:
    async def run() -> None:
        async with served() as (running, client):
            socket = await client.ws_connect(running.ws_url)
            await running.stop()
            assert (await socket.receive()).type in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.CLOSING,
            )
            again = await start_exchange(CONFIG, running.port)
            await again.stop()

    within_deadline(run)
