"""Over how many hops an answer came back, by the TTL that it had left."""

_INITIAL_TTLS = (32, 64, 128, 255)
"""TTLs that systems begin with."""


def hops_back(reply_ttl: int) -> int | None:
    """Return the hops of the way back of an answer that arrived with this TTL; None: 0, unknown.

    Of the TTLs that systems begin with, it is the next one above. An answer of the first router
    comes back over one hop, as the probe went.
    """
    initial = next((one for one in _INITIAL_TTLS if one >= reply_ttl), None)
    return initial - reply_ttl + 1 if initial is not None and reply_ttl > 0 else None
