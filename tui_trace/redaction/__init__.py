"""Hides near hops in events and sessions: names, addresses, owners."""
