"""A deterministic local Hyperliquid; no sockets, no clock."""
