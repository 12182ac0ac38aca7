"""ICMP messages with extensions, put together by hand."""

EXCEEDED = {4: 11, 6: 3}


def message(family: int, quote: bytes, rest: bytes, length: int | None = None) -> bytes:
    """A time exceeded; `length` in its own unit, None for the right one."""
    unit = 4 if family == 4 else 8
    words = len(quote) // unit if length is None else length
    told = bytes((0, words, 0, 0)) if family == 4 else bytes((words, 0, 0, 0))
    return bytes((EXCEEDED[family], 0, 0, 0)) + told + quote + rest
