"""Functions from a snapshot to styled lines. They import neither Textual nor rich."""
