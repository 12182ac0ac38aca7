"""Checkpoints that are made anew, because a file has none of this version, within a bound."""

MAX_BYTES = 64 << 20
"""Most bytes of checkpoints that are kept."""


class RebuiltCheckpoints:
    """Packed checkpoints by the number of the block that follows them."""

    def __init__(self) -> None:
        """Begin without any checkpoint."""
        self._checkpoints: dict[int, bytes] = {}
        self.size = 0
        """Bytes of all of them, at most `MAX_BYTES`."""

    def get(self, number: int) -> bytes | None:
        """Return the checkpoint before this block, or None."""
        return self._checkpoints.get(number)

    def add(self, number: int, checkpoint: bytes) -> None:
        """Keep a checkpoint. Beyond the bound every other one goes, so that the rest lie evenly."""
        self._checkpoints[number] = checkpoint
        self.size = sum(map(len, self._checkpoints.values()))
        while self.size > MAX_BYTES:
            for one in list(self._checkpoints)[::2]:
                self.size -= len(self._checkpoints.pop(one))
