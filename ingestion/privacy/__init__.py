"""Personal fields become keyed tokens; what must keep its clear form is sealed."""
