"""Events on their way to the app: in order, sent again when the answer was not good, given up after three."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.stand_ins.slack.delivery import Answer

RETRY_DELAYS = (0.02, 0.1, 0.3)


@dataclass(order=True)
class Letter:
    due: float
    number: int
    envelope: dict[str, Any] = field(compare=False)
    tries: int = field(default=0, compare=False)
    reason: str = field(default="", compare=False)


class Outbox:
    """`carry(envelope, retry_num, reason)` sends one event. Threads send once `start`ed; without them `wait_sent`
    sends in the caller's thread. `retry_delays` are seconds before each further try (Slack: at once, 1 and 5 min).
    What was given up stands in `undelivered`; nothing is sent while `held`; an answer with `X-Slack-No-Retry: 1` is the last."""

    def __init__(self, carry: Callable[[dict[str, Any], int, str], Answer]) -> None:
        self.carry = carry
        self.retry_delays: tuple[float, ...] = RETRY_DELAYS
        self.undelivered: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self.held = False
        self._letters: list[Letter] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._under_way = 0
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def put(self, envelope: dict[str, Any]) -> None:
        with self._changed:
            # A retry comes when it is due; everything else in the order in which it happened.
            heapq.heappush(self._letters, Letter(0.0, next(self._numbers), envelope))
            self._changed.notify_all()

    def start(self, threads: int = 1) -> None:
        for _ in range(threads - len(self._threads)):
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def pending(self) -> int:
        with self._changed:
            return len(self._letters) + self._under_way

    def wait_sent(self, timeout: float = 30.0) -> None:
        """Until every event was answered or given up; raises TimeoutError."""
        end = time.monotonic() + timeout
        while not self._threads and self._send_next(wait=True):
            pass
        with self._changed:
            while self._letters or self._under_way:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{len(self._letters) + self._under_way} events were not sent")
                self._changed.wait(left)

    def _work(self) -> None:
        while not self._stopping:
            self._send_next(wait=True, for_ever=True)

    def _send_next(self, *, wait: bool, for_ever: bool = False) -> bool:
        letter = self._take(wait=wait, for_ever=for_ever)
        if letter is None:
            return False
        try:
            answer = self.carry(letter.envelope, letter.tries, letter.reason)
        except Exception:
            self._done()
            raise
        self._done(letter, answer)
        return True

    def _take(self, *, wait: bool, for_ever: bool) -> Letter | None:
        with self._changed:
            while not self._stopping:
                if self.held:
                    if not for_ever:
                        return None
                    self._changed.wait(0.05)
                    continue
                if not self._letters and not for_ever:
                    return None
                delay = self._letters[0].due - time.monotonic() if self._letters else None
                if delay is not None and delay <= 0:
                    self._under_way += 1
                    return heapq.heappop(self._letters)
                self._changed.wait(delay)
            return None

    def _done(self, letter: Letter | None = None, answer: Answer | None = None) -> None:
        with self._changed:
            self._under_way -= 1
            if letter is not None and answer is not None:
                self._judge(letter, answer)
            self._changed.notify_all()

    def _judge(self, letter: Letter, answer: Answer) -> None:
        if answer.ok:
            self.sent.append(letter.envelope)
        elif letter.tries >= len(self.retry_delays) or answer.headers.get("x-slack-no-retry") == "1":
            self.undelivered.append(letter.envelope)
        else:
            due = time.monotonic() + self.retry_delays[letter.tries]
            again = Letter(due, letter.number, letter.envelope, letter.tries + 1, answer.failure)
            heapq.heappush(self._letters, again)
