"""What we promise, measured: one module per promise, each figure a ratio to a peer or a limit in the same run."""
