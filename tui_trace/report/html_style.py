"""What stands around a report of `--html`, with the style sheet that all of them have."""

import base64
import hashlib

STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --paper: #ffffff;
  --line: #d1d9e0; --rtt: #3f7cc4; --loss: #c62f3b; --band: #f6d9a8; --harm: #b4232f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --dim: #9aa4ae; --paper: #14171b;
  --line: #363d45; --rtt: #6ea8ea; --loss: #ff6b75; --band: #5b4516; --harm: #ff8b93; } }
@media print { :root { color-scheme: light; --ink: #000; --dim: #444; --paper: #fff;
  --line: #bbb; --rtt: #3f7cc4; --loss: #c62f3b; --band: #f6d9a8; --harm: #b4232f; }
  section.episode, tr, svg { break-inside: avoid; } h2, h3 { break-after: avoid; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; print-color-adjust: exact; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
main + main { border-top: 2px solid var(--line); }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .3rem; } p { margin: .2rem 0; }
.dim, figcaption, footer { color: var(--dim); font-size: .87rem; }
section.episode { border-left: 4px solid var(--line); padding: .1rem 0 .4rem .9rem;
  margin: 0 0 1.1rem; }
section.harm { border-left-color: var(--harm); } .harm h3 { color: var(--harm); }
figure { margin: 1rem 0 0; } svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.rtt { fill: var(--rtt); } .loss { fill: var(--loss); } .band { fill: var(--band); }
.axis { stroke: var(--line); } .mark { stroke: var(--ink); stroke-dasharray: 2 2; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: .4rem 0; }
caption { text-align: left; color: var(--dim); font-size: .87rem; padding-bottom: .2rem; }
th, td { padding: .12rem .55rem; text-align: right; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th { font-weight: 600; } .host, .notes { text-align: left; }
.notes { white-space: normal; } td.bad { color: var(--harm); font-weight: 700; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'"
"""Content-Security-Policy: nothing is loaded or run, and this style sheet is the only one."""

HEAD = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>tui-trace report</title>
<style>{STYLE}</style>
</head>
<body>
"""
FOOT = "</body>\n</html>\n"
