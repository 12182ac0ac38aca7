"""Forged recordings, by name: what somebody who knows the format can write to harm who opens it."""

from collections.abc import Callable
from pathlib import Path

from tests.unit.forged.damage import damage
from tests.unit.forged.events import blocks
from tests.unit.forged.folds import folds
from tests.unit.forged.tables import tables


def all_forged() -> dict[str, Callable[[Path], None]]:
    """Every one, by what is wrong with it: what makes the file."""
    return {**dict(tables()), **dict(blocks()), **dict(folds()), **dict(damage())}
