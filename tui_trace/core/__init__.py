"""The words that every other package shares: events, settings, the two ends of the stream."""
