"""Keys that may trade for an account without being able to move its money."""

import msgspec

from hypermaker.hyperliquid import rejects

NAMED_MAX = 3
VALID_MS = 90 * 86_400_000
VALID_MS_MAX = 180 * 86_400_000
NAME_LENGTH_MAX = 16
ZERO_ADDRESS = "0x" + "00" * 20
_EXPIRY = " valid_until "


class Agent(msgspec.Struct, frozen=True):
    """One approved key; the empty name is the account's one unnamed agent."""

    address: str
    master: str
    name: str
    valid_until_ms: int


class Agents:
    """Every approval that was ever given, and which of them holds now."""

    def __init__(self) -> None:
        self._live: dict[tuple[str, str], Agent] = {}
        self._used: set[str] = set()

    def master_of(self, address: str, now_ms: int) -> str | None:
        """Return the account a key may act for, None when it is no (or an expired) agent."""
        for agent in self._live.values():
            if agent.address == address and agent.valid_until_ms > now_ms:
                return agent.master
        return None

    def named(self, master: str) -> list[Agent]:
        """Return the named agents of an account: what `extraAgents` lists."""
        return [a for a in self._live.values() if a.master == master and a.name]

    def approve(self, master: str, *, address: str, label: str, now_ms: int) -> str | None:
        """Give (or with the zero address take away) an approval; return the refusal or None.

        label   the name, optionally with ` valid_until <ms>`
        """
        name, _, until = label.partition(_EXPIRY)
        if address == ZERO_ADDRESS:
            self._live.pop((master, name), None)
            return None
        if len(name) > NAME_LENGTH_MAX or (until and not until.isdigit()):
            return "Invalid agent name."
        if address in self._used:
            return rejects.AGENT_USED.say()
        others = [agent for agent in self.named(master) if agent.name != name]
        if name and len(others) >= NAMED_MAX:
            return rejects.AGENTS_FULL.say(limit=NAMED_MAX)
        valid_until = min(int(until), now_ms + VALID_MS_MAX) if until else now_ms + VALID_MS
        self._live[(master, name)] = Agent(address, master, name, valid_until)
        self._used.add(address)
        return None
