"""Places that probes leave from (`--from`): this machine, or one that ssh leads to."""

import re
from typing import NamedTuple

from tui_trace.core.settings import SettingError

_TAKES = "local or ssh:[USER@]HOST, with several separated by commas"
# Nothing that a shell would read as more than a word: a ProxyCommand of the user's ssh may have
# %h or %r in it, and ssh hands that to a shell.
_HOST = re.compile(r"[\w.:%-]{1,255}")
_USER = re.compile(r"[\w.+@-]{1,64}")
_LONGEST = 4096


class Place(NamedTuple):
    """One place, by the host as the user wrote it."""

    host: str
    """Name or address of the host, or a name of the user's ssh config; empty: this machine."""
    user: str = ""
    """Empty: whom ssh takes."""

    @property
    def is_local(self) -> bool:
        """Whether probes leave from this machine."""
        return not self.host

    @property
    def destination(self) -> str:
        """The word that ssh gets."""
        return f"{self.user}@{self.host}" if self.user else self.host


LOCAL = Place("")


def parse_places(text: str, option: str = "--from") -> tuple[Place, ...]:
    """Return the places in their order; raise `SettingError` for what is none, or stands twice."""
    if len(text) > _LONGEST:
        raise SettingError(option, text, _TAKES)
    places = tuple(_parse(word.strip(), option) for word in text.split(","))
    if len(set(places)) < len(places):
        raise SettingError(option, text, "each place once")
    return places


def _parse(word: str, option: str) -> Place:
    if word == "local":
        return LOCAL
    kind, colon, destination = word.partition(":")
    user, at, host = destination.rpartition("@")
    if kind != "ssh" or not colon or destination.startswith("-") or host.startswith("-"):
        raise SettingError(option, word, _TAKES)
    if not _HOST.fullmatch(host) or (at and not _USER.fullmatch(user)):
        raise SettingError(option, word, _TAKES)
    return Place(host, user)
