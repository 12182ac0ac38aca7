"""The live view. Knows snapshots and the source that it is handed, and nothing of packets."""

import os

# Textual paints by a timer of this rate, which runs only while there is something to paint. Ours
# is bounded by snapshots: a faster timer shows each of them sooner, and costs nothing else.
os.environ.setdefault("TEXTUAL_FPS", "200")
