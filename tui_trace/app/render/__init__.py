"""From a snapshot to styled lines. Knows neither Textual nor rich."""
