"""The text of `--help`: two screens of 24 lines, written by hand to group what belongs together."""

import argparse
import sys
from typing import NoReturn

HELP = """\
usage: tui-trace [OPTIONS] HOST…   or   tui-trace --lab [SCENARIO] [HOST]
  or:  tui-trace --as tcptraceroute|traceroute-nanog [--tui] ITS OPTIONS
A live traceroute; h shows its keys. -r, -j, -C … print a report instead.
probe
  --icmp   -u --udp   -T --tcp        ICMP echo (default), UDP or TCP
  --protocol NAME|N                   quic, or any IP protocol: gre, sctp, 89
  -P --port N   -L --localport N      port (33434, TCP 80, QUIC 443); source
  -a --address A   -I --interface IF  where probes leave from
  -s --psize BYTES   --df             whole IP packet; don't fragment
  -Q --tos TOS                        0-255, 0xNN or a DSCP name (EF, AF41)
  -B --bitpattern N   -M --mark N     payload byte, 256: random; netfilter mark
  --syn   --ack   --ecn               TCP flags: SYN (default), ACK, SYN+ECN
  --mtu   --dont-route                path MTU, hop by hop; use no gateway
  --flow MODE   --flows N             constant, classic or vary; how many flows
  --dnat match|show|off               treat NAT in quoted headers so (match)
  --track seq|id|port   -M --mark N   field that tells probes apart; fwmark
pace
  -f --first-ttl N   -m --max-ttl N   range of TTLs (1, 30)
  -i --interval S   -q --queries N    seconds per round, probes per hop (1, 1)
  -Z --timeout S   -G --gracetime S   seconds to wait (adaptive, at most 5)
  -U --max-unknown N                  stop after N silent hops in a row (5)
  -c --report-cycles N                stop after N rounds (reports: 10)
  --sequential --first-reply --ping   one by one; next at reply; target only
names
  -n --no-dns   -b --show-ips         no host names; addresses beside names
  --no-private-names   --owner        no names of RFC 1918; SOA owners
  -z --aslookup   -y --ipinfo N       AS; 0 AS … 4 date 5 city 6 exchange
  --asn-source S   --geoip FILE       cymru or radb; cities (GeoLite2-City.mmdb)
  --dns-server A   --peeringdb FILE   resolver, ADDR[:PORT]; exchange points
output without the live view (the last of these options counts)
  -r --report   -w --report-wide      a table; a table with full host names
  -j --json   -C --csv                mtr's formats with more fields
  --markdown   --html   --jsonl       tickets: text, one file; events as JSON
  --ways   --confidence P   --dot F   find every way first (95 %); a graph of it
  --check   --hide N|private          status 3 if wrong; mask near hops
  -o --order FIELDS   --commands      of LDRSNBAWVGJMXIK; obey JSON on stdin
  --watch   --on-event CMD            no view: a line, a command an episode
recordings of live sessions (100 or 2 GiB are kept: [recordings] in the config)
  --record FILE   --no-record         also of a report, to a new file; none
  --report-since T   --until T        report a part of one: last night, say
  --replay NAME|FILE|-   --follow     play one, or JSON of others; as it grows
  --sessions   --metrics [ADDR:]PORT  open, attach, delete; OpenMetrics by HTTP
other
  --targets FILE   --resolve-all      more targets, one a line; all addresses
  --from PLACE,…   --reverse          local, ssh:[USER@]HOST; there and back
  --lab [SCENARIO]   --unprivileged   embedded lab (list); no raw sockets
  --no-config   --completion SHELL    no config file; script for bash, zsh, fish
  -4   -6   -v --version   -h --help  address family; version; this
"""


class ShowHelp(argparse.Action):
    """The action of `--help`: print `HELP` and exit with 0."""

    def __call__(self, *_: object) -> NoReturn:
        sys.stdout.write(HELP)
        sys.exit(0)
