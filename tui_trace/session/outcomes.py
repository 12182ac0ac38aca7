"""What became of each remembered probe of a run, at one moment: an immutable `round_log.RunLog`."""

from array import array

import msgspec


class HopOutcomes(msgspec.Struct, frozen=True):
    """One hop, or the target. Bit `i` of each integer is slot `i` of the run."""

    lost: int = 0
    answered: int = 0
    refused: int = 0
    addresses: tuple[str, ...] = ()
    """Of the remembered answers, the latest first."""
    rtts: array = array("q")  # type: ignore[type-arg]
    """RTT in ns of each slot; may be shorter than the slots of the run."""

    @property
    def decided(self) -> int:
        """Return the bits of the slots whose outcome is known."""
        return self.lost | self.answered


class RunOutcomes(msgspec.Struct, frozen=True):
    """All hops of one run, over the same slots."""

    times: array  # type: ignore[type-arg]
    """`at` (ns) of each slot."""
    hops: dict[int, HopOutcomes]
    target: HopOutcomes
    target_ttl: int | None
    """TTL of the target's last answer; None: it did not answer."""
