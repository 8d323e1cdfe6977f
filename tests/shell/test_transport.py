"""A socket hands every frame to the right ear, and ends itself when it is of no use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hypermaker.core.events import EVENT
from hypermaker.errors import LinkError
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.decode import Decoder, Notice
from hypermaker.hyperliquid.wire_info import InfoRequest
from hypermaker.hyperliquid.wire_ws import PostReply, Subscription
from hypermaker.shell import transport
from hypermaker.shell.transport import Http, Socket, open_session

Script = Callable[[web.WebSocketResponse], Awaitable[None]]
ACCOUNT = "0x" + "ab" * 20
SUBSCRIPTIONS = [Subscription("bbo", coin="BTC"), Subscription("userFills", user=ACCOUNT)]
BTC = Asset("BTC", 0, 5, 40)


class Ear:
    """Writes down what a socket says, reading frames as the session does."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.ready = asyncio.Event()
        self._decoder = Decoder(BTC, ACCOUNT, run_id=1)
        self._rows = np.zeros(2_100, EVENT)

    def read(self, raw: bytes, received_ns: int) -> Notice | None:
        count = self._decoder.decode(raw, received_ns, self._rows)
        if count:
            self.heard.append(("frame", raw, received_ns))
        return self._decoder.notice

    def on_reply(self, reply: PostReply, received_ns: int) -> None:
        self.heard.append(("reply", reply.id, bytes(reply.response.payload), received_ns))

    def on_complaint(self, text: str, received_ns: int) -> None:
        self.heard.append(("complaint", text, received_ns))

    def on_ready(self, received_ns: int) -> None:
        self.heard.append(("ready", received_ns))
        self.ready.set()


async def acknowledge(ws: web.WebSocketResponse, count: int) -> None:
    """Answer `count` subscriptions as the venue does, normalised."""
    for _ in range(count):
        asked = msgspec.json.decode(await ws.receive_str())
        assert asked["method"] == "subscribe"
        echo = {"method": "subscribe", "subscription": asked["subscription"] | {"extra": None}}
        answer = {"channel": "subscriptionResponse", "data": echo}
        await ws.send_str(msgspec.json.encode(answer).decode())


