"""What will be demanded: means that add up, quantiles that never cross, and scores that say how good they were."""

import os

# Threads that share a fit wait for one another at every leaf. Where anything else runs, spinning for milliseconds while
# they wait takes the time of those they wait for. Read when LightGBM's library of threads is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
