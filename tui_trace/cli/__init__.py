"""The console script: from the command line to a source and a sink."""
