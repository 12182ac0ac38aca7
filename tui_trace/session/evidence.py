"""What finders look at: all runs of a session, the runs being probed, and what was found before."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec

from tui_trace.core.settings import Pace
from tui_trace.session.finding import Episode, Finding, FindingKind
from tui_trace.session.run_fold import RunFold
from tui_trace.session.snapshot import Path, PathNow
from tui_trace.session.way_fold import WatchedWays


class Findable(msgspec.Struct, frozen=True):
    """A session at one moment, for finders; they change nothing of it."""

    at: int
    """Now, in ns since the session began."""
    address: str
    """The target's."""
    family: int
    pace: Pace
    run: RunFold
    """The run in force; what the program probes for some rounds by itself is never that."""
    runs: Mapping[int, RunFold]
    """All runs, by number."""
    active: tuple[RunFold, ...]
    """The run in force, and those that take turns with it. While the program probes others for
    some rounds, nothing new is known of them."""
    path: PathNow | None
    """Of the run in force."""
    paths: Callable[[], tuple[Path, ...]]
    """Returns all paths of the session."""
    trouble: str
    """Why this machine cannot send now; empty if it can."""
    trouble_since: int
    """`at` of the first failure, if there is any trouble."""
    lasting: Mapping[tuple[str, int, int | None], Episode]
    """Episodes that last, by the key of their finding."""
    ways: WatchedWays | None
    """The ways that are watched; None if none are."""
    ended: Mapping[tuple[str, int], int]
    """By kind and run: `at` of the end of the latest episode that is over."""

    def lasts(self, kind: FindingKind, run: int, hop: int | None = None) -> Episode | None:
        """Return the lasting episode of this kind; `hop` is None for harmful kinds."""
        return self.lasting.get((kind, run, hop))

    def free_since(self, kind: FindingKind, run: int) -> int:
        """Return the `at` since when an episode of this kind may begin: the end of the last one."""
        return self.ended.get((kind, run), 0)


Finder: TypeAlias = Callable[[Findable], Iterable[Finding]]
"""Returns what it finds now, in any order; nothing once that is over."""
