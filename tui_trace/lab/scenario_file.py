"""Scenario files: found, read, checked; a mistake is one line with file, line and key."""

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tui_trace.core.bounded_files import error_reason, parse_toml, read_file
from tui_trace.lab.scenario import LabHop, Scenario

DEFAULT = "plain"
SHELF = Path(__file__).with_name("scenarios")
"""Where the scenarios are that come along."""
MAX_FILE = 1_000_000
"""Bytes of the largest scenario file."""


class LabError(Exception):
    """The lab cannot be; `str()` is the one line the user sees."""


def scenario_names() -> tuple[str, ...]:
    """The scenarios that come along, the default first."""
    found = sorted(entry.stem for entry in SHELF.glob("*.toml"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


def describe() -> list[tuple[str, str]]:
    """Name and title of each scenario that comes along."""
    return [(name, load_scenario(name).title) for name in scenario_names()]


def load_scenario(name: str = DEFAULT) -> Scenario:
    """The scenario of this name, or of the file at this path (`*.toml`)."""
    if name in scenario_names():
        return parse_scenario((SHELF / f"{name}.toml").read_bytes(), f"{name}.toml")
    return load_file(name)


def load_file(path: str) -> Scenario:
    """The scenario of the file at this path, which ends in `.toml`."""
    if not path.endswith(".toml"):
        raise LabError(
            f"no scenario {path[:60]!r}: --lab list names them, --lab FILE.toml reads one"
        )
    try:
        data = read_file(path, MAX_FILE)
    except OSError as error:
        raise LabError(f"{path}: {error_reason(error)}") from None
    return parse_scenario(data, path)


def parse_scenario(data: bytes, file: str) -> Scenario:
    """The scenario that `data` describes; `file` is named in errors."""
    try:
        text, table = parse_toml(data)
        scenario = msgspec.convert(table, Scenario)
        check(scenario)
    except msgspec.ValidationError as error:
        problem, path = split_message(str(error))
        raise LabError(f"{file}:{line_of(text, path)}: {shown(path)}: {problem}") from None
    except (ValueError, OverflowError) as error:
        raise LabError(f"{file}: {error}") from None
    return msgspec.structs.replace(scenario, name=Path(file).name.removesuffix(".toml"))


def changed(hop: LabHop, values: dict[str, object]) -> LabHop:
    """The hop with these keys set anew; `msgspec.ValidationError` if one cannot be."""
    return msgspec.convert({**msgspec.to_builtins(hop), **values}, LabHop)


def check(scenario: Scenario) -> None:
    """What the types cannot say; raises `msgspec.ValidationError` as they do."""
    if scenario.name:
        raise _wrong("not a key here", "name")
    if not scenario.families:
        raise _wrong(
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
            raise _wrong(
                "these are not names of hops before the target that follow one another", path
            )
        if path.startswith("diamonds"):
            if taken & set(names):
                raise _wrong("part of another diamond already", path)
            taken |= set(names)
        elif taken & set(names):
            raise _wrong("a detour cannot replace part of a diamond", path)
    _check_events(scenario)


def _check_hops(scenario: Scenario) -> None:
    owners: dict[str, str] = {}
    names: dict[str, str] = {}
    for path, hop in _with_paths(scenario):
        if hop.name.lower() in names:
            raise _wrong(f"{names[hop.name.lower()]} has this name", f"{path}.name")
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
                raise _wrong(f"{text[:60]!r} is no address", where) from None
            if address.version != family or address.is_multicast or address.is_unspecified:
                raise _wrong(f"{text!r} is no unicast IPv{family} address", where)
            if str(address) in RESERVED:
                raise _wrong(f"{text} is the lab's own ({RESERVED[str(address)]})", where)
            if str(address) in owners:
                raise _wrong(f"{owners[str(address)]} has this address", where)
            owners[str(address)] = path


def _check_events(scenario: Scenario) -> None:
    hops = {hop.name: hop for hop in scenario.all_hops()}
    detours = {detour.name for detour in scenario.detours}
    for place, event in enumerate(scenario.events):
        path = f"events[{place}]"
        if (event.hop is None) == (event.detour is None):
            raise _wrong("an event has either `hop` and `set`, or `detour`", path)
        if event.detour and event.detour not in detours:
            raise _wrong(f"no detour is named {event.detour!r}", f"{path}.detour")
        if event.hop is None:
            continue
        if event.hop not in hops:
            raise _wrong(f"no hop is named {event.hop!r}", f"{path}.hop")
        if set(event.set) & {"name", "v4", "v6"}:
            raise _wrong("name and addresses of a hop stay as they are", f"{path}.set")
        try:
            changed(hops[event.hop], event.set)
        except msgspec.ValidationError as error:
            problem, below = split_message(str(error))
            raise _wrong(problem, f"{path}.set.{below}") from None


RESERVED = {
    "192.0.2.2": "this machine",
    "192.0.2.43": "whois",
    "192.0.2.53": "DNS",
    "2001:db8::2": "this machine",
    "2001:db8::43": "whois",
    "2001:db8::53": "DNS",
}
"""Addresses on the first link: this machine's and those of the servers."""


def _with_paths(scenario: Scenario) -> Iterator[tuple[str, LabHop]]:
    for at, hop in enumerate(scenario.hops):
        yield f"hops[{at}]", hop
    for at, diamond in enumerate(scenario.diamonds):
        for way, branch in enumerate(diamond.branches):
            for place, hop in enumerate(branch.hops):
                yield f"diamonds[{at}].branches[{way}].hops[{place}]", hop
    for at, detour in enumerate(scenario.detours):
        for place, hop in enumerate(detour.hops):
            yield f"detours[{at}].hops[{place}]", hop


def _wrong(problem: str, path: str) -> msgspec.ValidationError:
    return msgspec.ValidationError(f"{problem} - at `$.{path}`")


def split_message(message: str) -> tuple[str, str]:
    """Problem and path (`hops[3].delay`) of a msgspec message; the key of an unknown field too."""
    problem, _, path = message.rpartition(" - at `")
    if not problem:
        problem, path = message, ""
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    unknown = re.match(r"Object (?:contains unknown|missing required) field `([^`]*)`", problem)
    if unknown is not None:
        known = "missing" if "missing" in problem else "not a key here"
        return known, f"{path}.{unknown[1]}".removeprefix(".")
    return problem, path


def shown(path: str) -> str:
    """The path as people count: `hops[3].delay` is `hop 4, delay`."""
    return path or "file"


def line_of(text: str, path: str) -> int:
    """Line, from 1, of the key at `path`, or of the table above it that has a line of its own."""
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
    """Where a table header leads, with the places in arrays: `hops.rules` is hops 3 rules 0."""
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
