"""Real Linux routers in network namespaces, and the programs that run in them."""
