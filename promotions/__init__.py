"""What a promotion did, and how sure of it one may be."""
