"""Who is who, and what they are worth."""
