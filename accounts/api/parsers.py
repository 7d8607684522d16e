"""JSON whose texts PostgreSQL can hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser


class StorableJSONParser(JSONParser):
    """Refuses NUL characters and halves of surrogate pairs wherever they stand, naming the field."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        data = super().parse(*args, **kwargs)
        if bad := next(_unstorable(data, ""), None):
            raise ValidationError({bad: "Holds a NUL character or half a surrogate pair; expected text without."})
        return data


def _unstorable(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unstorable(key, f"{path}.?".strip("."))
            yield from _unstorable(item, f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unstorable(item, f"{path}.{place}".strip("."))
    elif isinstance(value, str) and ("\x00" in value or any("\ud800" <= char <= "\udfff" for char in value)):
        yield path or "body"
