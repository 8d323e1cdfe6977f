"""The venue's bytes and their meaning; no sockets, no event loop."""
