"""Recordings: one format for what was heard, decided and replayed."""
