"""A folder of thirty post-mortems as teams have them: Markdown with and without front matter, pages, Word files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pypandoc

FRONT = """---
title: {title}
severity: {severity}
date: {day}
services: [checkout, "{service}"]
tags:
  - database
author: Grace
custom-field: keep-me-{place}
---
# {title}

## Impact

Payments were refused for {place} minutes. Ümlaut, 漢字 and emoji 🚒 stay.

| Time | What |
|---|---|
| 10:{place:02} | pager rang |

```sh
kubectl rollout undo deploy/{service}
```
"""
PLAIN = """# Postmortem: {title}

**Date:** {day}
**Severity:** SEV-{rank}
**Affected services:** {service}, gateway
Duration: 1 h {place} min

Some _prose_ with `code`, a [link](https://example.org/{place}) and <b>raw html</b>.

1. First cause
   - nested cause {place}
2. Second cause

> Quoted words of the customer

- [ ] follow up {place}
"""
BARE = "Everything was down on {worded} and nobody wrote a heading.\n\nThe {service} came back by itself."
PAGE = """<!doctype html><html><head><title>{title}</title><style>p {{ color: red }}</style></head><body>
<h1>{title}</h1><p>Severity: <b>{severity}</b></p><p>Start: {day} 08:15 UTC</p><p>Resolved: {day} 09:45 UTC</p>
<table><thead><tr><th rowspan="2">Phase</th><th colspan="2">Seen</th></tr><tr><th>by</th><th>at</th></tr></thead>
<tbody><tr><td>Detect<br>early</td><td><ul><li>pager</li><li>Ada</li></ul></td><td>08:{place:02}</td></tr>
<tr><td colspan="3">Spanning words {place}</td></tr></tbody></table>
<dl><dt>Cause</dt><dd>A {service} that leaked</dd></dl><pre><code>panic: out of memory {place}</code></pre>
<div><span>Nested <em>words</em></span> stay.</div><details><summary>More</summary><p>Hidden words {place}</p></details>
</body></html>"""
WORD = """<h1>{title}</h1><p>Priority: P{rank}</p><p>Date: {worded}</p>
<p>The {service} ran out of connections.<br/>A second line.</p>
<table><tr><th>Who</th><th>Did</th></tr><tr><td>Ben</td><td><p>Rolled back</p><p>and waited {place}</p></td></tr></table>
<ol><li>one</li><li>two<ul><li>deep {place}</li></ul></li></ol><blockquote><p>Never again</p></blockquote>"""


def write(root: Path) -> list[Path]:
    """Thirty files below `root`, some in folders of their own."""
    made = []
    for place in range(30):
        shape = ("front", "plain", "page", "word", "front", "plain", "page", "bare", "front", "plain")[place % 10]
        made.append(_write(root, place, shape))
    return made


def fields(place: int) -> dict[str, object]:
    day = f"2024-{place % 12 + 1:02}-{place % 27 + 1:02}"
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    return {
        "title": f"Outage number {place} of the shop",
        "severity": ("SEV1", "critical", "P2", "minor")[place % 4],
        "rank": place % 4 + 1,
        "day": day,
        "worded": f"{months[place % 12]} {place % 27 + 1}, 2024",
        "service": f"service-{place}",
        "place": place,
    }


def _write(root: Path, place: int, shape: str) -> Path:
    known = fields(place)
    folder = root / ("2024" if place % 2 else "old/er")
    folder.mkdir(parents=True, exist_ok=True)
    text = {"front": FRONT, "plain": PLAIN, "bare": BARE, "page": PAGE, "word": WORD}[shape].format(**known)
    if shape == "word":
        path = folder / f"{place:02}-report.docx"
        subprocess.run(
            [pypandoc.get_pandoc_path(), "-f", "html", "-t", "docx", "-o", str(path)], input=text.encode(), check=True
        )
        return path
    path = folder / f"{place:02}-report.{'html' if shape == 'page' else 'md'}"
    path.write_bytes(text.encode("utf-16" if place == 17 else "utf-8"))
    return path
