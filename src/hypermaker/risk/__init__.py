"""What we may do: one effective limit, one gate, one latch."""
