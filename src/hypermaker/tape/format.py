"""The session journal: one append-only file that survives a kill at any byte.

    file    = MAGIC record*
    record  = length u32 | crc32 u32 | tag u8 | payload        little endian; crc over tag + payload

    tag     payload
    HEADER  JSON, see `Header`; always the first record
    STEP    one EVENT (64 bytes), then the ACTIONs it caused (64 bytes each), in order
    NONCES  pairs (order_seq i64, nonce i64): written before the signed action leaves
    FRAMES  zstd of many (received_ns i64, link u8, length u32, bytes): what the venue sent, whole
    NOTE    UTF-8 text: why a link dropped, what could not be read, how the session ended

A STEP is written before any of its actions is signed, so what is not here was never sent. A torn
tail (short, or with a wrong checksum) is where reading stops: everything before it is whole. No key
and no signature is ever written.
"""

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from hypermaker.core.actions import ACTION, Actions
from hypermaker.core.events import EVENT, Events
from hypermaker.errors import TapeError

MAGIC = b"HMJRNL1\n"
FORMAT = 1
RECORD_BYTES_MAX = 64 * 1024 * 1024
_HEAD = struct.Struct("<IIB")
_FRAME = struct.Struct("<qBI")
_PAIR = np.dtype([("order_seq", "<i8"), ("nonce", "<i8")])
_EVENT_BYTES = EVENT.itemsize


class Tag(IntEnum):
    """What a record holds."""

    HEADER = 1
    STEP = 2
    NONCES = 3
    FRAMES = 4
    NOTE = 5


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who wrote a journal and under which rules; enough to build the same engine again.

    run_id      64 bits that open every client order id of the session
    kernel_key  hash of the kernel sources and compiler versions (`core.kernel.cache_key`)
    engine      the engine's configuration, as plain values
    """

    format: int
    run_id: int
    asset: str
    network: str
    account: str
    started_ns: int
    versions: dict[str, str]
    kernel_key: str
    engine: dict[str, Any]


class Frame(msgspec.Struct, frozen=True):
    """One message as it came: when, on which link (0 is HTTP), and its bytes."""

    received_ns: int
    link: int
    raw: bytes


class Journal(msgspec.Struct, frozen=True):
    """A journal in memory.

    events   EVENT, shape (n,)
    actions  ACTION, shape (m,): of all events, in order
    starts   int64, shape (n + 1,): the actions of event i are actions[starts[i] : starts[i + 1]]
    nonces   order_seq -> the nonce whose action carried the order
    torn     bytes after the last whole record; 0 after a clean end
    """

    header: Header
    events: Events
    actions: Actions
    starts: npt.NDArray[np.int64]
    nonces: dict[int, int]
    notes: list[str]
    torn: int

    def actions_of(self, index: int) -> Actions:
        """Return what the engine asked for on event `index`."""
        return self.actions[self.starts[index] : self.starts[index + 1]]


def pack_record(tag: Tag, payload: bytes) -> bytes:
    """Return one framed record."""
    crc = zlib.crc32(payload, zlib.crc32(bytes((tag,))))
    return _HEAD.pack(len(payload), crc, tag) + payload


def pack_header(header: Header) -> bytes:
    """Return the opening bytes of a journal: magic and header record."""
    return MAGIC + pack_record(Tag.HEADER, msgspec.json.encode(header))


def pack_nonces(order_seqs: list[int], nonce: int) -> bytes:
    """Return the record that says which nonce carries these orders."""
    pairs = np.empty(len(order_seqs), _PAIR)
    pairs["order_seq"], pairs["nonce"] = order_seqs, nonce
    return pack_record(Tag.NONCES, pairs.tobytes())


def pack_frames(frames: list[Frame]) -> bytes:
    """Return the record that keeps these frames, compressed together."""
    parts: list[bytes] = []
    for frame in frames:
        parts += (_FRAME.pack(frame.received_ns, frame.link, len(frame.raw)), frame.raw)
    return pack_record(Tag.FRAMES, zstandard.ZstdCompressor(level=1).compress(b"".join(parts)))


def whole_records(raw: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield (tag, payload, end offset) of every whole record after the magic, then stop.

    Stops at the first record that is short or fails its checksum.
    """
    at = len(MAGIC)
    while at + _HEAD.size <= len(raw):
        length, crc, tag = _HEAD.unpack_from(raw, at)
        begin, at = at + _HEAD.size, at + _HEAD.size + length
        if length > RECORD_BYTES_MAX or at > len(raw):
            return
        payload = raw[begin:at]
        if zlib.crc32(payload, zlib.crc32(bytes((tag,)))) != crc:
            return
        yield tag, payload, at


def read_journal(path: Path) -> Journal:
    """Return a session's journal; a torn tail is left out and counted.

    Raises TapeError when the file cannot be read, is no journal, or its whole records do not make
    sense (a header of another format, a step that is not whole events and actions).
    """
    raw = read_bytes(path)
    steps: list[bytes] = []
    nonces: dict[int, int] = {}
    notes: list[str] = []
    header: Header | None = None
    whole = len(MAGIC)
    for tag, payload, end in whole_records(raw):
        whole = end
        if header is None:
            header = _parse_header(path, tag, payload)
        elif tag == Tag.STEP:
            steps.append(payload)
        elif tag == Tag.NONCES:
            nonces.update(np.frombuffer(payload, _PAIR).tolist())
        elif tag == Tag.NOTE:
            notes.append(payload.decode(errors="replace"))
    if header is None:
        raise TapeError(path, "the header is torn: the session ended before it began")
    events, actions, starts = _split_steps(path, steps)
    return Journal(header, events, actions, starts, nonces, notes, len(raw) - whole)


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield every raw message of a journal in the order it came.

    Raises TapeError when the file cannot be read or is no journal.
    """
    for tag, payload, _ in whole_records(read_bytes(path)):
        if tag == Tag.FRAMES:
            yield from _split_frames(zstandard.ZstdDecompressor().decompress(payload))


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes once its magic is seen; raises TapeError otherwise."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TapeError(path, error.strerror or "cannot be read") from error
    if not raw.startswith(MAGIC):
        raise TapeError(path, "not a session journal (wrong first bytes)")
    return raw


def _parse_header(path: Path, tag: int, payload: bytes) -> Header:
    if tag != Tag.HEADER:
        raise TapeError(path, "the first record is no header")
    try:
        header = msgspec.json.decode(payload, type=Header)
    except msgspec.DecodeError as error:
        raise TapeError(path, f"the header cannot be read: {error}") from error
    if header.format != FORMAT:
        raise TapeError(path, f"format {header.format}, this version reads format {FORMAT}")
    return header


def _split_steps(path: Path, steps: list[bytes]) -> tuple[Events, Actions, npt.NDArray[np.int64]]:
    if any(len(s) < _EVENT_BYTES or (len(s) - _EVENT_BYTES) % ACTION.itemsize for s in steps):
        raise TapeError(path, "a step is not one event and whole actions")
    counts = [(len(step) - _EVENT_BYTES) // ACTION.itemsize for step in steps]
    starts = np.zeros(len(steps) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    events = np.frombuffer(b"".join(step[:_EVENT_BYTES] for step in steps), EVENT)
    actions = np.frombuffer(b"".join(step[_EVENT_BYTES:] for step in steps), ACTION)
    return events, actions, starts


def _split_frames(raw: bytes) -> Iterator[Frame]:
    at = 0
    while at < len(raw):
        received_ns, link, length = _FRAME.unpack_from(raw, at)
        at += _FRAME.size
        yield Frame(received_ns, link, raw[at : at + length])
        at += length
