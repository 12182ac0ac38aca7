"""`--help`: two screens of 24 lines, by hand, for no generator knows what belongs together."""

import argparse
import sys
from typing import NoReturn

HELP = """\
usage: tui-trace [OPTIONS] HOST   or   tui-trace --lab [SCENARIO] [HOST]
  or:  tui-trace --as tcptraceroute|traceroute-nanog [--tui] ITS OPTIONS
A live traceroute; h shows its keys. -r, -j, -C … print a report instead.
probe
  --icmp   -u --udp   -T --tcp        ICMP echo (default), UDP or TCP
  --protocol NAME|N                   any IP protocol: gre, sctp, 89
  -P --port N   -L --localport N      destination (33434, TCP 80); source port
  -a --address A   -I --interface IF  where probes leave from
  -s --psize BYTES   --df             whole IP packet; don't fragment
  -Q --tos TOS                        0-255, 0xNN or a DSCP name (EF, AF41)
  -B --bitpattern N                   payload byte; above 255: a random one
  --syn   --ack   --ecn               TCP flags: SYN (default), ACK, SYN+ECN
  --mtu   --dont-route                path MTU, hop by hop; neighbours only
  --flow MODE   --flows N             constant, classic, vary; N side by side
  --dnat HOW                          NAT in quotes: match (default), show, off
  --track WHAT                        told apart by seq (default), id or port
  -M --mark N                         netfilter mark (needs CAP_NET_ADMIN)
pace
  -f --first-ttl N   -m --max-ttl N   range of TTLs (1, 30)
  -i --interval S   -q --queries N    seconds a round (1); probes a hop (1)
  -Z --timeout S   -G --gracetime S   seconds to wait (adaptive, 5 at most)
  -U --max-unknown N                  silent hops in a row, then stop (5)
  -c --report-cycles N                rounds, then stop (reports: 10)
  --sequential   --first-reply        one after another; next hop at a reply
  --ping                              no sweep: a TTL of 255
names
  -n --no-dns   -b --show-ips         no names; addresses beside names
  --no-private-names                  none for RFC 1918
  -z --aslookup   --owner             AS numbers (live: always); of the SOA
  -y --ipinfo N                       0 AS, 1 prefix, 2 country, 3 RIR, 4 date
  --asn-source WHO                    cymru (default) or radb
  --dns-server ADDR[:PORT]            resolver to ask, for HOST too
output without the live view, the last one given counts
  -r --report   -w --report-wide      a table; the same, hosts in full
  -j --json   -C --csv                as mtr's, and more behind
  --markdown   --jsonl                for tickets; each event as it comes
  -o --order FIELDS                   columns, letters of LDRSNBAWVGJMXI
recordings (of live sessions; the oldest go beyond 100 or 2 GiB: config.toml)
  --record FILE   --no-record         to this new file, reports too; nothing
  --replay FILE   --sessions          play one, in any output; list them
other
  --lab [SCENARIO]   --unprivileged   the embedded lab (list); without rights
  --completion SHELL                  for bash, zsh or fish, on standard output
  -4   -6   -v --version   -h --help  address family; version; this
"""


class ShowHelp(argparse.Action):
    """Prints `HELP`."""

    def __call__(self, *_: object) -> NoReturn:
        sys.stdout.write(HELP)
        sys.exit(0)
