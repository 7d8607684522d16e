"""People with the app: commands, shortcuts, buttons, menus and modals."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from tests.stand_ins.slack import payloads
from tests.stand_ins.slack.delivery import Answer, Courier
from tests.stand_ins.slack.elements import elements_of, filled, find_element, is_empty
from tests.stand_ins.slack.limits import check_message, check_view, problems_of_groups, problems_of_options
from tests.stand_ins.slack.occurrences import Occurrences
from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.responses import take_response
from tests.stand_ins.slack.views import put_on_top, replace_view
from tests.stand_ins.slack.workspace import (
    Channel,
    Message,
    NotPossible,
    ResponseAddress,
    User,
    View,
    Where,
    Who,
    Workspace,
)


@dataclass
class Submitted:
    """What came of a modal's submit button: `errors` by block id, or the window closed, or went on to `view`.
    `trouble` is what Slack told the person instead ("We had some trouble connecting")."""

    answer: Answer
    errors: dict[str, str] = field(default_factory=dict)
    view: View | None = None
    trouble: str = ""

    @property
    def ok(self) -> bool:
        return not self.errors and not self.trouble


class Interacting(ABC):
    """Mixed into the stand-in. Each answers what the app answered; `NotPossible` is what a person could not do."""

    workspace: Workspace
    courier: Courier
    occurred: Occurrences
    url: str
    suggested: dict[tuple[str, str], list[dict[str, Any]]]

    @abstractmethod
    def _after_acting(self) -> None:
        """Waits, where events go out in the thread of who acts."""

    @abstractmethod
    def _deliver(self, kind: str, payload: dict[str, Any]) -> Answer:
        """To the app, by HTTP or by socket."""

    def _address(self, user: User, channel: str, ts: str = "") -> tuple[ResponseAddress, str]:
        address = self.workspace.issue_address(user.id, channel, ts)
        return address, f"{self.url}/response/{address.id}"

    def command(self, who: Who, text: str = "", *, where: Where | None = None, name: str = "/incident") -> Answer:
        """Types the command; without a channel in the direct message with the bot. An answer with words in it is
        shown as Slack shows it (`slack.seen_by(who)`)."""
        with self.workspace.lock:
            user = self.workspace.find_user(who)
            channel = self.workspace.find_channel(where) if where else self.workspace.direct(user.id)
            address, url = self._address(user, channel.id)
            fields = payloads.command(self.workspace, user, channel, name=name, text=text, response_url=url)
        answer = self._deliver("commands", fields)
        if answer.ok and answer.body.strip():
            self._show_answer(address, answer)
        self._after_acting()
        return answer

    def _show_answer(self, address: ResponseAddress, answer: Answer) -> None:
        words = answer.text
        said = json.loads(words) if words.lstrip().startswith("{") else {"text": words}
        try:
            check_message(said.get("text"), said.get("blocks"))
        except Refused as refused:
            answer.failure = f"the answer is not one that Slack shows: {refused.more or refused.error}"
            return
        with self.workspace.lock:
            take_response(self, address, said)  # type: ignore[arg-type]

    def shortcut(self, who: Who, callback_id: str) -> Answer:
        with self.workspace.lock:
            payload = payloads.shortcut(self.workspace, self.workspace.find_user(who), callback_id)
        answer = self._deliver("interactions", payload)
        self._after_acting()
        return answer

    def message_shortcut(self, who: Who, callback_id: str, where: Where, ts: str | Message) -> Answer:
        with self.workspace.lock:
            user, channel = self.workspace.find_user(who), self.workspace.find_channel(where)
            message = channel.messages[ts if isinstance(ts, str) else ts["ts"]]
            _, url = self._address(user, channel.id, message["ts"])
            payload = payloads.message_action(self.workspace, user, channel, message, callback_id, url)
        answer = self._deliver("interactions", payload)
        self._after_acting()
        return answer

    def press(
        self,
        who: Who,
        where: Where,
        ts: str | Message,
        action_id: str,
        *,
        value: str | None = None,
        option: Any = None,
        block_id: str = "",
    ) -> Answer:
        """Presses a button (or chooses an `option`, a user, a date) of a message or an ephemeral one."""
        with self.workspace.lock:
            user, channel = self.workspace.find_user(who), self.workspace.find_channel(where)
            wanted = ts if isinstance(ts, str) else ts["ts"]
            message, ephemeral = self._pressable(user, channel, wanted)
            block, element = find_element(message.get("blocks", []), action_id, block_id=block_id, value=value)
            action = self._action(block, element, option)
            _, url = self._address(user, channel.id, wanted)
            payload = payloads.message_press(self.workspace, user, channel, message, action, url, ephemeral=ephemeral)
        answer = self._deliver("interactions", payload)
        self._after_acting()
        return answer

    def _pressable(self, user: User, channel: Channel, ts: str) -> tuple[Message, bool]:
        for one in self.workspace.ephemerals:
            if one.ts == ts and one.user == user.id:
                return one.message, True
        if user.id not in channel.members and channel.private:
            raise NotPossible(f"{user.name} does not see #{channel.name}")
        if ts not in channel.messages:
            raise NotPossible(f"#{channel.name} has no message {ts}")
        return channel.messages[ts], False

    def _action(self, block: dict[str, Any], element: dict[str, Any], option: Any) -> dict[str, Any]:
        action = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
        for name in ("text", "value", "style", "placeholder"):
            if name in element:
                action[name] = element[name]
        if element["type"] != "button":
            offered = self.suggested.get((block["block_id"], element["action_id"]), [])
            action |= filled(element, option, offered)
        return action | {"action_ts": self.workspace.next_ts()}

    def press_home(self, who: Who, action_id: str, *, value: str | None = None, option: Any = None) -> Answer:
        with self.workspace.lock:
            user = self.workspace.find_user(who)
            if user.id not in self.workspace.homes:
                raise NotPossible(f"{user.name}'s Home tab is empty")
            view = self.workspace.homes[user.id]
        return self._press_view(user, view, action_id, value, option)

    def press_modal(self, who: Who, action_id: str, *, value: str | None = None, option: Any = None) -> Answer:
        """A button, or an input that dispatches its change, in the view on top."""
        user = self.workspace.find_user(who)
        return self._press_view(user, self._top(user), action_id, value, option)

    def _press_view(self, user: User, view: View, action_id: str, value: str | None, option: Any) -> Answer:
        with self.workspace.lock:
            block, element = find_element(view["blocks"], action_id, value=value)
            action = self._action(block, element, option)
            if element["type"] not in {"button", "overflow"}:
                offered = self.suggested.get((block["block_id"], action_id), [])
                view["state"]["values"][block["block_id"]][action_id] = filled(element, option, offered)
            payload = payloads.view_press(self.workspace, user, view, action)
        answer = self._deliver("interactions", payload)
        self._after_acting()
        return answer

    def _top(self, user: User) -> View:
        view = self.workspace.modal(user)
        if view is None:
            raise NotPossible(f"{user.name} has no modal open")
        return view

    def suggest(self, who: Who, action_id: str, typed: str = "", *, view: View | None = None) -> list[dict[str, Any]]:
        """Types into an external select of the modal on top; the options that the app offers."""
        with self.workspace.lock:
            user = self.workspace.find_user(who)
            shown = view or self._top(user)
            block, element = find_element(shown["blocks"], action_id)
            if len(typed) < int(element.get("min_query_length", 3)):
                raise NotPossible("the menu asks nothing before min_query_length (3 if unset) characters are typed")
            payload = payloads.suggestion(self.workspace, user, shown, block, element, typed)
        answer = self._deliver("suggestions", payload)
        offered = answer.json() if answer.ok else {}
        groups = offered.get("option_groups")
        options = offered.get("options") or [one for group in groups or [] for one in group["options"]]
        problems = list(
            problems_of_groups(groups, "") if groups else problems_of_options(options, "/options", most=100, least=0)
        )
        if not answer.ok or problems:
            raise NotPossible(f"Slack shows “an error occurred”: {problems or answer}")
        self.suggested[(block["block_id"], element["action_id"])] = options
        return list(options)

    def submit(self, who: Who, values: dict[str, Any] | None = None) -> Submitted:
        """Fills the modal on top and presses its submit button. `values` by block id or action id: text, an option's
        value (a list for many), an id, a date, a time; what is not named keeps what it shows."""
        with self.workspace.lock:
            user = self.workspace.find_user(who)
            view = self._top(user)
            self._fill(view, values or {})
            payload = payloads.submission(self.workspace, user, view)
        answer = self._deliver("interactions", payload)
        with self.workspace.lock:
            submitted = self._take(user, view, answer)
        self._after_acting()
        return submitted

    def _fill(self, view: View, values: dict[str, Any]) -> None:
        left = set(values)
        for block, element in elements_of(view["blocks"]):
            states = view["state"]["values"].get(block["block_id"], {})
            for name in (block["block_id"], element.get("action_id", "")):
                if name in values and element.get("action_id") in states:
                    offered = self.suggested.get((block["block_id"], element["action_id"]), [])
                    states[element["action_id"]] = filled(element, values[name], offered)
                    left.discard(name)
            required = block["type"] == "input" and not block.get("optional")
            if required and is_empty(states[element["action_id"]]):
                raise NotPossible(f"{block['label']['text']!r} ({block['block_id']}) must be filled in first")
        if left:
            raise NotPossible(f"the modal has no field {sorted(left)}; it has {sorted(view['state']['values'])}")

    def _take(self, user: User, view: View, answer: Answer) -> Submitted:
        if not answer.ok:
            return Submitted(answer, trouble="We had some trouble connecting. Try again?")
        stack = self.workspace.stacks[user.id]
        if not answer.body.strip():
            if stack:
                stack.pop()
            return Submitted(answer)
        try:
            said = answer.json()
            action = said["response_action"]
            if action == "errors":
                inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
                if not said["errors"] or set(said["errors"]) - inputs:
                    raise ValueError(f"errors name blocks that are no inputs: {said['errors']}")
                return Submitted(answer, errors=said["errors"])
            if action == "clear":
                stack.clear()
                return Submitted(answer)
            check_view(said["view"], "modal")
            replace = {"update": lambda: replace_view(self.workspace, view, said["view"])}
            shown = replace.get(action, lambda: put_on_top(self.workspace, user.id, said["view"]))()
            return Submitted(answer, view=shown)
        except (Refused, ValueError, KeyError) as wrong:
            return Submitted(answer, trouble=f"We had some trouble connecting. ({getattr(wrong, 'more', '') or wrong})")

    def close(self, who: Who) -> Answer | None:
        """Closes the view on top; the app hears of it if the view asked for that."""
        with self.workspace.lock:
            user = self.workspace.find_user(who)
            view = self._top(user)
            self.workspace.stacks[user.id].pop()
            payload = payloads.closing(self.workspace, user, view)
        return self._deliver("interactions", payload) if view["notify_on_close"] else None

    def seen_by(self, who: Who) -> list[Message]:
        """The messages that only this person sees, oldest first."""
        user = self.workspace.find_user(who)
        return [one.message for one in self.workspace.ephemerals if one.user == user.id]
