"""Events with all fields filled in, for folds, reports and recordings."""

from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings, Protocol

KERNEL = ev.Stamp.KERNEL
SETTINGS = [ProbeSettings(), ProbeSettings(protocol=Protocol.TCP, port=443, size=60)]


def began(**fields):
    known = {
        "at": 0,
        "wall": 10**18,
        "target": "example.com",
        "address": "203.0.113.80",
        "family": 4,
        "source": "203.0.113.1",
        "version": "0.1",
    }
    return ev.SessionBegan(**(known | fields))


def reply(probe, ttl, rtt=NS_PER_MS, *, run=1, at=NS_PER_S, **fields):
    known = {"address": f"203.0.113.{ttl}", "kind": ev.ReplyKind.TIME_EXCEEDED}
    return ev.Reply(
        at=at,
        run=run,
        probe=probe,
        ttl=ttl,
        rtt=rtt,
        **({"sent_stamp": KERNEL, "received_stamp": KERNEL} | known | fields),
    )


def sent(probe, ttl, *, run=1, at=0):
    return ev.ProbeSent(at=at, run=run, probe=probe, ttl=ttl)


def lost(probe, ttl, *, run=1, at=NS_PER_S):
    return ev.ProbeLost(at=at, run=run, probe=probe, ttl=ttl)


def void(probe, ttl, *, run=1, at=NS_PER_S):
    return ev.ProbeVoid(at=at, run=run, probe=probe, ttl=ttl, reason="beyond")


def opened(run=1, at=0, *, reopened=False, probe=SETTINGS[0], beside=False):
    return ev.RunOpened(at=at, run=run, settings=probe, reopened=reopened, beside=beside)


EVENTS = [began(), opened(), sent(1, 1), reply(1, 1), ev.SessionEnded(at=9)]
