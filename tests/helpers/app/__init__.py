"""A source that does as it is told, and terminals to look at."""
