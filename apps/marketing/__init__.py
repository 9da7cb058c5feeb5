"""Pages for those who sell: overview, channels, customers, promotions."""
