"""What Diagnose has found so far, as styled lines: a sentence, and a row for each setting."""

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle, ms
from tui_trace.session.diagnosis import Diagnosis, Trial
from tui_trace.session.host_labels import HostLabels

_REACHED = 8
_FIGURE = 7
_LEAST = 12
"""Cells of a setting, at least."""


def diagnosis_lines(diagnosis: Diagnosis, width: int, labels: HostLabels) -> list[StyledLine]:
    """Return the sentence, then a row for each setting in `width` cells."""
    names = [sanitize(trial.name) for trial in diagnosis.trials]
    room = max(width - 2 - _REACHED - 2 * _FIGURE - 3, _LEAST)
    name = min(max(map(cell_width, names), default=0), max(room * 2 // 3, _LEAST))
    head = (
        f"  {pad_or_truncate('Setting', name)}{'Reached':>{_REACHED}}"
        f"{'Loss%':>{_FIGURE}}{'RTT':>{_FIGURE}}  Ends at"
    )
    lines = [*wrapped(diagnosis.sentence, width, TextStyle.STRONG), []]
    lines.append([(pad_or_truncate(head, width), TextStyle.DIM)])
    marked = diagnosis.silent | diagnosis.losing
    for place, (trial, called) in enumerate(zip(diagnosis.trials, names, strict=True)):
        sign, style = ("▶", TextStyle.WARN) if place in marked else (" ", TextStyle.PLAIN)
        text = f"{sign} {pad_or_truncate(called, name)}{_figures(trial)}  {_end(trial, labels)}"
        lines.append([(pad_or_truncate(text, width), style)])
    return lines


def _figures(trial: Trial) -> str:
    rounds, target = trial.rounds, trial.target
    reached = f"{trial.answered}/{rounds}"
    loss = f"{100 * (rounds - trial.answered) / rounds:.1f}" if rounds else "–"
    rtt = ms(target.figures.p50) if target is not None and target.figures.p50 is not None else "–"
    return f"{reached:>{_REACHED}}{loss:>{_FIGURE}}{rtt:>{_FIGURE}}"


def _end(trial: Trial, labels: HostLabels) -> str:
    if trial.is_unsent:
        return "cannot be sent"
    refusal, last = trial.refusal, trial.last
    if trial.answered and trial.target is not None:
        return f"hop {trial.target.ttl}, the target"
    if refusal is not None and refusal.reason is not None:
        return sanitize(f"hop {refusal.ttl} refuses it, {' '.join(refusal.reason.marks)}")
    return "no hop answers" if last is None else f"hop {last.ttl} {labels.hop(last)}"
