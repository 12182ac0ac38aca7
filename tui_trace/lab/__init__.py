"""An internet in a box: routers in user space behind a virtual link, for learning and tests.

`enter(load("plain"))` moves the calling process into a private network whose routers, name and
whois servers are the lab's.
"""

from tui_trace.lab.loading import DEFAULT, LabError, describe, load, load_file, scenario_names
from tui_trace.lab.process import Lab, enter, prepare
from tui_trace.lab.scenario import Scenario

__all__ = [
    "DEFAULT",
    "Lab",
    "LabError",
    "Scenario",
    "describe",
    "enter",
    "load",
    "load_file",
    "prepare",
    "scenario_names",
]
