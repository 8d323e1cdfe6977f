"""What we have on the book: life cycle, fills, ledger, and the difference to what we want."""
