"""Bytes to and from the venue: one WebSocket connection, and HTTP posts with deadlines.

Nothing here knows an order. A `Socket` lives for one connection: it subscribes, waits for every
acknowledgement, pings on a timer, and ends with `LinkError` when the connection is of no use any
more (closed, silent, refused, or its peer stopped reading). Whoever runs it decides what next.
Sending never waits: a bounded outbox belongs to the connection and dies with it, so a signed action
that was not handed over is never sent later on another connection (fault F28).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import aiohttp

from hypermaker.errors import LinkError, ProtocolError
from hypermaker.hyperliquid.decode import Notice
from hypermaker.hyperliquid.encode import PING, info_request, subscribe_frame
from hypermaker.hyperliquid.wire_info import InfoRequest
from hypermaker.hyperliquid.wire_ws import (
    Acknowledgement,
    ErrorFrame,
    PongFrame,
    PostReply,
    Subscription,
)
from hypermaker.shell.clock import Clock

PING_S = 15.0
PONG_S_MAX = 10.0
OPEN_S_MAX = 5.0
ACK_S_MAX = 5.0
CLOSE_S_MAX = 2.0
HTTP_S_MAX = 5.0
OUTBOX_MAX = 256
FRAME_BYTES_MAX = 16 * 1024 * 1024


class Listener(Protocol):
    """Who hears what a socket says; called on the event loop, must not block.

    A ProtocolError raised by any of these ends the connection.
    """

    def read(self, raw: bytes, received_ns: int) -> Notice | None:
        """Take one frame, and return what it says besides data."""

    def on_reply(self, reply: PostReply, received_ns: int) -> None:
        """Take the answer to a post."""

    def on_complaint(self, text: str, received_ns: int) -> None:
        """Take a text of the `error` channel, which names no request."""

    def on_ready(self, received_ns: int) -> None:
        """Every subscription has been acknowledged."""


class Socket:
    """One connection, from opening to loss.

    listener       hears frames and replies
    subscriptions  sent on opening, at most one of each type
    """

    def __init__(
        self, url: str, listener: Listener, *, subscriptions: Sequence[Subscription], clock: Clock
    ) -> None:
        self._url = url
        self._listener = listener
        self._subscriptions = list(subscriptions)
        self._clock = clock
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(OUTBOX_MAX)
        self._unacknowledged = {subscription.type for subscription in subscriptions}
        self._acknowledged = asyncio.Event()
        self._pong = asyncio.Event()
        self._is_open = False

    @property
    def is_ready(self) -> bool:
        """Whether the connection is open and every subscription acknowledged."""
        return self._is_open and not self._unacknowledged

    @property
    def has_room(self) -> bool:
        """Whether `send` will take a frame now."""
        return self.is_ready and not self._outbox.full()

    def send(self, raw: bytes) -> bool:
        """Queue one text frame and return True; False when it was not taken and never will be."""
        if not self._is_open:
            return False
        try:
            self._outbox.put_nowait(raw)
        except asyncio.QueueFull:
            return False
        return True

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Hold the connection until it is lost.

        Raises LinkError with the reason, always: a connection has no other end.
        """
        try:
            async with asyncio.timeout(OPEN_S_MAX):
                ws = await http.ws_connect(
                    self._url,
                    autoclose=False,
                    max_msg_size=FRAME_BYTES_MAX,
                    decode_text=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S_MAX),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise LinkError(f"cannot open {self._url}: {_reason(error)}") from error
        try:
            await self._hold(ws)
        finally:
            self._is_open = False
            await ws.close()

    async def _hold(self, ws: "aiohttp.ClientWebSocketResponse[Any]") -> None:
        self._is_open = True
        for subscription in self._subscriptions:
            self._outbox.put_nowait(subscribe_frame(subscription))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(ws))
                tasks.create_task(self._write(ws))
                tasks.create_task(self._ping())
                tasks.create_task(self._await_acknowledgements())
        except* LinkError as group:
            raise LinkError(str(group.exceptions[0])) from group

    async def _read(self, ws: "aiohttp.ClientWebSocketResponse[Any]") -> None:
        while True:
            message = await ws.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise LinkError(f"{self._url} closed the connection ({message.type.name})")
            self._route(message.data, self._clock())

    def _route(self, raw: bytes, received_ns: int) -> None:
        """Hand a frame to whom it is for; a frame that breaks the protocol ends the connection."""
        try:
            notice = self._listener.read(raw, received_ns)
            if isinstance(notice, PostReply):
                self._listener.on_reply(notice, received_ns)
            elif isinstance(notice, PongFrame):
                self._pong.set()
            elif isinstance(notice, Acknowledgement):
                self._acknowledge(notice.subscription.type, received_ns)
            elif isinstance(notice, ErrorFrame):
                self._listener.on_complaint(notice.data, received_ns)
        except ProtocolError as error:
            raise LinkError(str(error)) from error

    def _acknowledge(self, kind: str, received_ns: int) -> None:
        self._unacknowledged.discard(kind)
        if not self._unacknowledged and not self._acknowledged.is_set():
            self._acknowledged.set()
            self._listener.on_ready(received_ns)

    async def _write(self, ws: "aiohttp.ClientWebSocketResponse[Any]") -> None:
        while True:
            raw = await self._outbox.get()
            try:
                await ws.send_frame(raw, aiohttp.WSMsgType.TEXT)
            except (aiohttp.ClientError, OSError) as error:
                raise LinkError(f"cannot send to {self._url}: {_reason(error)}") from error

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            self._pong.clear()
            if not self.send(PING):
                raise LinkError(f"{self._url} does not read what we send")
            try:
                async with asyncio.timeout(PONG_S_MAX):
                    await self._pong.wait()
            except TimeoutError as error:
                raise LinkError(f"no pong from {self._url} in {PONG_S_MAX:.0f} s") from error

    async def _await_acknowledgements(self) -> None:
        if not self._unacknowledged:
            self._acknowledged.set()
            self._listener.on_ready(self._clock())
            return
        try:
            async with asyncio.timeout(ACK_S_MAX):
                await self._acknowledged.wait()
        except TimeoutError as error:
            missing = ", ".join(sorted(self._unacknowledged))
            raise LinkError(f"{self._url} did not acknowledge {missing}") from error


class Http:
    """Posts to `/info` and `/exchange` of one venue; redirects and proxies are refused.

    Raises LinkError whenever there is no complete answer of status 200.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    async def info(self, request: InfoRequest, *, deadline_s: float = HTTP_S_MAX) -> bytes:
        """Return the body of the answer to an info request."""
        return await self._post("/info", info_request(request), deadline_s)

    async def exchange(self, body: bytes, *, deadline_s: float = HTTP_S_MAX) -> bytes:
        """Return the body of the answer to a signed action.

        LinkError means that the outcome is unknown: the action may have run.
        """
        return await self._post("/exchange", body, deadline_s)

    async def _post(self, path: str, body: bytes, deadline_s: float) -> bytes:
        url = self._base_url + path
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session.post(
                    url,
                    data=body,
                    headers={"Content-Type": "application/json"},
                    allow_redirects=False,
                ) as response,
            ):
                answer = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise LinkError(f"{url}: {_reason(error)}") from error
        if response.status != 200:
            raise LinkError(f"{url}: HTTP {response.status} {answer[:120]!r}")
        return answer


def open_session() -> aiohttp.ClientSession:
    """Return the connection pool of one run: no cookies, no proxies from the environment."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=True,
        connector=aiohttp.TCPConnector(limit=16, ttl_dns_cache=60),
    )


def _reason(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or repr(error)
