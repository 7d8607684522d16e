"""Bad days of Slack, on demand: rate limits, errors, slowness, lost answers, an outage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.stand_ins.server import CutOff, Reply
from tests.stand_ins.slack.refusals import Refused


@dataclass
class Spell:
    """`times` it still applies (None: until further notice); `method` "*" is every one."""

    kind: str
    method: str
    times: int | None
    value: str | int | float = 0

    def take(self, method: str) -> bool:
        if self.times == 0 or self.method not in {"*", method}:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Trouble:
    """`too_early` are the methods called again before the time that Retry-After gave them was over; when `strict`,
    such calls are refused once more, as Slack does."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.strict = False
        self.too_early: list[str] = []
        self._free_at: dict[str, float] = {}
        self.spells: list[Spell] = []
        self.every: tuple[int, float] | None = None
        self.outage: str = ""
        self._counted = 0

    def take(self, kind: str, method: str) -> Spell | None:
        return next((spell for spell in self.spells if spell.kind == kind and spell.take(method)), None)

    def before(self, method: str) -> Reply | None:
        """What is answered instead of doing what was asked; None when all is well."""
        if self.outage == "reset":
            raise CutOff
        if self.outage:
            return Reply(503, b"<html>Service Unavailable</html>", "text/html")
        limited = self._limited(method)
        if limited is not None:
            return limited
        failure = self.take("fail", method)
        if failure is None:
            return None
        if isinstance(failure.value, int):
            return Reply(failure.value, b"<html>something went wrong</html>", "text/html")
        return Reply.of_json(Refused(str(failure.value)).body())

    def _limited(self, method: str) -> Reply | None:
        left = self._free_at.get(method, 0.0) - self.clock()
        if left > 0:
            self.too_early.append(method)
            if self.strict:
                return too_many(left)
        limit = self.take("limit", method)
        self._counted += 1
        if limit is not None:
            return self._refuse(method, float(limit.value))
        if self.every and self._counted % self.every[0] == 0:
            return self._refuse(method, self.every[1])
        return None

    def _refuse(self, method: str, seconds: float) -> Reply:
        self._free_at[method] = self.clock() + seconds
        return too_many(seconds)

    def wait(self, method: str) -> None:
        slow = self.take("slow", method)
        if slow is not None:
            time.sleep(float(slow.value))

    def after(self, method: str) -> None:
        """The thing was done, and the answer is lost on the way."""
        if self.take("lose", method):
            raise CutOff


def too_many(seconds: float) -> Reply:
    """Slack gives whole seconds."""
    headers = {"Retry-After": str(math.ceil(seconds))}
    return Reply(429, b'{"ok": false, "error": "ratelimited"}', headers=headers)
