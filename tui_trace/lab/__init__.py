"""The lab: simulated routers in user space behind a virtual link, for learning and tests.

`enter(load_scenario("plain"))` moves the calling process into a private network with the lab's
routers, DNS server and whois server.
"""

from tui_trace.lab.process import Lab, enter, prepare
from tui_trace.lab.scenario import Scenario
from tui_trace.lab.scenario_file import (
    DEFAULT,
    LabError,
    load_file,
    load_scenario,
    scenario_names,
    scenario_titles,
)

__all__ = [
    "DEFAULT",
    "Lab",
    "LabError",
    "Scenario",
    "enter",
    "load_file",
    "load_scenario",
    "prepare",
    "scenario_names",
    "scenario_titles",
]
