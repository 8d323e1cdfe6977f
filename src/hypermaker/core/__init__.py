"""The vocabulary every room shares: events in, actions out, units, and how kernels compile."""
