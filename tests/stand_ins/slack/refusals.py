"""How the Web API says no."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """Answered as `{"ok": false, "error": …}` with status 200, the way Slack does; `more` goes in beside it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more

    def body(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.more}


def refuse_with(error: str, problems: list[str]) -> None:
    """Raises when there are problems; each is a sentence with its JSON pointer."""
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise Refused(error, errors=problems, response_metadata={"messages": messages})
