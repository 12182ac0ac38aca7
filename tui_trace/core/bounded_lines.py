"""Splits bytes from outside into lines of bounded length."""


class BoundedLines:
    """Collects bytes, and gives back whole lines; one that is too long costs no memory."""

    def __init__(self, longest: int) -> None:
        """`longest` is the most bytes of a line, without its end."""
        self._longest = longest
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """Return the lines that `data` completes, without their ends; None for one too long."""
        whole, newline, rest = data.rpartition(b"\n")
        lines: list[bytes | None] = []
        if newline:
            first, *others = (self._rest + whole).split(b"\n")
            if self._skipping:
                self._skipping = False
            else:
                lines.append(self._bounded(first))
            lines += map(self._bounded, others)
            self._rest = rest
        elif not self._skipping:
            self._rest += rest
        if len(self._rest) > self._longest:
            self._rest = b""
            self._skipping = True
            lines.append(None)
        return lines

    def last(self) -> bytes:
        """Return what came behind the last line end: a line without an end, mostly nothing."""
        return self._rest

    def _bounded(self, line: bytes) -> bytes | None:
        return line if len(line) <= self._longest else None
