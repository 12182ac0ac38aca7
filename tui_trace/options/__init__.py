"""The command line, read into one frozen value, and the help."""
