"""All the I/O: links, sessions, journal, the exchange as a server."""
