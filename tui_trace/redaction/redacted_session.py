"""A whole session without what is hidden, made from its checkpoint."""

import enum
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from tui_trace.redaction.redactor import Redactor
from tui_trace.session import checkpoint
from tui_trace.session.checkpoint import SessionCheckpoint
from tui_trace.session.finding import Finding
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import AddressInfo

_NO_TEXT = (
    checkpoint.StatsCheckpoint,
    checkpoint.BucketCheckpoint,
    checkpoint.RttLevelCheckpoint,
)
"""Whose strings are numbers and letters of paths."""
_NO_TEXT_FIELDS: dict[type, tuple[str, ...]] = {
    checkpoint.KnownPathCheckpoint: ("letter",),
    checkpoint.TimelineCheckpoint: ("path",),
    checkpoint.EpisodesCheckpoint: ("ended",),
}
_checkpoint = msgspec.msgpack.Decoder(SessionCheckpoint)
_T = TypeVar("_T")


def redact_session(redactor: Redactor, session: Session) -> Session:
    """Return a session that goes on as this one, without what the redactor hides."""
    # a copy: a checkpoint shares data with its session
    state = _checkpoint.decode(msgspec.msgpack.encode(session.checkpoint()))
    hosts = {
        address: _info(redactor, info)
        for address, info in state.hosts.items()
        if not redactor.is_hidden(address)
    }
    began = redactor.event(state.began)
    rest: SessionCheckpoint = _Walk(redactor).redacted(replace(state, hosts={}, began=None))
    return Session.from_checkpoint(replace(rest, hosts=hosts, began=began))


def _info(redactor: Redactor, info: AddressInfo) -> AddressInfo:
    return AddressInfo(
        named=info.named and redactor.event(info.named),  # type: ignore[arg-type]
        origin=info.origin,
        owned=info.owned,
        registered=info.registered,
    )


class _Walk:
    """Goes through data and replaces texts in it; whatever has none is taken as it is."""

    def __init__(self, redactor: Redactor) -> None:
        self._text = redactor.text

    def redacted(self, value: _T) -> _T:
        return self._any(value)  # type: ignore[no-any-return]

    def _any(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind in (int, float, bool, bytes) or value is None or isinstance(value, enum.Enum):
            return value
        if kind is list or kind is tuple:
            if value and all(type(one) is int for one in value):
                return value
            return kind(map(self._any, value))
        if kind is dict:
            return {
                self._text(key) if type(key) is str else key: self._any(inner)
                for key, inner in value.items()
            }
        return self._struct(value)

    def _struct(self, value: Any) -> Any:
        kind: type = type(value)
        if kind in _NO_TEXT:
            return value
        if kind is checkpoint.HopLogCheckpoint:
            by_address = {self._text(at): bits for at, bits in value.by_address.items()}
            return replace(value, by_address=by_address)
        if kind is Finding:
            evidence = {name: self._any(told) for name, told in value.evidence.items()}
            texts = self._fields(value, ("evidence",))
            return replace(value, **texts, evidence=evidence)
        return replace(value, **self._fields(value, _NO_TEXT_FIELDS.get(kind, ())))

    def _fields(self, value: Any, without: tuple[str, ...]) -> dict[str, Any]:
        found = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            if name not in without and (new := self._any(old)) is not old:
                found[name] = new
        return found
