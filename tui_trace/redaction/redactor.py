"""Hides near hops: their addresses become pseudonyms, their names and owners vanish.

What is near is learnt from the stream as it passes; `secrets.py` finds it in texts. Hop numbers
and figures stay as they are, and one address has one pseudonym, so that paths and sentences about
them mean the same.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.core.settings import ProbeSettings
from tui_trace.redaction.secrets import HIDDEN, Secrets, canonical_address


class Redactor:
    """Learns what is near, and replaces it in events. Thread-safe; for all sessions of a process.

    Near are the hops up to a TTL, all that leads to them from here (source, gateway, interface,
    and the address that a NAT gives to probes), and, if asked for, every private address. The
    target is near only by a private address: who names it wants to see it.
    """

    def __init__(self, near: int = 0, *, private: bool = False, words: Iterable[str] = ()) -> None:
        """Hide hops with TTLs up to `near`, and `private` addresses; `words` are names of here."""
        self._near = near
        self._secrets = Secrets(private=private)
        self._targets: set[str] = set()
        self._lock = threading.Lock()
        for word in words:
            self._secrets.add_word(word)
        self._replacements: dict[type, Callable[[Any], ev.Event | None]] = {
            ev.SessionBegan: self._began,
            ev.RunOpened: self._opened,
            ev.Reply: self._reply,
            ev.ProbeLost: self._with_reason,
            ev.ProbeVoid: self._with_reason,
            ev.SendFailed: self._with_reason,
            ev.HopSummary: self._summary,
            ev.MtuFound: lambda event: replace(event, address=self.text(event.address)),
            ev.PathMtuFound: lambda event: replace(
                event,
                near_address=self.text(event.near_address),
                far_address=self.text(event.far_address),
                refused_by=self.text(event.refused_by),
            ),
            ev.SourceChanged: lambda event: replace(event, source=self.text(event.source)),
            ev.EgressFound: self._egress,
            ev.Notice: lambda event: replace(event, text=self.text(event.text)),
            ev.Note: lambda event: replace(event, text=self.text(event.text)),
            ev.HostNamed: self._named,
            ev.AsnFound: self._looked_up,
            ev.OwnerFound: self._looked_up,
            ev.Located: self._looked_up,
            ev.RegistryRecord: self._registered,
        }

    @property
    def version(self) -> int:
        """Return a number that rises whenever something more is hidden."""
        return self._secrets.version

    def text(self, text: str) -> str:
        """Return an address, or any text, without what is hidden as far as that is known."""
        with self._lock:
            return self._secrets.replace_in(text)

    def is_hidden(self, address: str) -> bool:
        """Return whether an address is hidden."""
        with self._lock:
            return self._secrets.is_hidden(address)

    def reveal(self, text: str) -> str:
        """Return what a pseudonym stands for; any other text as it is."""
        with self._lock:
            return self._secrets.reveal(text)

    def settings(self, settings: ProbeSettings) -> ProbeSettings:
        """Return settings with a pseudonym of source and interface."""
        self._learn_settings(settings)
        return self._map_settings(settings, self.text)

    def revealed_settings(self, settings: ProbeSettings) -> ProbeSettings:
        """Return the settings that have these pseudonyms."""
        return self._map_settings(settings, self.reveal)

    def target(self, host: str, address: str) -> str:
        """Return what to call a target."""
        with self._lock:
            self._learn_target(host, address)
        return self.text(host)

    def vantage(self, name: str) -> str:
        """Return what to call a machine that probes leave from."""
        with self._lock:
            self._secrets.add_interface(name)
        return self.text(name)

    # --- learning

    def learn(self, event: ev.Event) -> None:
        """Learn from the next event what is near."""
        match event:
            case ev.Reply():
                if event.ttl <= self._near or event.changed or event.interfaces:
                    self._learn_reply(event)
            case ev.SessionBegan():
                with self._lock:
                    self._learn_target(event.target, event.address)
                    self._add(event.source)
                    self._secrets.add_interface(event.vantage)
            case ev.RunOpened():
                self._learn_settings(event.settings)
            case ev.SourceChanged():
                self._add_near(event.source)
            case ev.EgressFound():
                self._learn_egress(event)
            case ev.MtuFound() if event.ttl <= self._near:
                self._add_near(event.address)
            case ev.PathMtuFound():
                if event.near_ttl <= self._near:
                    self._add_near(event.near_address, event.refused_by)
                if event.far_ttl <= self._near:
                    self._add_near(event.far_address)
            case ev.HopSummary() if event.ttl <= self._near and not event.reached:
                self._add_near(*event.addresses)
            case (
                ev.HostNamed()
                | ev.AsnFound()
                | ev.OwnerFound()
                | ev.Located()
                | ev.RegistryRecord()
            ):
                with self._lock:
                    self._learn_lookup(event)

    def learnt(self, event: ev.Event) -> ev.Event:
        """Learn from an event, and return it as it is."""
        self.learn(event)
        return event

    def _add_near(self, *addresses: str) -> None:
        with self._lock:
            self._add(*addresses)

    def _add(self, *addresses: str) -> None:
        for address in addresses:
            if address and canonical_address(address) not in self._targets:
                self._secrets.add_address(address)

    def _add_own(self, changes: Iterable[ev.Change]) -> None:
        """Add the address of this machine, and the one that a NAT gives it."""
        for change in changes:
            if change.field is ev.RewrittenField.SOURCE:
                self._add(*(value for value in (change.sent, change.received)
                            if isinstance(value, str)))  # fmt: skip

    def _add_interfaces(self, interfaces: Iterable[ev.Interface]) -> None:
        for interface in interfaces:
            self._secrets.add_word(interface.name)
            if interface.role != "next-hop":
                self._add(interface.address)

    def _learn_target(self, host: str, address: str) -> None:
        known = canonical_address(address)
        if known not in self._targets:
            self._targets.add(known)
            self._secrets.forget_address(address)
        if canonical_address(host) != known and self._secrets.is_hidden(address):
            self._secrets.add_name(host, address)

    def _learn_settings(self, settings: ProbeSettings) -> None:
        with self._lock:
            self._add(settings.source or "")
            self._secrets.add_interface(settings.interface or "")

    def _learn_egress(self, event: ev.EgressFound) -> None:
        with self._lock:
            self._add(event.source, event.gateway)
            self._secrets.add_interface(event.interface)

    def _learn_reply(self, event: ev.Reply) -> None:
        with self._lock:
            if event.ttl <= self._near and not event.reached:
                self._add(event.address)
            self._add_own(event.changed)
            if self._secrets.is_hidden(event.address):
                self._add_interfaces(event.interfaces)

    def _learn_lookup(self, event: ev.Event) -> None:
        match event:
            case ev.HostNamed():
                self._secrets.add_names(event.address, (*event.names, *event.shown))
            case ev.AsnFound():
                numbers = (f"AS{asn}" for asn in event.asns)
                self._secrets.add_owner(event.address, (*numbers, *event.names, event.prefix))
            case ev.OwnerFound():
                self._secrets.add_owner(event.address, (event.owner,))
            case ev.Located():
                self._secrets.add_owner(event.address, (event.city, event.exchange))
            case ev.RegistryRecord():
                told = (event.network, event.range, event.organisation, event.abuse)
                self._secrets.add_owner(event.address, told)

    # --- replacing

    def event(self, event: ev.Event) -> ev.Event | None:
        """Return the event without what is hidden; None if nothing of it is left."""
        substitute = self._replacements.get(type(event))
        return event if substitute is None else substitute(event)

    def _began(self, event: ev.SessionBegan) -> ev.SessionBegan:
        # without a name, reports would name this machine
        return replace(
            event,
            target=self.text(event.target),
            address=self.text(event.address),
            source=self.text(event.source),
            vantage=self.text(event.vantage) or HIDDEN,
        )

    def _opened(self, event: ev.RunOpened) -> ev.RunOpened:
        return replace(event, settings=self._map_settings(event.settings, self.text))

    @staticmethod
    def _map_settings(settings: ProbeSettings, to: Callable[[str], str]) -> ProbeSettings:
        if settings.source is None and settings.interface is None:
            return settings
        return replace(
            settings,
            source=None if settings.source is None else to(settings.source),
            interface=None if settings.interface is None else to(settings.interface),
        )

    def _reply(self, event: ev.Reply) -> ev.Reply:
        shown = self.text(event.address)
        if shown == event.address and not event.changed and not event.interfaces:
            return event
        return replace(
            event,
            address=shown,
            changed=tuple(map(self.change, event.changed)),
            interfaces=tuple(map(self.interface, event.interfaces)),
        )

    def change(self, change: ev.Change) -> ev.Change:
        """Return a rewritten field without what is hidden."""
        sent, received = (
            self.text(value) if isinstance(value, str) else value
            for value in (change.sent, change.received)
        )
        return replace(change, sent=sent, received=received)

    def interface(self, interface: ev.Interface) -> ev.Interface:
        """Return an interface of a router without what is hidden."""
        address, name = self.text(interface.address), self.text(interface.name)
        return replace(interface, address=address, name=name)

    def _with_reason(self, event: Any) -> Any:
        return replace(event, reason=self.text(event.reason)) if event.reason else event

    def _summary(self, event: ev.HopSummary) -> ev.HopSummary:
        return replace(event, addresses=tuple(map(self.text, event.addresses)))

    def _egress(self, event: ev.EgressFound) -> ev.EgressFound:
        source, interface, gateway = map(self.text, (event.source, event.interface, event.gateway))
        return replace(event, source=source, interface=interface, gateway=gateway)

    def _named(self, event: ev.HostNamed) -> ev.HostNamed | None:
        if self.is_hidden(event.address):
            return None
        names, shown = (
            tuple(name for name in names if self.text(name) == name)
            for names in (event.names, event.shown)
        )
        return replace(event, names=names, shown=shown)

    def _looked_up(self, event: ev.AsnFound | ev.OwnerFound | ev.Located) -> ev.Event | None:
        return None if self.is_hidden(event.address) else event

    def _registered(self, event: ev.RegistryRecord) -> ev.RegistryRecord | None:
        if self.is_hidden(event.address):
            return None
        return replace(event, error=self.text(event.error))
