"""Sentences of the reports about a session with several runs."""

from collections.abc import Sequence

from tui_trace.core.probe_text import describe_settings, describe_turns
from tui_trace.core.sanitize import sanitize
from tui_trace.session.compare import compare_runs
from tui_trace.session.comparison_text import describe_comparison
from tui_trace.session.snapshot import Run, Snapshot


def describe_progress(run: Run) -> str:
    """Return `42 rounds, target not reached, in turns with run 2`."""
    rounds = f"{run.rounds} round{'' if run.rounds == 1 else 's'}"
    reached = "target reached" if run.reached else "target not reached"
    turns = f", {describe_turns(run.turns_with)}" if run.turns_with else ""
    return f"{rounds}, {reached}{turns}"


def probed_runs(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that sent a probe."""
    return [run for run in runs if any(hop.sent for hop in run.hops)]


def other_runs(snapshot: Snapshot, runs: Sequence[Run]) -> list[str]:
    """Return lines for below the table of the run in force: its number, and the other runs.

    None if it is the only one. `runs` are all of the session; none where they were not kept.
    """
    if not snapshot.earlier:
        return []
    now = snapshot.run
    head = f"Run {now.number} of {len(snapshot.earlier) + 1}: {describe_progress(now)}"
    if not runs:
        return [f"{head}; the others were not recorded"]
    rest = [run for run in probed_runs(runs) if run.number != now.number]
    lines = []
    for run in rest:
        settings = sanitize(describe_settings(run.settings, snapshot.family))
        lines.append(f"  run {run.number}: {settings}; {describe_progress(run)}")
    return [f"{head}; the others:" if lines else f"{head}; the others sent nothing", *lines]


def run_differences(runs: Sequence[Run]) -> list[str]:
    """Return a sentence for each run but the first, compared with the first of its turns or of all.

    It takes up to some hundred milliseconds a run.
    """
    sentences = []
    by_number = {run.number: run for run in runs}
    for run in runs[1:]:
        before = (by_number.get(number) for number in run.turns_with if number < run.number)
        other = next(filter(None, before), runs[0])
        found = compare_runs([other, run])
        against, named = (_called(*pair) for pair in zip(found.runs, found.names, strict=True))
        sentences.append(f"Run {named} against run {against}: {describe_comparison(found)}")
    return sentences


def _called(run: Run, name: str) -> str:
    """Return `3 (TCP 443)`."""
    return sanitize(f"{run.number} ({name.removesuffix(f' (run {run.number})')})")
