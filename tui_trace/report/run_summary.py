"""What reports say of a session that had several runs."""

from collections.abc import Sequence

from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.session.compare import Verdict, compare_runs
from tui_trace.session.snapshot import Run, Snapshot


def how_far(run: Run) -> str:
    """`42 rounds, target not reached, in turns with run 2`."""
    rounds = f"{run.rounds} round{'' if run.rounds == 1 else 's'}"
    reached = "target reached" if run.reached else "target not reached"
    turns = f", in turns with run {run.turns_with}" if run.turns_with else ""
    return f"{rounds}, {reached}{turns}"


def probing(runs: Sequence[Run]) -> list[Run]:
    """Those that sent anything."""
    return [run for run in runs if any(hop.sent for hop in run.hops)]


def others(snapshot: Snapshot, runs: Sequence[Run]) -> list[str]:
    """Lines below a table of the run in force: which it is, and what the others were.

    None if it is the only one. `runs` are all of the session; none where they were not kept.
    """
    if not snapshot.earlier:
        return []
    now = snapshot.run
    head = f"Run {now.number} of {len(snapshot.earlier) + 1}: {how_far(now)}"
    if not runs:
        return [f"{head}; of the others nothing was kept"]
    rest = [run for run in probing(runs) if run.number != now.number]
    told = [
        f"  run {run.number}: "
        f"{sanitize(describe_settings(run.settings, snapshot.family))}; {how_far(run)}"
        for run in rest
    ]
    return [f"{head}; the others:" if told else f"{head}; the others sent nothing", *told]


def verdicts(runs: Sequence[Run]) -> list[str]:
    """One sentence for each run but the first: against that, or against what it took turns with.

    Fewer where they cannot be tested. Slow, the first time: scipy is loaded.
    """
    told = []
    by_number = {run.number: run for run in runs}
    for run in runs[1:]:
        other = by_number.get(run.turns_with, runs[0])
        if other.number >= run.number:
            other = runs[0]
        found = compare_runs([other, run])
        if found.sentence != str(Verdict.UNTESTED).capitalize():
            against, named = (_called(*pair) for pair in zip(found.runs, found.names, strict=True))
            told.append(sanitize(f"Run {named} against run {against}: {found.sentence}"))
    return told


def _called(run: Run, name: str) -> str:
    """`3 (TCP 443)`."""
    return f"{run.number} ({name.removesuffix(f' (run {run.number})')})"
