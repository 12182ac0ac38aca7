"""The live view. Knows snapshots and the source that it is handed, and nothing of packets."""
