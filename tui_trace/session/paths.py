"""The paths of a session: each with a letter, its addresses by TTL, and when probes took it.

A path is defined by the addresses of its hops. A silent hop fits every path: a run is on a known
path as long as no TTL contradicts it. Paths of constant and of varying flows are kept apart,
because several flows show a bundle of paths.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal, TypeAlias

import msgspec

from tui_trace.core.events import Reply
from tui_trace.core.settings import FlowMode, ProbeSettings, Protocol
from tui_trace.session.checkpoint import (
    CheckpointError,
    KnownPathCheckpoint,
    PathsCheckpoint,
    TrackCheckpoint,
)
from tui_trace.session.path_detector import ALTERNATES, BALANCED, AnsweredHops, TrackedPath
from tui_trace.session.snapshot import Balance, Path, PathHop, PathNow, PathVisit

_MAX_PATHS = 200
_MAX_ADDRESSES = 64
"""Most addresses at one TTL of one path."""
_MAX_VISITS = 50
"""Most visits of one path: the first is kept, the ones after it are dropped."""


def path_letter(number: int) -> str:
    """Return `A`, `B`, … `Z`, `AA`, `AB`, … for 0, 1, …"""
    text = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        text = chr(ord("A") + place) + text
    return text


def path_number(letter: str) -> int:
    """Return 1 for `A`, 2 for `B`, …: the path's place in the order of discovery."""
    number = 0
    for character in letter:
        number = number * 26 + ord(character) - ord("A") + 1
    return number


def varies_flow(settings: ProbeSettings) -> bool:
    """Return whether probes with these settings have more than one flow."""
    if settings.flows > 1:
        return True
    if settings.flow is FlowMode.CLASSIC:
        return settings.protocol is Protocol.UDP
    return settings.flow is FlowMode.VARY


class _OpenVisit:
    """A visit that still lasts."""

    __slots__ = ("run", "since", "until")

    def __init__(self, run: int, since: int, until: int) -> None:
        self.run = run
        self.since = since
        self.until = until


class _GrowingPath:
    """A path while more of its hops become known."""

    __slots__ = ("_hops", "balanced", "hops", "letter", "varied", "visits")

    def __init__(self, letter: str, varied: bool) -> None:
        self.letter = letter
        self.varied = varied
        self.hops: dict[int, set[str]] = {}
        self.balanced: set[int] = set()
        self.visits: list[_OpenVisit] = []
        self._hops: tuple[PathHop, ...] | None = None

    def matches(self, answered: AnsweredHops) -> bool:
        """Return whether these hops share one with this path, and none contradicts it."""
        shares = False
        for ttl, hop in answered.items():
            who = self.hops.get(ttl)
            if who is not None:
                if who.isdisjoint(hop.members):
                    return False
                shares = True
        return shares

    def extend(self, answered: AnsweredHops, target: str) -> None:
        """Add what is known of these hops."""
        for ttl, hop in answered.items():
            if ttl not in self.hops:
                self.hops[ttl] = set(hop.members)
            # several flows have several ways; one flow has them only if chance decides
            if hop.state >= (ALTERNATES if self.varied else BALANCED):
                everybody = self.hops[ttl] | hop.members.keys()
                self.hops[ttl] = everybody if len(everybody) <= _MAX_ADDRESSES else set(hop.members)
                self.balanced.add(ttl)
            elif len(hop.members) > 1:
                self.balanced.discard(ttl)
        end = next((t for t in sorted(self.hops) if self.hops[t] == {target}), None)
        if end is not None:
            for ttl in [ttl for ttl in self.hops if ttl > end]:
                del self.hops[ttl]
        self._hops = None

    def snapshot(self) -> Path:
        """Return the path as it is now."""
        if self._hops is None:
            self._hops = tuple(self._make(ttl) for ttl in range(1, max(self.hops, default=0) + 1))
        visits = tuple(PathVisit(visit.run, visit.since, visit.until) for visit in self.visits)
        return Path(self.letter, self._hops, visits)

    def _make(self, ttl: int) -> PathHop:
        balance = None
        if ttl in self.balanced:
            balance = Balance.FLOW if self.varied else Balance.PACKET
        return PathHop(ttl, tuple(sorted(self.hops.get(ttl, ()))), balance)


