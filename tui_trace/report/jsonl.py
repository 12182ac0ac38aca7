"""`--jsonl`: the stream of events as JSON lines, schema version 3.

One object a line, in the order things happened, each written before the next one happens. The key
`event` names its kind, `at` is nanoseconds since the session began; a key that has its default
value (null, false, 0, empty) may be missing. Times are in ns, sizes in bytes. A reader passes over
kinds and keys that it does not know: those may be added. What would break such a reader raises the
number in `schema`.

========================  ==========================================================================
event                     keys besides `event` and `at`
========================  ==========================================================================
session-began, the first  wall (ns since 1970, UTC), target, address, family (4 or 6), source,
                          version, lab, schema, vantage (the machine that probes leave from, as it
                          was named; empty: the one that shows it); wall 0: not known
pace-set                  pace: interval, first_ttl, max_ttl, queries, max_unknown, wait, rounds,
                          paused, sequential, hurry, first_reply
run-opened                run, settings: protocol, port, tos, df, size and the rest of what a probe
                          looks like; again, source_port, turns_with (runs, in turns with
                          which it has its rounds; in schema 1 one run, or 0), temporary (by the
                          program itself, for some rounds), beside (to find or to watch ways, or
                          the path MTU, while another one stays in force; up to schema 2 there was
                          none), seeks_mtu (the path MTU)
flow-opened               run, flow, source_port: probes leave in this flow, too
ways-sought               run, confidence (0 to 1), budget (most probes)
ways-ended                run, reason: complete, budget or stopped
round-began               run, round
probe-sent                run, probe (its number, one in the session), ttl, flow, source_port (if
                          it is not the flow's), size (if it is not the run's)
reply                     run, probe, ttl, address, kind, rtt, sent_stamp, received_stamp, flow,
                          reached, late, duplicate, repeat, beyond, clock_stepped, icmp_type, code,
                          reply_ttl, mtu, ecn, quoted_tos, quoted_ttl, quoted_bytes, changed,
                          labels, interfaces, versions (of QUIC, as numbers; `kind` is
                          version-negotiation)
probe-lost                run, probe, ttl, reason (of the local kernel); a late reply takes it back
hop-summary               run, ttl, sent, lost, addresses, last, best, mean, worst, sd, gmean,
                          jitter, last_jitter, max_jitter, smooth_jitter, p50, p90, p99, late,
                          duplicates, reached: what another program tells in place of its probes
probe-void                run, probe, ttl, reason: it counts as never sent
send-failed               run, ttl, errno, reason, mtu
mtu-found                 ttl, mtu, how, address
path-mtu-found            run, reason (complete, stopped, silent, all-large or failed), mtu,
                          last_ttl, reached, limit (reported, guessed, interface, black-hole),
                          near_ttl, near_address, far_ttl, far_address, refused_by
path-end                  run, ttl, reached
foreign                   count of replies that answer no probe of ours
source-changed            source
egress-found              run, source, interface, gateway, mtu: how its probes leave
clock-stepped             wall (ns since 1970, from now on), step (ns by which the clock was set),
                          asleep (ns that the machine was suspended, which `at` does not count),
                          stopped (ns that this program did not run, which `at` counts)
notice                    text
note                      text, moment: what the user wrote, and what time it is about
named                     address, names, confirmed, shown
origin                    address, asns, prefix, country, registry, names, allocated
owned                     address, owner
located                   address, exchange, city, country, database (what says so)
registered                address, network, range, organisation, country, abuse, registry, error
session-ended, the last   nothing more
========================  ==========================================================================

Where there are several targets, each line has the number of its `session`, from 1 on.

Between them stands what follows from them: `episode-began` and `episode-ended`, each with the keys
of `report.episodes` in `-j`, right behind the event that told it. One that ended before it began
was a mistake. `tui_trace.core.events` says of each key of the others what it means;
`report/command_input.py` has the commands that go the other way.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from tui_trace.core.events import Event, encode
from tui_trace.report.finding_lines import finding_object
from tui_trace.session.episode_feed import EpisodeFeed
from tui_trace.session.finding import Episode
from tui_trace.session.snapshot import Snapshot


class JsonLines:
    """Writes every event at once, one line each.

    When nobody reads any more, or nothing more can be written, it asks for an end and swallows
    what is still to come.
    """

    def __init__(
        self, stream: BinaryIO, stop: Callable[[], None], number: int | None = None
    ) -> None:
        """`stop` ends the source: `Source.stop`. `number`: that of the session, if there are more.

        Then each line has it as `session`.
        """
        self._stream = stream
        self._stop = stop
        self._mark = b"" if number is None else b',"session":%d' % number
        self._feed = EpisodeFeed()
        self.failure: OSError | None = None
        """Why writing failed; None too if the reader merely went away."""

    def event(self, event: Event) -> None:
        """Write one event as one line, and what was told by it."""
        news = self._feed.apply(event)
        lines = [encode(event), *self._told(news, event.at)]
        try:
            self._stream.writelines(_harmless(line)[:-1] + self._mark + b"}\n" for line in lines)
            self._stream.flush()
        except BrokenPipeError:
            self._give_up()
        except OSError as error:
            self.failure = error
            self._give_up()

    def pulse(self, at: int) -> None:
        pass

    def snapshot(self) -> Snapshot:
        """Return the session as its events tell it."""
        return self._feed.snapshot()

    def _told(self, news: Sequence[Episode], at: int) -> Iterator[bytes]:
        """Return the lines of episodes that began or ended."""
        if news:
            snapshot = self._feed.snapshot()
            for episode in news:
                name = "episode-began" if episode.until is None else "episode-ended"
                told = finding_object(snapshot, episode.finding, episode.until)
                yield json.dumps({"event": name, "at": at} | told, separators=(",", ":")).encode()

    def _give_up(self) -> None:
        # What could not be written waits in the stream's buffer, and the interpreter would
        # complain of it on its way out: let that drain, and what follows, where nothing fails.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        self._stop()


def _harmless(line: bytes) -> bytes:
    """Return the same JSON in ASCII, harmless for terminals (RFC 8259 §7)."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return json.dumps(json.loads(line)).replace("\x7f", "\\u007f").encode()