async def with_venue(script: Script, client: Callable[[str, Any], Awaitable[None]]) -> None:
    """Run a client against a server on this machine that plays `script` on its WebSocket."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await script(ws)
        await ws.close()
        return ws

    app = web.Application()
    app.router.add_get("/ws", serve)
    async with TestServer(app) as server, open_session() as session:
        await client(str(server.make_url("/ws")), session)


def ticking() -> Callable[[], int]:
    """Return a clock that counts its readings."""
    readings = iter(range(1, 10**6))
    return lambda: next(readings)


def listen(script: Script) -> tuple[Ear, str]:
    """Return what was heard over one connection, and why it ended."""
    ear = Ear()
    ends: list[str] = []

    async def client(url: str, session: Any) -> None:
        socket = Socket(url, ear, subscriptions=SUBSCRIPTIONS, clock=ticking())
        with pytest.raises(LinkError) as caught:
            await socket.run(session)
        assert not socket.is_ready
        ends.append(str(caught.value))

    async def bounded() -> None:
        async with asyncio.timeout(10):
            await with_venue(script, client)

    asyncio.run(bounded())
    return ear, ends[0]


def test_every_kind_of_frame_reaches_its_ear() -> None:
    """Data, late or unasked post replies and complaints; acknowledgements and pongs stay inside."""
    bbo = b'{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[null,null]}}'
    post = b'{"channel":"post","data":{"id":7,"response":{"type":"action","payload":{"a": 1}}}}'
    error = b'{"channel":"error","data":"Already subscribed: x"}'

    async def script(ws: web.WebSocketResponse) -> None:
        await ws.send_str("Websocket connection established.")
        await acknowledge(ws, 2)
        for raw in (bbo, post, b'{"channel":"pong"}', error):
            await ws.send_str(raw.decode())

    ear, why = listen(script)
    assert [entry[0] for entry in ear.heard] == ["ready", "frame", "reply", "complaint"]
    assert ear.heard[1][1] == bbo
    assert ear.heard[2][1:3] == (7, b'{"a": 1}')
    assert ear.heard[3][1] == "Already subscribed: x"
    assert [entry[-1] for entry in ear.heard] == sorted(entry[-1] for entry in ear.heard)
    assert "closed" in why


def test_a_missing_acknowledgement_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """F5: not subscribed is not ready."""
    monkeypatch.setattr(transport, "ACK_S_MAX", 0.05)

    async def script(ws: web.WebSocketResponse) -> None:
        await acknowledge(ws, 1)
        async for _ in ws:
            pass

    ear, why = listen(script)
    assert ear.heard == []
    assert "did not acknowledge userFills" in why


def test_a_peer_that_does_not_pong_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """F2: a half-open connection is closed by us."""
    monkeypatch.setattr(transport, "PING_S", 0.02)
    monkeypatch.setattr(transport, "PONG_S_MAX", 0.05)
    pings: list[str] = []

    async def script(ws: web.WebSocketResponse) -> None:
        await acknowledge(ws, 2)
        async for message in ws:
            pings.append(message.data)
            if len(pings) < 3:
                await ws.send_str('{"channel":"pong"}')

    _, why = listen(script)
    assert "no pong" in why
    assert pings[:3] == ['{"method":"ping"}'] * 3


@pytest.mark.parametrize(
    "raw",
    ["{", "[]", '{"channel":3}', '{"channel":"post","data":{}}', '{"channel":"bbo","data":1}'],
)
def test_a_frame_that_breaks_the_protocol_ends_the_connection(raw: str) -> None:
    """F11: nothing is guessed; the reason keeps the bytes."""

    async def script(ws: web.WebSocketResponse) -> None:
        await acknowledge(ws, 2)
        await ws.send_str(raw)
        async for _ in ws:
            pass

    ear, why = listen(script)
    assert [entry[0] for entry in ear.heard] == ["ready"]
    assert raw in why


def test_nothing_is_sent_on_a_connection_that_is_gone() -> None:
    """F28: a signed action that was not handed over is never sent later."""
    got: list[str] = []

    async def script(ws: web.WebSocketResponse) -> None:
        await acknowledge(ws, 2)
        got.append(await ws.receive_str())

    async def client(url: str, session: Any) -> None:
        ear = Ear()
        socket = Socket(url, ear, subscriptions=SUBSCRIPTIONS, clock=ticking())
        assert not socket.send(b'{"early":1}')
        run = asyncio.create_task(socket.run(session))
        await ear.ready.wait()
        assert socket.is_ready
        assert socket.send(b'{"on_time":1}')
        with pytest.raises(LinkError):
            await run
        assert not socket.send(b'{"late":1}')

    asyncio.run(with_venue(script, client))
    assert got == ['{"on_time":1}']


def test_a_full_outbox_is_said_not_hidden() -> None:
    async def script(ws: web.WebSocketResponse) -> None:
        await acknowledge(ws, 2)
        async for _ in ws:
            pass

    async def client(url: str, session: Any) -> None:
        ear = Ear()
        socket = Socket(url, ear, subscriptions=SUBSCRIPTIONS, clock=ticking())
        run = asyncio.create_task(socket.run(session))
        await ear.ready.wait()
        taken = [socket.send(b"{}") for _ in range(transport.OUTBOX_MAX + 5)]
        assert taken == [True] * transport.OUTBOX_MAX + [False] * 5
        run.cancel()

    asyncio.run(with_venue(script, client))


def test_a_venue_that_is_not_there_is_a_link_error() -> None:
    async def scenario() -> None:
        async with open_session() as session:
            socket = Socket("http://127.0.0.1:1/ws", Ear(), subscriptions=[], clock=ticking())
            with pytest.raises(LinkError, match="cannot open"):
                await socket.run(session)
            with pytest.raises(LinkError, match="/info"):
                await Http(session, "http://127.0.0.1:1").info(InfoRequest("meta"))

    asyncio.run(scenario())


def http_answer(status: int, body: str, headers: dict[str, str] | None = None) -> str:
    """Return the body, or the text of the LinkError, of one info request."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    async def scenario() -> str:
        app = web.Application()
        app.router.add_post("/info", answer)
        async with TestServer(app) as server, open_session() as session:
            try:
                return (
                    await Http(session, str(server.make_url(""))).info(InfoRequest("meta"))
                ).decode()
            except LinkError as error:
                return str(error)

    return asyncio.run(scenario())


def test_only_a_complete_answer_of_status_200_is_an_answer() -> None:
    """F16, F17: 429, 5xx and HTML are not answers; a redirect is refused (S19)."""
    assert http_answer(200, '{"a":1}') == '{"a":1}'
    for status in (429, 500, 502, 504, 422):
        assert f"HTTP {status}" in http_answer(status, "null")
    assert "HTTP 302" in http_answer(302, "", {"Location": "http://example.test/"})
