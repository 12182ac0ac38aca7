"""Imports before the first probe, so that no probe waits for an import.

The lists name modules that are otherwise imported at their first use. `import_everything` is for a
process that cannot read its own modules after it has given up its rights.
"""

import contextlib
import importlib
import os
import pkgutil
from collections.abc import Iterable

from tui_trace.wire.packets.lazy_scapy import scapy_layers

ENGINE = (
    "encodings.idna",
    "tui_trace.engine.engine",
    "tui_trace.recording",
    "tui_trace.wire.backends",
)
REMOTE = (
    "tui_trace.recording",
    "tui_trace.remote.remote_source",
)
NAMES = (
    "tui_trace.names.lookup_plan",
    "tui_trace.names.forward_lookup",
    "tui_trace.names.named_source",
    "dns._asyncio_backend",
    "idna",
    *(f"dns.rdtypes.ANY.{record}" for record in ("CNAME", "PTR", "SOA", "TXT")),
    *(f"dns.rdtypes.IN.{record}" for record in ("A", "AAAA")),
    "wcwidth",
)
"""Modules that would otherwise be imported while the first probes are sent."""
REPORT = ("tui_trace.report.printer", "tui_trace.app.config")
WATCH = ("tui_trace.cli.watch",)
CLASSIC = ("tui_trace.classic.line_output", *NAMES)
LIVE = ("tui_trace.app.run_live", "tui_trace.app.config", "wcwidth")

_WHOLE = ("tui_trace", "dns.rdtypes", "encodings", "rich")
"""Packages whose modules are imported at their first use; all of them are imported."""
_PARTS = (
    "concurrent.futures.thread",
    "dns._asyncio_backend",
    "idna",
    "ipwhois.rdap",
    "platformdirs.unix",
    "scapy.contrib.mpls",
    "shtab",
    "textual_plot",
    "wcwidth",
)


def import_modules(names: Iterable[str]) -> None:
    """Import the modules of these names."""
    for name in names:
        importlib.import_module(name)


def import_everything() -> None:
    """Import all modules of this package, and all that they or the libraries would import later.

    A module that cannot be imported on this machine is not needed on it.
    """
    # OpenBLAS would start threads, but each thread has its own capabilities
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    scapy_layers()
    for name in _WHOLE:
        _import_whole(name)
    import_modules(_PARTS)
    widgets = importlib.import_module("textual.widgets")
    for name in widgets.__all__:
        getattr(widgets, name)  # imports the module of the widget


def _import_whole(package: str) -> None:
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, f"{package}.", onerror=lambda _name: None):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError, AttributeError):
                importlib.import_module(module.name)
