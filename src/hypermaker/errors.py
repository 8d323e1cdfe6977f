"""The whole error hierarchy: what can go wrong, sorted by who can do something about it.

Our own bugs are `assert`s and are not here. A venue that says no is not here either: a refusal is
an event (`core.events.ORDER_REFUSED`), and not knowing is an event too (`OUTCOME_UNKNOWN`).
"""


class HypermakerError(Exception):
    """Root of every error this package raises on purpose."""


class ConfigError(HypermakerError):
    """The operator asked for something that cannot be: one clear line, exit status 2.

    Parameters
    ----------
    where   the file, option or environment variable at fault
    value   what was given; never a secret
    valid   what would be valid instead
    """

    def __init__(self, where: str, value: object, valid: str) -> None:
        self.where, self.value, self.valid = where, value, valid
        super().__init__(f"{where}: {value!s} is not valid: {valid}")


class ProtocolError(HypermakerError):
    """The peer sent bytes that break the protocol; the link is dropped and reconciled.

    Parameters
    ----------
    reason  what was expected
    raw     the offending bytes, kept whole for the journal
    """

    def __init__(self, reason: str, raw: bytes = b"") -> None:
        self.reason, self.raw = reason, raw
        super().__init__(f"{reason} (in {len(raw)} bytes: {raw[:120]!r})")


class TapeError(HypermakerError):
    """A recording cannot be read as what it claims to be; exit status 2.

    Parameters
    ----------
    path    the file or folder
    reason  what is wrong with it, and where
    """

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class LinkError(HypermakerError):
    """The connection to the venue is not usable now; reconnect, reconcile, then go on."""


class LatchedError(HypermakerError):
    """The kill switch has fired and nobody has opened it again; exit status 4."""


class UnsafeExitError(HypermakerError):
    """We are leaving and could not show that the account has no open orders; exit status 3."""
