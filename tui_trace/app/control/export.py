"""Export of the session to a new file, whose extension selects the format. Blocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from re import sub
from typing import BinaryIO, NamedTuple

from tui_trace.app.render.final_table import format_final_table
from tui_trace.core.durations import local_time
from tui_trace.core.events import encode
from tui_trace.core.sanitize import sanitize
from tui_trace.recording import Recording
from tui_trace.recording.errors import RecordingError
from tui_trace.redaction.redactor import Redactor
from tui_trace.report import markdown, mtr_csv, mtr_json
from tui_trace.report.collector import runs_of
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.run_summary import other_runs
from tui_trace.session.host_labels import LabelMode
from tui_trace.session.snapshot import Run, Snapshot

_WIDTH = 120
_WIDE = ReportLayout(wide=True)
ENDINGS = (".svg", ".txt", ".md", ".csv", ".json", ".jsonl")


class ExportError(Exception):
    """The file was not written; `str()` is the one line to show."""


class View(NamedTuple):
    """What the screen showed when the key was pressed."""

    snapshot: Snapshot
    picture: str
    """SVG."""
    columns: tuple[str, ...]
    label_mode: LabelMode
    recording: Path | None
    """Where all events are, if they are kept."""
    redactor: Redactor | None = None
    """What hides a part of them."""


def _text(view: View) -> str:
    table = format_final_table(
        view.snapshot, _WIDTH, columns=view.columns, label_mode=view.label_mode
    )
    return "".join([table, *(f"{line}\n" for line in other_runs(view.snapshot, _runs(view)))])


def _runs(view: View) -> tuple[Run, ...]:
    """Return all runs at the moment of the view, as far as they were recorded."""
    if view.recording is None or not view.snapshot.earlier:
        return ()
    with Recording(view.recording, view.redactor) as recording:
        kept = runs_of(recording.session(view.snapshot.at))
    # what is on the screen may not be in the file yet
    runs = {run.number: run for run in (*kept, view.snapshot.run)}
    return tuple(runs[number] for number in sorted(runs))


_RENDERED: dict[str, Callable[[View], str]] = {
    ".svg": lambda view: view.picture,
    ".txt": _text,
    ".md": lambda view: markdown.render_markdown(view.snapshot, _WIDE, _runs(view)),
    ".csv": lambda view: mtr_csv.render_csv(view.snapshot, _WIDE),
    ".json": lambda view: mtr_json.render_json(view.snapshot, _WIDE, _runs(view)),
}


def proposed(snapshot: Snapshot) -> str:
    """Propose a name in the current folder: `example.com-20261122-220311.svg`."""
    target = sub(r"[^A-Za-z0-9.:-]", "_", snapshot.target)[:60].strip(".") or "session"
    began = local_time(snapshot.wall_at(snapshot.at))
    return f"{target}-{began:%Y%m%d-%H%M%S}.svg"


def export(view: View, name: str) -> str:
    """Write the file, and return one line that names it.

    `ExportError` if that fails: then no file is left.
    """
    path = Path(name)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ExportError(f"file extension selects the format: {' '.join(ENDINGS)}")
    try:
        path = path.expanduser()
        if ending == ".jsonl":
            _write_events(view, path)
        else:
            text = _RENDERED[ending](view)
            with _new_file(path) as file:
                file.write(text.encode("utf-8", "backslashreplace"))
    except FileExistsError:
        raise ExportError(f"file exists: {sanitize(name)}") from None
    except (OSError, ValueError, RuntimeError) as error:  # the last one: a home of nobody's
        reason = getattr(error, "strerror", None) or str(error)
        raise ExportError(f"{sanitize(reason)}: {sanitize(name)}") from error
    except RecordingError as error:
        raise ExportError(str(error)) from error
    return f"written: {sanitize(str(path))}"


def _write_events(view: View, path: Path) -> None:
    if view.recording is None:
        raise ExportError("this session is not recorded: there are no events to export")
    with Recording(view.recording, view.redactor) as recording, _new_file(path) as file:
        file.writelines(encode(event) + b"\n" for event in recording.events())


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file; remove it again if it cannot be written whole."""
    with path.open("xb") as file:
        try:
            yield file
            file.flush()
        except BaseException:
            path.unlink(missing_ok=True)
            with suppress(OSError):
                file.close()  # what it still holds has nowhere to go
            raise
