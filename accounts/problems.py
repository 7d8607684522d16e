"""What an action answers when the input cannot be taken: the field, and what was expected."""

from __future__ import annotations

from typing import Any


class InvalidInput(Exception):
    """`errors` maps a field name (or "" for the whole) to a sentence."""

    retryable = False

    def __init__(self, field: str = "", expected: str = "", *, errors: dict[str, str] | None = None) -> None:
        self.errors = errors or {field: expected}
        super().__init__("; ".join(f"{name}: {text}" if name else text for name, text in self.errors.items()))


class StaleWrite(Exception):
    """Somebody else wrote in between; `current` is the object as it stands, nothing was changed."""

    retryable = False

    def __init__(self, current: Any) -> None:
        super().__init__("This was changed in the meantime. Nothing was overwritten.")
        self.current = current
