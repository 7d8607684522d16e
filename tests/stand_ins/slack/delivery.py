"""Requests as Slack sends them: signed, over HTTP, and the answer that came."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

ANSWER_WITHIN = 3.0

# Takes path, body and headers; answers status and body, and headers if it has them. A transport may raise OSError.
Sender = Callable[[str, bytes, Mapping[str, str]], "tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]"]


@dataclass
class Answer:
    """What came back; status 0 when nothing did in time, with the reason in `failure`."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    failure: str = ""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 and not self.failure

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Delivery:
    """One request as it went out, and what came back."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    answer: Answer


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def http_sender(address: str, within: float) -> Sender:
    """Sends to a server at this address over a connection of its own."""

    def send(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, Mapping[str, str]]:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=within)
        try:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    return send


def through_client(client: Any) -> Sender:
    """Sends through a Django test client, in the thread and the transaction of the test."""

    def send(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, Mapping[str, str]]:
        more = {name: value for name, value in headers.items() if name != "Content-Type"}
        answer = client.post(path, data=body, content_type=headers.get("Content-Type", ""), headers=more)
        return answer.status_code, answer.content, {name.lower(): value for name, value in answer.items()}

    return send


class Courier:
    """Signs and sends; keeps every attempt in `.deliveries`."""

    def __init__(self, signing_secret: str, clock: Callable[[], float]) -> None:
        self.signing_secret = signing_secret
        self.clock = clock
        self.sender: Sender | None = None
        self.address = ""
        self.answer_within = ANSWER_WITHIN
        self.deliveries: list[Delivery] = []

    def send(
        self,
        path: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        signature: str | None = None,
        timestamp: str | int | None = None,
        retry_num: int = 0,
        retry_reason: str = "http_error",
    ) -> Answer:
        """`signature` and `timestamp` replace the right ones; an empty one is left out."""
        moment = str(int(self.clock()) if timestamp is None else timestamp)
        signed = signature_of(self.signing_secret, moment, body) if signature is None else signature
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": moment,
            "X-Slack-Signature": signed,
        }
        headers = {name: value for name, value in headers.items() if value}
        if retry_num:
            headers |= {"X-Slack-Retry-Num": str(retry_num), "X-Slack-Retry-Reason": retry_reason}
        answer = self._carried(path, body, headers)
        self.deliveries.append(Delivery(path, body, headers, answer))
        return answer

    def replay(self, delivery: Delivery) -> Answer:
        """The very same bytes and headers once more."""
        answer = self._carried(delivery.path, delivery.body, delivery.headers)
        self.deliveries.append(Delivery(delivery.path, delivery.body, delivery.headers, answer))
        return answer

    def _carried(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        send = self.sender or http_sender(self.address, self.answer_within)
        started = time.perf_counter()
        try:
            status, content, *rest = send(path, body, headers)
        except TimeoutError:
            return Answer(0, seconds=time.perf_counter() - started, failure="http_timeout")
        except (OSError, http.client.HTTPException):
            return Answer(0, seconds=time.perf_counter() - started, failure="connection_failed")
        seconds = time.perf_counter() - started
        failure = "http_timeout" if seconds > self.answer_within else "" if 200 <= status < 300 else "http_error"
        return Answer(status, content, rest[0] if rest else {}, seconds, failure)

    def send_json(self, path: str, payload: Mapping[str, Any], **more: Any) -> Answer:
        return self.send(path, json.dumps(payload).encode(), **more)

    def send_form(self, path: str, fields: Mapping[str, str], **more: Any) -> Answer:
        return self.send(path, urlencode(fields).encode(), content_type="application/x-www-form-urlencoded", **more)
