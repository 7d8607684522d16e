"""The stand-in itself: give it the address of Debrief, and let its people act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from tests.stand_ins.server import Asked, Reply, StandIn
from tests.stand_ins.slack.delivery import Answer, Courier, Delivery, Sender
from tests.stand_ins.slack.interacting import Interacting
from tests.stand_ins.slack.occurrences import Occurrences
from tests.stand_ins.slack.outbox import Outbox
from tests.stand_ins.slack.responses import answer_response
from tests.stand_ins.slack.sockets import Sockets
from tests.stand_ins.slack.talking import Talking
from tests.stand_ins.slack.trouble import Spell, Trouble
from tests.stand_ins.slack.web_api import Call, answer_call, answer_file
from tests.stand_ins.slack.workspace import Channel, Message, ResponseAddress, User, View, Where, Who, Workspace

PATHS = {"commands": "/slack/commands", "interactions": "/slack/interactions", "events": "/slack/events"}


class SlackStandIn(Talking, Interacting, StandIn):
    """A workspace with ada, ben, cy and mallory in #general and #incidents, and the bot `debrief` in the latter.

    Debrief is told `api_url` and the tokens (`settings`); the stand-in is told where Debrief is by `app`, or by
    `deliver_with` a function. Then events are sent by a thread of the stand-in, or, with a function, in the
    thread of the person acting, at the end of what they do; `wait_sent` waits for all of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.workspace = Workspace()
        self.courier = Courier(self.workspace.signing_secret, lambda: self.workspace.clock())
        self.outbox = Outbox(self._carry_event)
        self.occurred = Occurrences(self.workspace, self.outbox)
        self.trouble = Trouble(lambda: self.workspace.clock())
        self.sockets = Sockets(self.workspace)
        self.socket_mode = False
        self.calls: list[Call] = []
        self.suggested: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.paths_of = dict(PATHS)
        for name in ("ada", "ben", "cy", "mallory"):
            self.person(name, email=f"{name}@example.org")
        people = ["ada", "ben", "cy", "mallory"]
        self.channel("general", people, bot=False)
        self.channel("incidents", people)

    def __exit__(self, *error: object) -> None:
        self.sockets.stop()
        self.outbox.stop()
        super().__exit__(*error)

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    def settings(self) -> dict[str, str]:
        """The environment of a Debrief that uses this Slack."""
        return {
            "SLACK_API_URL": self.api_url,
            "SLACK_BOT_TOKEN": self.workspace.bot_token,
            "SLACK_SIGNING_SECRET": self.workspace.signing_secret,
            "SLACK_APP_TOKEN": self.workspace.app_token,
        }

    # What is told to Debrief

    @property
    def app(self) -> str:
        return self.courier.address

    @app.setter
    def app(self, address: str) -> None:
        self.courier.address = address
        self.courier.sender = None
        self.outbox.start()

    def deliver_with(self, sender: Sender) -> Self:
        """`sender(path, body, headers)` answers status and body (and headers); see `through_client`."""
        self.courier.sender = sender
        return self

    def send_in_parallel(self, threads: int) -> None:
        self.outbox.start(threads)

    def use_sockets(self) -> str:
        """Turns Socket Mode on: from now on nothing comes by HTTP, and events wait for a connection."""
        self.socket_mode = True
        self.outbox.start()
        return self.sockets.new_address()

    def drop_every(self, seconds: float, *how: str) -> None:
        """Ends the Socket Mode connections again and again: `abrupt`, `warning`, `refresh_requested`."""
        self.sockets.drop_every(seconds, *how)

    def _deliver(self, kind: str, payload: Mapping[str, Any]) -> Answer:
        if self.socket_mode:
            return self.sockets.carry(kind, payload)
        path = self.paths_of["interactions" if kind == "suggestions" else kind]
        if kind == "commands":
            return self.courier.send_form(path, payload)
        return self.courier.send_form(path, {"payload": json.dumps(payload)})

    def _carry_event(self, envelope: dict[str, Any], retry_num: int, reason: str) -> Answer:
        if self.socket_mode:
            return self.sockets.carry("events", envelope, attempt=retry_num, patient=True)
        return self.courier.send_json(self.paths_of["events"], envelope, retry_num=retry_num, retry_reason=reason)

    def _after_acting(self) -> None:
        if self.courier.sender is not None and not self.outbox.held:
            self.outbox.wait_sent()

    def wait_sent(self, timeout: float = 30.0) -> None:
        self.outbox.wait_sent(timeout)

    def send(self, path: str, body: bytes, **how: Any) -> Answer:
        """A request of your own making: `signature`, `timestamp`, `retry_num`, `content_type` as `Courier.send`."""
        return self.courier.send(path, body, **how)

    @property
    def deliveries(self) -> list[Delivery]:
        """Every request that was sent to Debrief by HTTP, with its answer."""
        return self.courier.deliveries

    def replay(self, delivery: Delivery | None = None, times: int = 1, *, at_once: bool = False) -> list[Answer]:
        """Sends the same bytes again (the last ones, if none are named), one after the other or all `at_once`."""
        chosen = delivery or self.courier.deliveries[-1]
        if not at_once:
            return [self.courier.replay(chosen) for _ in range(times)]
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(self.courier.replay, [chosen] * times))

    def send_again(self, delivery: Delivery, retry_num: int = 1, reason: str = "http_timeout") -> Answer:
        """As Slack tries again: the same body, signed anew, with the number and the reason of the try."""
        kind = delivery.headers["Content-Type"]
        return self.courier.send(
            delivery.path, delivery.body, content_type=kind, retry_num=retry_num, retry_reason=reason
        )

    def send_event(self, event: dict[str, Any]) -> Answer:
        """One event, wrapped and signed, sent now and once, whoever subscribed to it."""
        whole = {"event_ts": self.workspace.next_ts(), **event}
        return self._carry_event(self.occurred.wrapped(whole), 0, "")

    def verify_url(self) -> Answer:
        """What Slack sends when the address of the events is entered."""
        token = self.workspace.verification_token
        body = {"token": token, "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7", "type": "url_verification"}
        return self.courier.send_json(self.paths_of["events"], body)

    def rate_limit_events(self) -> Answer:
        """What Slack sends when an app is sent too many events."""
        body = {
            "token": self.workspace.verification_token,
            "type": "app_rate_limited",
            "team_id": self.workspace.team_id,
            "minute_rate_limited": self.workspace.now() // 60 * 60,
            "api_app_id": self.workspace.app_id,
        }
        return self.courier.send_json(self.paths_of["events"], body)

    # What is told to Slack

    def answer(self, asked: Asked) -> Reply:
        if asked.path.startswith("/api/"):
            return answer_call(self, asked.path.removeprefix("/api/"), asked)
        if self.trouble.outage:
            return self.trouble.before("") or Reply(503)
        if asked.path.startswith("/response/"):
            return answer_response(self, asked)
        if asked.path.startswith("/files-pri/"):
            return answer_file(self, asked)
        return Reply(404, b"<html>not found</html>", "text/html")

    def user(self, who: Who) -> User:
        return self.workspace.find_user(who)

    def direct(self, who: Who) -> Channel:
        """This person's conversation with the bot."""
        with self.workspace.lock:
            return self.workspace.direct(self.user(who).id)

    def messages(self, where: Where) -> list[Message]:
        """What stands in the channel, oldest first."""
        with self.workspace.lock:
            return list(self.workspace.find_channel(where).messages.values())

    def called(self, method: str) -> list[Call]:
        """The calls of this method that were done."""
        return [call for call in self.calls if call.method == method and not call.error]

    def responses(self) -> list[ResponseAddress]:
        """The response addresses to which something came."""
        return [address for address in self.workspace.addresses.values() if address.received]

    def modal(self, who: Who) -> View | None:
        return self.workspace.modal(who)

    def home(self, who: Who) -> View | None:
        return self.workspace.homes.get(self.workspace.find_user(who).id)

    # Bad days

    def limit(self, method: str = "*", times: int | None = 1, retry_after: float = 1) -> None:
        """Answers 429 with Retry-After; who comes back too soon stands in `trouble.too_early`."""
        self.trouble.spells.append(Spell("limit", method, times, retry_after))

    def limit_every(self, n: int, retry_after: float = 1) -> None:
        """Every nth call is answered 429; 0 ends it."""
        self.trouble.every = (n, retry_after) if n else None

    def fail(self, method: str, how: str | int, times: int | None = 1) -> None:
        """`how` is an error's name, answered as Slack does, or an HTTP status."""
        self.trouble.spells.append(Spell("fail", method, times, how))

    def slow(self, method: str, seconds: float, times: int | None = 1) -> None:
        self.trouble.spells.append(Spell("slow", method, times, seconds))

    def lose_answer(self, method: str, times: int | None = 1) -> None:
        """The call is done and the connection breaks before the answer."""
        self.trouble.spells.append(Spell("lose", method, times))

    def down(self, how: str = "503") -> None:
        """Nothing works until `up`: `how` is 503 or reset (the connection ends without an answer)."""
        self.trouble.outage = how

    def up(self) -> None:
        self.trouble.outage = ""
        self.trouble.spells.clear()
