"""scapy, imported when it is first needed, and without effects on the user's home directory."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_SCAPY_FOLDERS = ("CONFIG", "CACHE", "DATA")
_VENDORS = ("scapy.libs.manuf", "scapy.libs.bluetoothids")
"""Modules with the vendors of Ethernet addresses and of Bluetooth, as text in `DATA`."""


def scapy_layers() -> tuple[Any, Any]:
    """Return the modules `scapy.layers.inet` and `inet6`. The first call takes 0.2 s."""
    logging.getLogger("scapy").setLevel(logging.ERROR)
    if "scapy.data" not in sys.modules:
        _leave_out_vendors()
    with _without_folders(), _without_cryptography():
        import scapy.main  # noqa: F401
        from scapy.config import conf

    # addresses are given to each packet; reading all routes would cost a start 50 ms
    conf.route_autoload = conf.route6_autoload = False
    from scapy.layers import inet, inet6

    return inet, inet6


def _leave_out_vendors() -> None:
    """Keep scapy from parsing its vendors, of whom nobody asks: 0.1 s and 25 MB."""
    for name in _VENDORS:
        vendors = ModuleType(name)
        vendors.DATA = ""  # type: ignore[attr-defined]
        sys.modules[name] = vendors


@contextlib.contextmanager
def _without_cryptography() -> Iterator[None]:
    """Hide a package from scapy, which loads it to see whether it could: 25 ms."""
    name = "cryptography"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


@contextlib.contextmanager
def _without_folders() -> Iterator[None]:
    """Hide the user's folders: scapy's import would make some, and would read pickles from them."""
    nowhere = {f"XDG_{kind}_HOME": os.path.join(os.devnull, kind) for kind in _SCAPY_FOLDERS}
    before = {name: os.environ.get(name) for name in nowhere}
    os.environ.update(nowhere)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
