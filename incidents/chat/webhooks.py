"""Chat services that take messages at one address: the base posts and reads answers, each says only what to send."""

from __future__ import annotations

import json
import logging
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx
from django.conf import settings

from incidents.chat import registry
from incidents.chat.lanes import Later, Never
from incidents.chat.news import News
from incidents.models import Delivery, Incident

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
ANSWER_BYTES = 2_000
LONGEST_PAUSE = 3_600.0
# A message on which a service stumbles every time would hold up all that come after it: for a quarter of an hour.
MOST_STUMBLES = 20
USER_AGENT = "Debrief"

log = logging.getLogger(__name__)


class Stumbled(Later):
    """The service was there and failed: with this message, or altogether."""


class Webhook(ABC):
    """`setting` names the variable with the address, which is a secret: it appears in no problem and in no log."""

    name: ClassVar[str]
    label: ClassVar[str]
    setting: ClassVar[str]

    def is_on(self) -> bool:
        return bool(self._address())

    def deliver(self, delivery: Delivery) -> None:
        incident = Incident.objects.filter(deliveries=delivery).only("visibility").first()
        if incident is None or incident.is_restricted:
            # It became so after it was enqueued: nothing of it leaves the house, and nothing has failed.
            log.info("%s: delivery %s is kept back, its incident is restricted", self.name, delivery.pk)
            return
        try:
            self.post(self.message(News.of_json(delivery.content)))
        except Stumbled as problem:
            if delivery.attempts >= MOST_STUMBLES:
                raise Never(f"{problem} So it did {delivery.attempts} times; what came after goes on.") from None
            raise

    @abstractmethod
    def message(self, news: News) -> dict[str, Any]: ...

    def refusal(self, body: str) -> Exception | None:
        """What a service says with the code of success; override where one does so."""
        return None

    def post(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT}
        try:
            with (
                httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client,
                client.stream("POST", self._address(), content=body, headers=headers) as answer,
            ):
                said = _beginning(answer)
        except httpx.TimeoutException:
            raise Later(f"{self.label} did not answer within {TIMEOUT.read:.0f} seconds.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            raise Later(f"{self.label} could not be reached ({type(problem).__name__}).") from None
        self._judge(answer, said)

    def _address(self) -> str:
        return str(getattr(settings, self.setting))

    def _judge(self, answer: httpx.Response, said: str) -> None:
        code = answer.status_code
        if code < 300:
            if problem := self.refusal(said):
                raise problem
            return
        if code == 429:
            raise Later(f"{self.label} asked to wait.", retry_after(answer.headers.get("Retry-After"), _now()))
        if code in {408, 425} or code >= 500:
            after = retry_after(answer.headers.get("Retry-After"), _now())
            raise Stumbled(f"{self.label} answered {code}.", after)
        if code < 400:
            raise Never(f"{self.label} sent us elsewhere ({code}). Put the final address into {self.setting}.")
        if code in {401, 403, 404, 410}:
            raise Never(f"{self.label} answered {code}: the webhook is gone. Make a new one and set {self.setting}.")
        raise Never(f"{self.label} refused the message with {code}: {said[:300] or 'it gave no reason'}")


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a number of them or from a date; None where there is neither."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(LONGEST_PAUSE, float(text[:9]))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(LONGEST_PAUSE, max(0.0, (at - now).total_seconds()))


def _beginning(answer: httpx.Response) -> str:
    """So much as a reason needs, for so long as an answer may take."""
    until, found = time.monotonic() + (TIMEOUT.read or 0), b""
    for chunk in answer.iter_raw():
        found += chunk
        if len(found) >= ANSWER_BYTES or time.monotonic() > until:
            break
    return " ".join(found[:ANSWER_BYTES].decode(errors="replace").replace("\x00", "").split())


def _now() -> datetime:
    return datetime.now(UTC)


_webhooks: list[Webhook] = []


def register(webhook: Webhook) -> Webhook:
    _webhooks.append(webhook)
    registry.register(webhook)
    return webhook


def turned_on() -> list[Webhook]:
    return [webhook for webhook in _webhooks if webhook.is_on()]
