"""Pages for those who make and move: demand, stock, production plan, data health."""