class PathLog:
    """Finds the paths of a session from its replies, and when each run was on which path."""

    def __init__(self) -> None:
        """Begin without any path."""
        self._tracks: dict[int, TrackedPath] = {}
        self._current: dict[int, tuple[_GrowingPath, _OpenVisit]] = {}
        """By run: its present path, and the visit that still lasts."""
        self._paths: list[_GrowingPath] = []
        self._discovered = 0

    def on_reply(self, reply: Reply, settings: ProbeSettings, target: str) -> PathNow | None:
        """Count a reply that is neither a duplicate nor past the target.

        Return the path that its run has changed to; None: the path is the same as before.
        """
        track = self._tracks.get(reply.run)
        if track is None:
            track = self._tracks[reply.run] = TrackedPath(target, {})
        if not track.on_reply(reply):
            return None
        before = self._current.get(reply.run)
        since = track.settle_move()
        answered = track.answered_hops()
        if before is None or since is not None:
            visit = _OpenVisit(reply.run, reply.at if since is None else since, reply.at)
            if before is not None:
                before[1].until = visit.since
            known = self._find(answered, settings)
        else:
            known, visit = before
            if not known.matches(answered):
                # a hop that answered only now shows that it was another path all the time
                known.visits.remove(visit)
                known = self._find(answered, settings)
        known.extend(answered, track.target)
        self._current[reply.run] = known, visit
        if before is None or known is not before[0] or visit is not before[1]:
            self._begin_visit(known, visit)
        return (
            PathNow(known.letter, visit.since) if before is None or known is not before[0] else None
        )

    def _find(self, answered: AnsweredHops, settings: ProbeSettings) -> _GrowingPath:
        varied = varies_flow(settings)
        fitting = [
            known for known in self._paths if known.varied == varied and known.matches(answered)
        ]
        if fitting:
            return max(fitting, key=lambda known: known.visits[-1].since if known.visits else -1)
        known = _GrowingPath(path_letter(self._discovered), varied)
        self._discovered += 1
        self._paths.append(known)
        return known

    def _begin_visit(self, known: _GrowingPath, visit: _OpenVisit) -> None:
        known.visits.append(visit)
        lasting = [visit for _, visit in self._current.values()]
        over = [old for old in known.visits[1:-1] if old not in lasting]
        if len(known.visits) > _MAX_VISITS and over:
            known.visits.remove(over[0])
        used = [path for path, _ in self._current.values()]
        idle = [path for path in self._paths if path not in used and path is not known]
        if len(self._paths) > _MAX_PATHS and idle:
            self._paths.remove(idle[0])

    def _extend_visits(self) -> None:
        for run, (_, visit) in self._current.items():
            visit.until = max(visit.until, self._tracks[run].last_reply_at)

    def current(self, run: int) -> PathNow | None:
        """Return the path of a run; None before its first reply."""
        on = self._current.get(run)
        return PathNow(on[0].letter, on[1].since) if on else None

    def paths(self) -> tuple[Path, ...]:
        """Return all known paths, in the order of their discovery."""
        self._extend_visits()
        return tuple(known.snapshot() for known in self._paths)

    # --- checkpoints

    def checkpoint(self) -> PathsCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        self._extend_visits()
        return PathsCheckpoint(
            discovered=self._discovered,
            tracks={
                run: TrackCheckpoint(track.target, track.hops, track.last_reply_at)
                for run, track in self._tracks.items()
            },
            paths=[
                KnownPathCheckpoint(
                    letter=known.letter,
                    varied=known.varied,
                    hops={ttl: sorted(who) for ttl, who in known.hops.items()},
                    balanced=sorted(known.balanced),
                    visits=[(visit.run, visit.since, visit.until) for visit in known.visits],
                )
                for known in self._paths
            ],
            current={
                run: (self._paths.index(known), known.visits.index(visit))
                for run, (known, visit) in self._current.items()
            },
        )

    @classmethod
    def from_checkpoint(cls, state: PathsCheckpoint) -> "PathLog":
        """Restore a path log; `CheckpointError` if none can have been in this state."""
        log = cls()
        log._discovered = state.discovered
        for run, track in state.tracks.items():
            log._tracks[run] = TrackedPath(track.target, track.hops, track.last_reply_at)
        for path in state.paths:
            known = _GrowingPath(path.letter, path.varied)
            known.hops = {ttl: set(who) for ttl, who in path.hops.items() if 0 <= ttl < 256}
            known.balanced = set(path.balanced)
            known.visits = [_OpenVisit(*visit) for visit in path.visits]
            log._paths.append(known)
        for run, (place, visit) in state.current.items():
            if run not in log._tracks or not 0 <= place < len(log._paths):
                raise CheckpointError("a run on no path")
            visits = log._paths[place].visits
            if not 0 <= visit < len(visits):
                raise CheckpointError("a visit of no path")
            log._current[run] = log._paths[place], visits[visit]
        return log


# --- two paths compared

Move: TypeAlias = Literal["same", "moved", "gone", "new"]


class PathDiffLine(msgspec.Struct, frozen=True):
    """One line of a comparison of two paths."""

    move: Move
    """`gone` and `new`: the hop is on one path only; `moved`: its address differs."""
    before: PathHop | None
    after: PathHop | None


def diff_paths(before: Path, after: Path) -> tuple[PathDiffLine, ...]:
    """Compare two paths hop by hop, aligned: one hop more or less does not shift the rest.

    A hop that is silent on either path counts as the same.
    """
    old, new = _tokens(before.hops, after.hops)
    steps: list[PathDiffLine] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        steps += _diff_lines(tag, before.hops[i1:i2], after.hops[j1:j2])
    return tuple(steps)


def _diff_lines(
    tag: str, old: tuple[PathHop, ...], new: tuple[PathHop, ...]
) -> Iterator[PathDiffLine]:
    for one, other in zip_longest(old, new):
        if one is None:
            yield PathDiffLine("new", None, other)
        elif other is None:
            yield PathDiffLine("gone", one, None)
        else:
            silent = not one.addresses or not other.addresses
            yield PathDiffLine("same" if tag == "equal" or silent else "moved", one, other)


def _tokens(*paths: tuple[PathHop, ...]) -> list[list[int]]:
    """Return a number for each hop: the same number for hops that share an address."""
    numbers: dict[str, int] = {}
    told: list[list[int]] = []
    for count, path in enumerate(paths):
        tokens = []
        for place, hop in enumerate(path):
            fresh = (count + 1) * 1000 + place
            number = next((numbers[a] for a in hop.addresses if a in numbers), fresh)
            for address in hop.addresses:
                numbers.setdefault(address, number)
            tokens.append(number if hop.addresses else -1)
        told.append(tokens)
    return told
