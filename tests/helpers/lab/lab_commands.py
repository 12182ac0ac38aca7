"""Running a command in a lab, through the one helper that enters it."""

from collections.abc import Callable
from pathlib import Path

ENTER_LAB = Path(__file__).with_name("enter_lab.py")
"""`python ENTER_LAB SCENARIO COMMAND...` runs a command in the lab."""
CANNOT = 99
"""Its exit code where no lab can be."""

Inside = Callable[..., str]
