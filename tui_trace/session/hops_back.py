"""Over how many hops an answer came back, by the TTL that it had left."""

_INITIAL_TTLS = (32, 64, 128, 255)
"""TTLs that systems begin with."""


def hops_back(reply_ttl: int, ttl: int) -> int | None:
    """Return the hops of the way back of an answer that arrived with `reply_ttl`; None: unknown.

    Of the TTLs that systems begin with, it is the one that makes the way back most like the way
    there, of `ttl` hops: at hop 30, 31 is what is left of 64 rather than of 32. An answer of the
    first router comes back over one hop, as the probe went. A `reply_ttl` of 0 is unknown.
    """
    ways = (initial - reply_ttl + 1 for initial in _INITIAL_TTLS if initial >= reply_ttl > 0)
    return min(ways, key=lambda back: abs(back - ttl), default=None)
