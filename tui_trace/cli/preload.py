"""Everything imported at once, for a process that will not be able to read its own modules."""

import contextlib
import importlib
import os
import pkgutil

from tui_trace.wire.packets.lazy_scapy import scapy_layers

_WHOLE = ("tui_trace", "dns.rdtypes", "encodings", "rich")
"""Packages of which parts are imported when these are first needed."""
_PARTS = (
    "concurrent.futures.thread",
    "dns._asyncio_backend",
    "idna",
    "ipwhois.rdap",
    "platformdirs.unix",
    "scapy.contrib.mpls",
    "scipy.stats",
    "shtab",
    "textual_plot",
)


def import_everything() -> None:
    """Import every module of ours, and what any of them or of the libraries would import later.

    What cannot be imported on this machine will not be needed on it either.
    """
    # a library of numpy's starts threads, and rights are a thread's own
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    scapy_layers()
    for name in _WHOLE:
        _import_whole(name)
    for name in _PARTS:
        importlib.import_module(name)
    widgets = importlib.import_module("textual.widgets")
    for name in widgets.__all__:
        getattr(widgets, name)  # resolved, and so imported, by name


def _import_whole(package: str) -> None:
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, f"{package}.", onerror=lambda _name: None):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError, AttributeError):
                importlib.import_module(module.name)
