"""views.*: modals, their stack, and the Home tab."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.slack.chat import with_block_ids
from tests.stand_ins.slack.elements import initial_state
from tests.stand_ins.slack.limits import check_view
from tests.stand_ins.slack.methods import Asking, method
from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.workspace import View, Workspace

TRIGGER_LIFETIME = 3.0
MOST_STACKED = 3


def kept_view(workspace: Workspace, view: View, *, view_id: str = "") -> View:
    """The view as Slack keeps it and shows it in answers and payloads."""
    view_id = view_id or workspace.new_id("V")
    blocks = with_block_ids(workspace, view["blocks"])
    kept = {
        "id": view_id,
        "team_id": workspace.team_id,
        "type": view["type"],
        "blocks": blocks,
        "private_metadata": view.get("private_metadata", ""),
        "callback_id": view.get("callback_id", ""),
        "state": {"values": initial_state(blocks)},
        "hash": f"{workspace.now()}.{workspace.number('hash'):08x}",
        "title": view.get("title"),
        "clear_on_close": bool(view.get("clear_on_close")),
        "notify_on_close": bool(view.get("notify_on_close")),
        "close": view.get("close"),
        "submit": view.get("submit"),
        "previous_view_id": None,
        "root_view_id": view_id,
        "app_id": workspace.app_id,
        "external_id": view.get("external_id", ""),
        "app_installed_team_id": workspace.team_id,
        "bot_id": workspace.bot_id,
    }
    workspace.views[view_id] = kept
    return kept


def put_on_top(workspace: Workspace, user: str, view: View) -> View:
    stack = workspace.stacks[user]
    if len(stack) >= MOST_STACKED:
        raise Refused("push_limit_reached")
    kept = kept_view(workspace, view)
    if stack:
        kept |= {"previous_view_id": stack[-1], "root_view_id": stack[0]}
    stack.append(kept["id"])
    return kept


def replace_view(workspace: Workspace, old: View, view: View) -> View:
    """The same place in the stack with new content; what was typed stays where block and action ids stay."""
    typed = old["state"]["values"]
    kept = kept_view(workspace, view, view_id=old["id"])
    kept |= {name: old[name] for name in ("previous_view_id", "root_view_id")}
    for block_id, actions in kept["state"]["values"].items():
        for action_id in actions:
            earlier = typed.get(block_id, {}).get(action_id)
            if earlier and earlier["type"] == actions[action_id]["type"]:
                actions[action_id] = earlier
    return kept


def _exchange_trigger(asking: Asking) -> str:
    """The user whose trigger it is; each works once, and not for long."""
    trigger = asking.workspace.triggers.get(asking.get("trigger_id"))
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.exchanged:
        raise Refused("exchanged_trigger_id")
    if asking.workspace.clock() - trigger.issued_at > TRIGGER_LIFETIME:
        raise Refused("expired_trigger_id")
    trigger.exchanged = True
    return trigger.user


def _check_external_id(asking: Asking, view: View, own: str = "") -> None:
    wanted = view.get("external_id")
    shown = {view_id for stack in asking.workspace.stacks.values() for view_id in stack}
    if wanted and any(asking.workspace.views[one]["external_id"] == wanted for one in shown - {own}):
        raise Refused("duplicate_external_id")


@method("views.open", "trigger_id", "view")
def open_view(asking: Asking) -> dict[str, Any]:
    view = asking.get("view")
    check_view(view, "modal")
    _check_external_id(asking, view)
    user = _exchange_trigger(asking)
    asking.workspace.stacks[user].clear()
    return {"view": put_on_top(asking.workspace, user, view)}


@method("views.push", "trigger_id", "view")
def push_view(asking: Asking) -> dict[str, Any]:
    view = asking.get("view")
    check_view(view, "modal")
    _check_external_id(asking, view)
    user = _exchange_trigger(asking)
    if not asking.workspace.stacks[user]:
        raise Refused("not_found")
    return {"view": put_on_top(asking.workspace, user, view)}


@method("views.update", "view")
def update_view(asking: Asking) -> dict[str, Any]:
    view = asking.get("view")
    check_view(view, "modal")
    wanted, external = asking.get("view_id"), asking.get("external_id")
    shown = [view_id for stack in asking.workspace.stacks.values() for view_id in stack]
    for view_id in shown:
        old = asking.workspace.views[view_id]
        if view_id == wanted or (external and old["external_id"] == external):
            if asking.get("hash", old["hash"]) != old["hash"]:
                raise Refused("hash_conflict")
            _check_external_id(asking, view, own=view_id)
            return {"view": replace_view(asking.workspace, old, view)}
    raise Refused("not_found")


@method("views.publish", "user_id", "view")
def publish_view(asking: Asking) -> dict[str, Any]:
    view = asking.get("view")
    check_view(view, "home")
    user = asking.workspace.users.get(asking.get("user_id"))
    if user is None or user.is_bot:
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] invalid `user_id`"]})
    old = asking.workspace.homes.get(user.id)
    if old and asking.get("hash", old["hash"]) != old["hash"]:
        raise Refused("hash_conflict")
    kept = kept_view(asking.workspace, view, view_id=old["id"] if old else "")
    asking.workspace.homes[user.id] = kept
    return {"view": kept}
