"""Scenario files: finding, reading and checking; an error is one line with file, line and key."""

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tui_trace.core.bounded_files import error_reason, parse_toml, read_file
from tui_trace.lab.scenario import Branch, LabHop, Scenario

DEFAULT = "plain"
SCENARIO_FOLDER = Path(__file__).with_name("scenarios")
"""Folder of the scenarios that are part of the package."""
MAX_FILE = 1_000_000
"""Largest size of a scenario file in bytes."""


class LabError(Exception):
    """The lab cannot be made or used; `str()` is the one line that the user sees."""


def scenario_names() -> tuple[str, ...]:
    """Return the names of the scenarios of the package, the default first."""
    found = sorted(entry.stem for entry in SCENARIO_FOLDER.glob("*.toml"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


def scenario_titles() -> list[tuple[str, str]]:
    """Return name and title of each scenario of the package."""
    return [(name, load_scenario(name).title) for name in scenario_names()]


def load_scenario(name: str = DEFAULT) -> Scenario:
    """Return the scenario of this name or of the file at this path; raise `LabError`."""
    if name in scenario_names():
        return parse_scenario((SCENARIO_FOLDER / f"{name}.toml").read_bytes(), f"{name}.toml")
    return load_file(name)


def load_file(path: str) -> Scenario:
    """Return the scenario of the file at this path, which ends in `.toml`; raise `LabError`."""
    if not path.endswith(".toml"):
        raise LabError(
            f"no scenario {path[:60]!r}: --lab list shows the names, --lab FILE.toml reads a file"
        )
    try:
        data = read_file(path, MAX_FILE)
    except OSError as error:
        raise LabError(f"{path}: {error_reason(error)}") from None
    return parse_scenario(data, path)


def parse_scenario(data: bytes, file: str) -> Scenario:
    """Return the scenario that `data` describes; raise `LabError`, which names `file`."""
    try:
        text, table = parse_toml(data)
        scenario = msgspec.convert(table, Scenario)
        check_scenario(scenario)
    except msgspec.ValidationError as error:
        problem, path = split_validation_error(str(error))
        raise LabError(f"{file}:{line_of(text, path)}: {path or 'file'}: {problem}") from None
    except (ValueError, OverflowError) as error:
        raise LabError(f"{file}: {error}") from None
    return msgspec.structs.replace(scenario, name=Path(file).name.removesuffix(".toml"))


def with_changes(hop: LabHop, values: dict[str, object]) -> LabHop:
    """Return the hop with these keys changed; raise `msgspec.ValidationError` for a wrong value."""
    return msgspec.convert({**msgspec.to_builtins(hop), **values}, LabHop)


def check_scenario(scenario: Scenario) -> None:
    """Check what the types cannot express; raise `msgspec.ValidationError`."""
    if scenario.name:
        raise _invalid("unknown key", "name")
    if not scenario.families:
        raise _invalid(
            "the target (the last hop) needs an address", f"hops[{len(scenario.hops) - 1}]"
        )
    _check_hops(scenario)
    main = [hop.name for hop in scenario.hops[:-1]]
    taken: set[str] = set()
    stretches = [
        (f"diamonds[{place}].beside", diamond.beside)
        for place, diamond in enumerate(scenario.diamonds)
    ]
    stretches += [
        (f"detours[{place}].instead_of", detour.instead_of)
        for place, detour in enumerate(scenario.detours)
    ]
    for path, names in stretches:
        if not any(tuple(main[at : at + len(names)]) == names for at in range(len(main))):
            raise _invalid("these must be names of consecutive hops before the target", path)
        if path.startswith("diamonds"):
            if taken & set(names):
                raise _invalid("already part of another diamond", path)
            taken |= set(names)
        elif taken & set(names):
            raise _invalid("a detour cannot replace part of a diamond", path)
    _check_events(scenario)


def _check_hops(scenario: Scenario) -> None:
    owners: dict[str, str] = {}
    names: dict[str, str] = {}
    for path, hop in _with_paths(scenario):
        if hop.name.lower() in names:
            raise _invalid(f"{names[hop.name.lower()]} has this name already", f"{path}.name")
        names[hop.name.lower()] = path
        pairs = [("v4", 4, hop.v4), ("v6", 6, hop.v6)]
        if hop.dnat is not None:
            pairs += [("dnat.v4", 4, hop.dnat.v4), ("dnat.v6", 6, hop.dnat.v6)]
        for key, family, text in pairs:
            if text is None:
                continue
            where = f"{path}.{key}"
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                raise _invalid(f"{text[:60]!r} is not an address", where) from None
            if address.version != family or address.is_multicast or address.is_unspecified:
                raise _invalid(f"{text!r} is not a unicast IPv{family} address", where)
            if str(address) in RESERVED_ADDRESSES:
                raise _invalid(
                    f"{text} is reserved for the lab ({RESERVED_ADDRESSES[str(address)]})", where
                )
            if str(address) in owners:
                raise _invalid(f"{owners[str(address)]} has this address already", where)
            owners[str(address)] = path


def _check_events(scenario: Scenario) -> None:
    hops = {hop.name: hop for hop in scenario.all_hops()}
    detours = {detour.name for detour in scenario.detours}
    for place, event in enumerate(scenario.events):
        path = f"events[{place}]"
        if (event.hop is None) == (event.detour is None):
            raise _invalid("an event needs either `hop` and `set`, or `detour`", path)
        if event.detour and event.detour not in detours:
            raise _invalid(f"no detour is named {event.detour!r}", f"{path}.detour")
        if event.hop is None:
            continue
        if event.hop not in hops:
            raise _invalid(f"no hop is named {event.hop!r}", f"{path}.hop")
        if set(event.set) & {"name", "v4", "v6"}:
            raise _invalid("an event cannot change the name or an address of a hop", f"{path}.set")
        try:
            with_changes(hops[event.hop], event.set)
        except msgspec.ValidationError as error:
            problem, below = split_validation_error(str(error))
            raise _invalid(problem, f"{path}.set.{below}") from None


RESERVED_ADDRESSES = {
    "192.0.2.2": "this machine",
    "192.0.2.43": "whois",
    "192.0.2.53": "DNS",
    "2001:db8::2": "this machine",
    "2001:db8::43": "whois",
    "2001:db8::53": "DNS",
}
"""Addresses on the first link that the prober and the servers have."""


def _with_paths(scenario: Scenario) -> Iterator[tuple[str, LabHop]]:
    for at, hop in enumerate(scenario.hops):
        yield f"hops[{at}]", hop
    for at, diamond in enumerate(scenario.diamonds):
        yield from _branches_with_paths(f"diamonds[{at}]", diamond.branches)
    for at, detour in enumerate(scenario.detours):
        for place, hop in enumerate(detour.hops):
            yield f"detours[{at}].hops[{place}]", hop


def _branches_with_paths(path: str, branches: tuple[Branch, ...]) -> Iterator[tuple[str, LabHop]]:
    for way, branch in enumerate(branches):
        for place, hop in enumerate(branch.hops):
            yield f"{path}.branches[{way}].hops[{place}]", hop
        yield from _branches_with_paths(f"{path}.branches[{way}]", branch.branches)


def _invalid(problem: str, path: str) -> msgspec.ValidationError:
    return msgspec.ValidationError(f"{problem} - at `$.{path}`")


def split_validation_error(message: str) -> tuple[str, str]:
    """Return problem and path (`hops[3].delay`) of a msgspec message.

    The path includes the key of an unknown or missing field.
    """
    problem, _, path = message.rpartition(" - at `")
    if not problem:
        problem, path = message, ""
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    unknown = re.match(r"Object (?:contains unknown|missing required) field `([^`]*)`", problem)
    if unknown is not None:
        known = "missing" if "missing" in problem else "unknown key"
        return known, f"{path}.{unknown[1]}".removeprefix(".")
    return problem, path


def line_of(text: str, path: str) -> int:
    """Return the line (from 1) of the key at `path`, or of the nearest table above it."""
    best = 1
    depth = 0
    wanted = [part for part in re.split(r"[.\[\]]+", path) if part]
    counts: dict[str, int] = {}
    section: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*+(\[\[?)([A-Za-z0-9_.\s-]++)\]", line)
        if header is not None:
            section = _section(header[2].split("."), header[1] == "[[", counts)
            found = section
        else:
            key = re.match(r"\s*([A-Za-z0-9_-]+)\s*(?:\.[\w.\s-]+)?=", line)
            if key is None:
                continue
            found = [*section, key[1]]
        if len(found) > depth and found == wanted[: len(found)]:
            best, depth = number, len(found)
    return best


def _section(names: list[str], array: bool, counts: dict[str, int]) -> list[str]:
    """Return the path of a table header with indexes of arrays: `hops.rules` is hops 3 rules 0."""
    where: list[str] = []
    for level, name in enumerate(names):
        where.append(name.strip())
        key = ".".join(where)
        last = level == len(names) - 1
        if last and array:
            counts[key] = counts.get(key, -1) + 1
        if key in counts:
            where.append(str(counts[key]))
    return where
