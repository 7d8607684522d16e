"""JSON whose texts PostgreSQL can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser

DEPTH_LIMIT = 60
TOO_DEEP = f"Is nested deeper than {DEPTH_LIMIT} levels; expected less."
BAD_TEXT = "Holds a NUL character or half a surrogate pair; expected text without."
BAD_NUMBER = "Is not a finite number; expected one that a double can hold."


class StorableJSONParser(JSONParser):
    """Refuses what PostgreSQL cannot hold, naming the field.

    That is NUL characters, halves of surrogate pairs, numbers past a double and more than 60 levels.
    """

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            data = super().parse(*args, **kwargs)
        except RecursionError:
            raise ValidationError({"body": TOO_DEEP}) from None
        if bad := next(_unstorable(data, "", 0), None):
            raise ValidationError({bad[0]: bad[1]})
        return data


def _unstorable(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """The first is enough: pairs of the field's path and what is wrong with it."""
    if depth > DEPTH_LIMIT:
        yield path[:200], TOO_DEEP
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unstorable(key, f"{path}.?".strip("."), depth + 1)
            yield from _unstorable(item, f"{path}.{key}".strip("."), depth + 1)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unstorable(item, f"{path}.{place}".strip("."), depth + 1)
    elif isinstance(value, str) and ("\x00" in value or any("\ud800" <= char <= "\udfff" for char in value)):
        yield path or "body", BAD_TEXT
    elif isinstance(value, float) and not math.isfinite(value):
        yield path or "body", BAD_NUMBER
