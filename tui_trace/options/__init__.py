"""The command line and the help, read into one frozen value."""
