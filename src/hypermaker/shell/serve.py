"""The local exchange over HTTP and WebSocket on 127.0.0.1: it moves bytes and tells the time.

POST /info, POST /exchange and GET /ws speak as the venue does, errors included. Everything that is
decided is decided in `exchange/`; here are sockets, queues with a bound, and the real clock.
"""

import asyncio
import errno
from http import HTTPStatus
from pathlib import Path

import msgspec
from aiohttp import WSMsgType, web

from hypermaker.core.events import Events
from hypermaker.core.units import NS_PER_S
from hypermaker.errors import ConfigError, TapeError
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.gateway import Reply
from hypermaker.exchange.universe import LIVE, listing_named
from hypermaker.exchange.venue import Answered, Exchange
from hypermaker.shell.clock import Clock, steady_clock
from hypermaker.tape.parquet import assets_in, read_recording

HOST = "127.0.0.1"
BODY_BYTES_MAX = 1 << 20
FRAMES_WAITING_MAX = 4_096  # a client that reads slower than this is cut off
STEP_S_MIN = 0.001
STEP_S_MAX = 0.25
NOT_JSON_TYPE = b"Expected request with `Content-Type: application/json`"
JSON_TYPE = "application/json"

Outbox = asyncio.Queue[bytes | None]


class ExchangeServer:
    """One exchange behind sockets.

    Parameters
    ----------
    exchange   what answers
    clock      real time; the exchange's virtual time follows it
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self.exchange, self._clock = exchange, clock
        self._answers: dict[int, asyncio.Future[Reply]] = {}
        self._outboxes: dict[int, Outbox] = {}
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """Return the routes."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/info", self._info)
        app.router.add_post("/exchange", self._exchange)
        app.router.add_get("/ws", self._websocket)
        for path in ("/info", "/exchange"):
            app.router.add_get(path, _not_allowed)
        return app

    async def run(self) -> None:
        """Let the exchange's time follow the clock until cancelled."""
        while True:
            self._flush()
            wait_s = (self.exchange.next_ns - self._clock()) / NS_PER_S
            await asyncio.sleep(min(max(wait_s, STEP_S_MIN), STEP_S_MAX))

    async def close(self) -> None:
        """Cut every client off."""
        for socket in list(self._sockets):
            await socket.close()
        for waiting in self._answers.values():
            waiting.cancel()

    def _flush(self) -> None:
        """Carry out everything the exchange has to say by now."""
        for out in self.exchange.advance(self._clock()):
            if isinstance(out, Answered):
                waiting = self._answers.pop(out.ticket, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(out.reply)
            else:
                self._queue(out.session, out.frame)

    def _queue(self, session: int, frame: bytes | None) -> None:
        outbox = self._outboxes.get(session)
        if outbox is None:
            return
        try:
            outbox.put_nowait(frame)
        except asyncio.QueueFull:
            while not outbox.empty():
                outbox.get_nowait()
            outbox.put_nowait(None)

    async def _info(self, request: web.Request) -> web.Response:
        refusal = _wrong_type(request)
        if refusal is not None:
            return refusal
        body = await request.read()
        return _response(self.exchange.info(body, self._clock()))

    async def _exchange(self, request: web.Request) -> web.Response:
        refusal = _wrong_type(request)
        if refusal is not None:
            return refusal
        body = await request.read()
        ticket = self.exchange.submit(body, self._clock())
        waiting = asyncio.get_running_loop().create_future()
        self._answers[ticket] = waiting
        self._flush()
        try:
            return _response(await waiting)
        finally:
            self._answers.pop(ticket, None)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        # Like the venue's: no compression, no protocol pings, no close handshake of its own.
        socket = web.WebSocketResponse(compress=False, autoping=True, max_msg_size=BODY_BYTES_MAX)
        await socket.prepare(request)
        session = self.exchange.connect(self._clock())
        outbox: Outbox = asyncio.Queue(FRAMES_WAITING_MAX)
        self._outboxes[session] = outbox
        self._sockets.add(socket)
        writer = asyncio.create_task(_write(socket, request, outbox))
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self.exchange.receive(session, _bytes(message.data), self._clock())
                    self._flush()
        finally:
            self.exchange.disconnect(session, self._clock())
            self._sockets.discard(socket)
            del self._outboxes[session]
            writer.cancel()
        return socket


async def _write(socket: web.WebSocketResponse, request: web.Request, outbox: Outbox) -> None:
    """Send one session's frames in order; None cuts the connection without a close frame."""
    while True:
        frame = await outbox.get()
        if frame is None:
            if request.transport is not None:
                request.transport.abort()
            return
        try:
            await socket.send_frame(frame, WSMsgType.TEXT)
        except ConnectionError:
            return


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


def _wrong_type(request: web.Request) -> web.Response | None:
    if request.content_type == JSON_TYPE:
        return None
    return _text(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NOT_JSON_TYPE)


def _response(reply: Reply) -> web.Response:
    """Return JSON where there is JSON, plain text for the words of a 4xx."""
    if HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _text(reply.status, reply.body)
    return web.Response(status=reply.status, body=reply.body, content_type=JSON_TYPE)


def _text(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="text/plain", charset="utf-8")


async def _not_allowed(request: web.Request) -> web.Response:
    return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED)


class RunningExchange:
    """A served exchange; `stop` ends it."""

    def __init__(self, server: ExchangeServer, runner: web.AppRunner, port: int) -> None:
        self.exchange, self.port = server.exchange, port
        self.url, self.ws_url = f"http://{HOST}:{port}", f"ws://{HOST}:{port}/ws"
        self._server, self._runner = server, runner
        self.task = asyncio.create_task(server.run())

    async def stop(self) -> None:
        """Close every connection and free the port."""
        self.task.cancel()
        await self._server.close()
        await self._runner.cleanup()


def recorded_assets(tape: Path) -> tuple[str, ...]:
    """Return which listed assets a tape can be replayed for; raises TapeError for none."""
    found = tuple(name for name in assets_in(tape) if name in LIVE)
    if not found:
        raise TapeError(tape, f"holds none of {', '.join(LIVE)}")
    return found


def read_recordings(tape: Path, assets: tuple[str, ...]) -> dict[str, Events]:
    """Return the recording of each asset; raises TapeError for one that cannot be read."""
    return {name: read_recording(tape, name, listing_named(name).sz_decimals) for name in assets}


async def start_exchange(
    config: ExchangeConfig,
    port: int = 0,
    *,
    tape: Path | None = None,
    clock: Clock | None = None,
) -> RunningExchange:
    """Serve an exchange on the loopback interface.

    Parameters
    ----------
    config   its `start_ns` is replaced by the clock's time: nonces are checked against it
    port     0 lets the system choose
    tape     recorded market data to replay as the market of every configured asset
    clock    what time it is; the machine's when None
    Raises   ConfigError when the port is in use, TapeError when the tape cannot be replayed
    """
    clock = clock or steady_clock()
    recordings = {} if tape is None else read_recordings(tape, config.assets)
    exchange = Exchange(msgspec.structs.replace(config, start_ns=clock()), recordings)
    server = ExchangeServer(exchange, clock)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ConfigError("port", port, "a free port, or 0 to let the system choose") from error
    taken: int = runner.addresses[0][1]
    return RunningExchange(server, runner, taken)
