"""An internet in a box: routers in user space behind a virtual link, for learning and tests.

`enter(load("plain"))` moves the calling process into a private network whose routers, name and
whois servers are the lab's.
"""

from tui_trace.lab.process import Lab, enter, prepare
from tui_trace.lab.scenario import Scenario
from tui_trace.lab.scenario_file import (
    DEFAULT,
    LabError,
    describe,
    load_file,
    load_scenario,
    scenario_names,
)

__all__ = [
    "DEFAULT",
    "Lab",
    "LabError",
    "Scenario",
    "describe",
    "enter",
    "load_file",
    "load_scenario",
    "prepare",
    "scenario_names",
]
