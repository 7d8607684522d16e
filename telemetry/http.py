"""The one HTTP client for everything that Debrief asks of a backend.

It keeps a deadline over all requests of one query, even against a server that sends a byte at a
time; counts bytes after decompression; waits out refusals that pass; follows no redirect; and
connects only to addresses that it has looked at. Failures are `SourceError`s.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

import httpcore
import httpx

from telemetry.network import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Backend,
    Deadline,
    MalformedPem,
    RefusedAddress,
    Transport,
    decompressed,
    secret_values,
    tls_context,
)
from telemetry.observations import Budget, Connection, Outcome, Status
from telemetry.redaction import redact_text, storable_value

ATTEMPTS = 4
PASSING = frozenset({429, 502, 503, 504})
ERROR_BODY_BYTES = 64 * 1024
USER_AGENT = "Debrief"
UNSTORABLE = re.compile(rb"(?i)\\u(?:0000|d[89a-f])")

STATUS_OF_CODE = {
    400: Status.INVALID_QUERY,
    401: Status.UNAUTHENTICATED,
    403: Status.DENIED,
    404: Status.NOT_INSTALLED,
    408: Status.TIMEOUT,
    410: Status.GONE,
    422: Status.INVALID_QUERY,
    429: Status.THROTTLED,
}
REMEDY_OF_STATUS = {
    Status.UNAUTHENTICATED: "Renew the credentials of this source.",
    Status.DENIED: "Grant these credentials read access.",
    Status.NOT_INSTALLED: "Check the address of this source and its path.",
    Status.THROTTLED: "Collect again later, or narrow the scope.",
    Status.UNREACHABLE: "Check the address, the network between, and that the backend runs.",
    Status.TIMEOUT: "Collect again later, or narrow the window or the scope.",
}


class SourceError(Exception):
    """A backend that could not be asked or did not answer well; says so as an outcome would.

    `retryable`: worth collecting again later. `transient`: worth asking again within this query.
    `limit`: the budget's field that ran out.
    """

    transient = False

    def __init__(
        self,
        status: Status,
        reason: str,
        *,
        remedy: str | None = None,
        retryable: bool = False,
        limit: str = "",
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.remedy = REMEDY_OF_STATUS.get(status, "") if remedy is None else remedy
        self.retryable = retryable
        self.limit = limit


class Refusal(SourceError):
    """An answer outside 2xx: its `code`, its `headers`, and the start of its `body`."""

    def __init__(self, reason: str, *, code: int, headers: Mapping[str, str], body: bytes) -> None:
        status = STATUS_OF_CODE.get(code, Status.ERROR)
        super().__init__(status, reason, retryable=code in PASSING or code >= 500)
        self.transient = code in PASSING
        self.code, self.headers, self.body = code, headers, body

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, or an empty one if it is something else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def outcome_of(error: SourceError, *, kept: int = 0, **known: Any) -> Outcome:
    """The outcome of a query that `error` ended; with something kept it is partial, not failed."""
    status = Status.PARTIAL if kept and error.status is not Status.TRUNCATED else error.status
    return Outcome(
        status=status,
        reason=error.reason,
        remedy=error.remedy,
        retryable=error.retryable,
        kept=kept,
        truncated_by=error.limit,
        **known,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole successful answer; `body` is decompressed."""

    code: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises `SourceError` if it is none."""
        try:
            value = json.loads(self.body)
            # An escape can put a character into any name or label that no database takes.
            return storable_value(value) if UNSTORABLE.search(self.body) else value
        except (ValueError, RecursionError):
            raise SourceError(
                Status.ERROR, "the answer is not JSON", remedy="Check that the address is the backend's API."
            ) from None

    def json_object(self) -> dict[str, Any]:
        value = self.json()
        if not isinstance(value, dict):
            raise SourceError(Status.ERROR, "the answer is JSON, but not an object")
        return value


class Http:
    """One source's client for the length of one query. Use as a context manager.

    `auth` keys are those of `Connection.auth`. Raises `SourceError` alone.
    """

    def __init__(
        self,
        *,
        url: str,
        auth: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        ca_pem: str = "",
        verify: bool = True,
        allow_private: bool = False,
        server_name: str = "",
        budget: Budget | None = None,
    ) -> None:
        auth = auth or {}
        self.budget = budget or Budget()
        self.bytes_left = self.budget.bytes
        self.requests_left = self.budget.requests
        self._url = check_url(url)
        self._host = urlsplit(url).netloc
        self._secrets = secret_values(auth, headers or {})
        self._extensions = {"sni_hostname": server_name} if server_name else {}
        self._deadline = Deadline(self.budget.deadline_seconds)
        try:
            context = tls_context(
                ca_pem=ca_pem, verify=verify, cert=auth.get("client_cert", ""), key=auth.get("client_key", "")
            )
        except MalformedPem as error:
            raise SourceError(Status.NOT_CONFIGURED, str(error)) from None
        self._client = httpx.Client(
            transport=Transport(Backend(self._deadline, allow_private=allow_private), context),
            headers=request_headers(auth, headers or {}),
            auth=(auth["username"], auth.get("password", "")) if auth.get("username") else None,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
        )

    @classmethod
    def for_connection(cls, connection: Connection, budget: Budget | None = None) -> Self:
        return cls(
            url=connection.url,
            auth=connection.auth,
            headers=connection.headers,
            ca_pem=connection.ca_pem,
            verify=connection.verify,
            allow_private=connection.allow_private,
            budget=budget,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def seconds_left(self) -> float:
        return self._deadline.remaining

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        return self._send(self._client.build_request("GET", self._url + path, params=params or None))

    def post(self, path: str, *, form: Mapping[str, str] | None = None, body: Any = None, once: bool = False) -> Answer:
        """POST `form` as form data, or `body` as JSON. A question may be sent twice; what writes is sent `once`."""
        return self._send(self._client.build_request("POST", self._url + path, data=form, json=body), once=once)

    def put(self, path: str, *, body: Any) -> Answer:
        """PUT with `body` as JSON: sent twice it leaves the same."""
        return self._send(self._client.build_request("PUT", self._url + path, json=body))

    def delete(self, path: str, *, body: Any) -> Answer:
        """DELETE with `body` as JSON, for what a question leaves behind: it may be sent twice."""
        return self._send(self._client.build_request("DELETE", self._url + path, json=body))

    def _send(self, request: httpx.Request, *, once: bool = False) -> Answer:
        request.extensions |= self._extensions
        for attempt in range(1, 1 if once else ATTEMPTS):
            try:
                return self._attempt(request)
            except SourceError as error:
                wait = self._pause(error, attempt)
                if wait is None:
                    raise
            time.sleep(wait)
        return self._attempt(request)

    def _pause(self, error: SourceError, attempt: int) -> float | None:
        """Seconds to wait before asking again, or None if that makes no sense."""
        if not error.transient or self.requests_left <= 0:
            return None
        asked = retry_after(error.headers) if isinstance(error, Refusal) else None
        jitter = random.uniform(0.05, 0.25)  # noqa: S311  spreads load, guards nothing
        wait = (0.2 * 2**attempt if asked is None else asked) + jitter
        if wait < self.seconds_left:
            return wait
        if asked is not None:
            error.reason += f"; it asks to wait {asked:.0f} s, longer than what is left of the time budget"
        return None

    def _attempt(self, request: httpx.Request) -> Answer:
        if self.requests_left <= 0:
            raise SourceError(
                Status.TRUNCATED,
                f"stopped at the budget of {self.budget.requests} requests",
                remedy="Narrow the scope or the window.",
                limit="requests",
            )
        self.requests_left -= 1
        try:
            response = self._client.send(request, stream=True)
            try:
                return self._read(response)
            finally:
                response.close()
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise self._unreachable(error) from None
        except httpcore.TimeoutException:
            raise self._timed_out() from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise self._cut_off(str(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(Status.ERROR, f"the request failed: {type(error).__name__}") from None

    def _read(self, response: httpx.Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code // 100 != 2:
            raise self._refusal(response, headers)
        body = bytearray()
        for chunk in decompressed(response):
            self.bytes_left -= len(chunk)
            if self.bytes_left < 0:
                raise SourceError(
                    Status.TRUNCATED,
                    f"the answer is larger than the budget of {self.budget.bytes:,} bytes",
                    remedy="Narrow the scope or the window.",
                    limit="bytes",
                )
            body += chunk
        return Answer(response.status_code, headers, bytes(body))

    def _refusal(self, response: httpx.Response, headers: Mapping[str, str]) -> Refusal:
        body = bytearray()
        for chunk in decompressed(response):
            body += chunk
            if len(body) > ERROR_BODY_BYTES:
                break
        words = self._public(words_of(bytes(body[:ERROR_BODY_BYTES])))
        reason = f"answered {response.status_code}" + (f": {words}" if words else "")
        if response.is_redirect:
            reason = f"answered {response.status_code}, a redirect, which is not followed"
        return Refusal(reason, code=response.status_code, headers=headers, body=bytes(body))

    def _unreachable(self, error: Exception) -> SourceError:
        if isinstance(error, RefusedAddress):
            remedy = "Use the backend's own address, or allow private addresses for this source."
            return SourceError(Status.NOT_CONFIGURED, str(error), remedy=remedy)
        reason = f"{self._host} cannot be reached: {self._public(str(error)) or 'no answer'}"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return SourceError(Status.UNREACHABLE, reason, remedy="Give the CA that signed its certificate.")
        found = SourceError(Status.UNREACHABLE, reason, retryable=True)
        found.transient = True
        return found

    def _timed_out(self) -> SourceError:
        spent = self.seconds_left <= 0.05
        within = f"the {self.budget.deadline_seconds:g} s of its budget" if spent else f"{READ_SECONDS:g} s"
        return SourceError(Status.TIMEOUT, f"no complete answer within {within}", retryable=True)

    def _cut_off(self, words: str) -> SourceError:
        found = SourceError(
            Status.ERROR,
            f"the answer was cut off or unreadable: {self._public(words) or 'the connection closed'}",
            remedy="Collect again later; if it stays, look for a proxy between that ends connections.",
            retryable=True,
        )
        # A kept connection that the server closed meanwhile: nothing was answered, so ask anew.
        found.transient = "without sending a response" in words
        return found

    def _public(self, text: str) -> str:
        return public_words(text, self._secrets)


def public_words(text: str, secrets: Iterable[str]) -> str:
    """The start of what a backend or a library said, without credentials, on one line."""
    for secret in secrets:
        text = text.replace(secret, "[redacted:credential]")
    return " ".join(redact_text(text[:2_000]).text.split())[:300]


def check_url(url: str) -> str:
    """`url` without a closing slash; raises `SourceError` unless it is plain http(s) with a host."""
    expected = "url: expected http:// or https:// with a host, and without user, query and fragment"
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise SourceError(Status.NOT_CONFIGURED, expected) from None
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or re.search(r"[\s\x00-\x1f]", url))
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain or not port_is_fine:
        raise SourceError(Status.NOT_CONFIGURED, expected)
    return url.rstrip("/")


def request_headers(auth: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """What every request carries; raises `SourceError` for a name or value that no header may have."""
    sent = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip", **headers}
    if auth.get("bearer"):
        sent["Authorization"] = f"Bearer {auth['bearer'].strip()}"
    elif auth.get("api_key"):
        sent.setdefault("Authorization", f"ApiKey {auth['api_key'].strip()}")
    for name, value in sent.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not re.fullmatch(r"[\x20-\x7e\t]*", value):
            raise SourceError(
                Status.NOT_CONFIGURED,
                f"header {name[:40]!r}: expected a token as name, printable ASCII as value",
            )
    return sent


def words_of(body: bytes) -> str:
    """What an error body says to people: its `message` or `error`, or plain text that is no page."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        text = body[:1_000].decode(errors="replace").strip()
        return "" if text.startswith("<") else text
    if isinstance(value, dict):
        value = value.get("message") or value.get("error") or ""
    return value if isinstance(value, str) else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, given as a number or as a date."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit() and value.isascii():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
