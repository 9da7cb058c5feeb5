"""What will be demanded: means that add up, quantiles that never cross, and scores that say how good they were."""
