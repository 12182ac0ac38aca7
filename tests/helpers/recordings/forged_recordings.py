"""Forged recordings, by name: what somebody who knows the format can write to harm who opens it."""

from collections.abc import Callable
from pathlib import Path

from tests.helpers.recordings.damaged_files import damage
from tests.helpers.recordings.forged_events import blocks
from tests.helpers.recordings.forged_folds import folds
from tests.helpers.recordings.forged_tables import tables


def all_forged() -> dict[str, Callable[[Path], None]]:
    """Every one, by what is wrong with it: what makes the file."""
    return {**dict(tables()), **dict(blocks()), **dict(folds()), **dict(damage())}
