"""A TCP proxy between a session and an exchange that can lose what the network loses."""

import asyncio
import contextlib

CHUNK = 65_536


class Proxy:
    """Forwards bytes both ways until told otherwise.

    is_deaf   True: what the exchange says over WebSockets is swallowed, what we say still arrives
    """

    def __init__(self, port: int) -> None:
        self.is_deaf = False
        self.accepted = 0
        self._to = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen on a free port; return the base URL."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Refuse new connections and cut the old ones."""
        if self._server is not None:
            self._server.close()
        self.drop()

    def drop(self) -> None:
        """Cut every connection in the middle of whatever it says (F1)."""
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self.accepted += 1
        reader, forth = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {back, forth}
        first = await ours.read(CHUNK)
        is_socket = first.startswith(b"GET /ws")
        forth.write(first)
        up = asyncio.create_task(self._pump(ours, forth, can_be_lost=False))
        down = asyncio.create_task(self._pump(reader, back, can_be_lost=is_socket))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers -= {back, forth}
            for writer in (back, forth):
                writer.transport.abort()
            up.cancel()
            down.cancel()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, can_be_lost: bool
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(CHUNK):
                if not (can_be_lost and self.is_deaf):
                    writer.write(chunk)
                    await writer.drain()
