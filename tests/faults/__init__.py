"""What must not hurt us: one test per fault of each protocol, against real servers and the real way in."""
