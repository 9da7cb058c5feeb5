"""The demo's source systems: real servers on loopback that show what is known at the clock, and nothing later."""
