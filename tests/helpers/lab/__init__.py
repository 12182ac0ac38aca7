"""Ways into the lab."""
