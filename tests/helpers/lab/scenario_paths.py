"""What the scenario files say of their paths."""

from tui_trace.lab.scenario import LabHop, Scenario

QUICK = ("-c", "5", "-i", "0.1", "-Z", "1")
MS = 1_000_000


def address(hop: LabHop, family: int) -> str:
    """Of the hop, in the family that is traced."""
    return str(hop.v4 if family == 4 else hop.v6)


def along(scenario: Scenario, family: int) -> list[set[str]]:
    """The path where nothing is odd: each hop at its TTL, the silent ones empty."""
    return [
        set() if hop.silent or hop.instead == "truncated" else {address(hop, family)}
        for hop in scenario.hops
    ]


def zero_ttl(scenario: Scenario, family: int) -> list[set[str]]:
    """The hop behind the one that forwards TTL 0 stands twice."""
    path = along(scenario, family)
    for place, hop in enumerate(scenario.hops):
        if hop.forwards_zero:
            path[place] = path[place + 1]
    return path


def reply_ttl(scenario: Scenario, family: int) -> list[set[str]]:
    """The target appears at twice its distance less one."""
    path = along(scenario, family)
    return path[:-1] + [set()] * (len(path) - 1) + path[-1:]


def firewall(scenario: Scenario, family: int) -> list[set[str]]:
    """Nothing behind the wall, so five silent TTLs more."""
    return along(scenario, family)[:-1] + [set()] * 5
