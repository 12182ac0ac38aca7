"""Results of other programs, and our own as JSON, read as sessions: told apart by their content."""
