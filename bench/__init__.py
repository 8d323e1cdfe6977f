"""Benchmarks: each file measures one thing of ours beside the best of others, in the same run."""
