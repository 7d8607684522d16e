"""A source's own queries: which of them an incident asks for, and how its scope is written into them.

`options["queries"]` is a list of {name, title, expr, unit, services, namespaces, beside}. One with `services` or
`namespaces` is asked beside the others where the scope holds one of them, one that is `beside` always; the rest replace
what the source asks by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry.observations import Scope

LONGEST_EXPRESSION = 4_000
LONGEST_NAME = 64
LONGEST_VALUE = 253

Writer = Callable[[Iterable[str]], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One query as it was written by an operator or comes with a collector; `expr` still has its placeholders."""

    name: str
    title: str
    expr: str
    unit: str = ""


def asked_of(options: Mapping[str, Any], scope: Scope, usual: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """What to ask for this scope: the operator's queries or else the `usual` ones, and those of services and namespaces
    in it. A name is asked once, by the first that carries it."""
    own = options.get("queries")
    entries = [entry if isinstance(entry, Mapping) else {} for entry in own] if isinstance(own, list) else []
    general = [entry for entry in entries if not _narrowed(entry) and entry.get("beside") is not True]
    more = [entry for entry in entries if (_meets(entry, scope) if _narrowed(entry) else entry.get("beside") is True)]
    found: dict[str, Asked] = {}
    for place, entry in enumerate([*(general or usual), *more], start=1):
        asked = _asked(entry, place)
        found.setdefault(asked.name, asked)
    return list(found.values())


def _asked(entry: Mapping[str, Any], place: int) -> Asked:
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", str(entry.get("name") or f"query_{place}"))[:LONGEST_NAME]
    return Asked(
        name=name,
        title=str(entry.get("title") or name)[:200],
        expr=str(entry.get("expr") or "").strip(),
        unit=str(entry.get("unit") or "")[:20],
    )


def _narrowed(entry: Mapping[str, Any]) -> bool:
    return bool(_names(entry, "services") or _names(entry, "namespaces"))


def _meets(entry: Mapping[str, Any], scope: Scope) -> bool:
    """A scope that is not narrowed at all holds everything."""
    services, namespaces = set(scope.names()), set(namespaces_of(scope))
    if not services and not namespaces:
        return True
    return bool(services & _names(entry, "services") or namespaces & _names(entry, "namespaces"))


def _names(entry: Mapping[str, Any], key: str) -> set[str]:
    value = entry.get(key)
    return {str(name) for name in value if name} if isinstance(value, list) else set()


def namespaces_of(scope: Scope) -> tuple[str, ...]:
    """The scope's namespaces, and those of its workloads."""
    return tuple(dict.fromkeys([*scope.namespaces, *(workload.namespace for workload in scope.workloads)]))


def filled(expr: str, scope: Scope, write: Writer) -> str:
    """`{namespaces}`, `{workloads}` and `{services}` as `write` puts names into the language; `{range}` stays.

    All in one pass, so that a name which looks like a placeholder stays a name.
    """
    values = {
        "namespaces": namespaces_of(scope),
        "workloads": tuple(workload.name for workload in scope.workloads),
        "services": scope.names(),
    }
    return re.sub(r"\{(namespaces|workloads|services)\}", lambda found: write(values[found.group(1)]), expr)


def regexp_of(names: Iterable[str], *, otherwise: str = ".*") -> str:
    """An RE2 alternative of literal names for use within a quoted string; `otherwise` if there are none.

    It holds no quote, no line break and no backslash but its own, so it cannot leave the string.
    """
    escaped = [_escaped(name) for name in names if name]
    if not escaped:
        return otherwise
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _escaped(name: str) -> str:
    # A code point in hex is one literal character to RE2 and holds nothing that could end the string.
    return "".join(
        char
        if char.isascii() and (char.isalnum() or char in "-_/")
        else "[.]"
        if char == "."
        else f"\\\\x{{{ord(char):X}}}"
        for char in name[:LONGEST_VALUE]
    )


def lucene_of(names: Iterable[str]) -> str:
    """A Lucene group of quoted phrases, `("shop" OR "pay")`; `*` if there are none."""
    quoted = [_phrase(name) for name in names if name]
    return f"({' OR '.join(quoted)})" if quoted else "*"


def _phrase(name: str) -> str:
    plain = " ".join(name[:LONGEST_VALUE].split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
