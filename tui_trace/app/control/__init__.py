"""From a key to a command. Knows neither Textual nor rich."""
