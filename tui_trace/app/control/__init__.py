"""Keys and what they do to the source and the view. Imports neither Textual nor rich."""
