"""Client order ids: who placed an order, told from 16 bytes the venue hands back.

The upper eight bytes are the session's run id, the lower eight the order's sequence number, so an
order of another session (or another program) is recognised without a table.
"""

_HALF = 2**64
_SEQS = 2**63
"""Sequence numbers are signed 64-bit; an id beyond them is not of our making."""


def cloid_of(run_id: int, order_seq: int) -> str:
    """Return the client order id: `0x` and 32 lowercase hex digits.

    >>> cloid_of(10, 255)
    '0x000000000000000a00000000000000ff'
    """
    assert 0 <= run_id < _HALF and 0 < order_seq < _SEQS, (run_id, order_seq)
    return f"0x{run_id:016x}{order_seq:016x}"


def order_seq_of(cloid: str | None, run_id: int) -> int:
    """Return the order's sequence number, or 0 when the id is absent or of another run.

    >>> order_seq_of("0x000000000000000a00000000000000ff", 10), order_seq_of(None, 10)
    (255, 0)
    """
    if cloid is None or len(cloid) != 34:
        return 0
    try:
        value = int(cloid, 16)
    except ValueError:
        return 0
    run, order_seq = divmod(value, _HALF)
    return order_seq if run == run_id and order_seq < _SEQS else 0
