"""The table of every source in docs/using/sources.md, made of what the collectors say of themselves."""

from __future__ import annotations

from telemetry.kinds import Kind, groups, kind_of

BEGIN, END = "<!-- made by manage.py source_table -->", "<!-- end of what is made -->"
HEAD = "| source | collects | limits | tested with |\n|---|---|---|---|"


def table() -> str:
    """One row for each kind, in the order in which people look for them."""
    kubernetes = kind_of("kubernetes")
    rows = [HEAD, *([_row(kubernetes, "#a-cluster")] if kubernetes else [])]
    for name, kinds in groups():
        rows.append(f"| **{name}** | | | |")
        rows += [_row(kind, f"sources/{kind.page}.md") for kind in kinds]
    return "\n".join(rows)


def _row(kind: Kind, page: str) -> str:
    facts = kind.facts
    return f"| [{kind.label}]({page}) | {facts.collects} | {facts.limits} | {facts.tested} |"


def renewed(text: str) -> str:
    """The document with the table of now; raises ValueError where its marks are missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the lines {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"
