"""From the command line to a source and a sink."""
