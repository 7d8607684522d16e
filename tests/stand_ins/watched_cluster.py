"""A small, truthful Kubernetes API server whose objects change while it is listed and watched."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import cycle
from typing import Any, Literal, Self

from tests.stand_ins.api_server import (
    ApiServerStandIn,
    is_watch,
    no_previous,
    not_served,
    pod_is_gone,
    recorded_body,
    status_reply,
)
from tests.stand_ins.cluster_state import Change, ClusterState, Held, Key
from tests.stand_ins.server import Asked, Reply
from tests.stand_ins.watching import Trouble, Watch, expired_line

On = Literal["watch", "list"]
Refused = tuple[int, str, str]


class WatchedClusterStandIn(ApiServerStandIn):
    """`put`, `delete`, `compact`, `replay` change it; `truth` and `changes` say what was; `trouble` spoils answers.

    Collections are named by plural (`events`), group and plural (`apps/deployments`) or key. `logs` holds text or
    a refusal by (namespace, pod, container, previous). `expired_form` is how a watch says that its version is gone,
    `expired_reasons` the words it uses in turn. `initial_events`: serves `sendInitialEvents`, as 1.32 and later do.
    """

    def __init__(self, *, opaque: bool = False) -> None:
        super().__init__()
        self.state = ClusterState(opaque=opaque)
        self.bookmark_seconds = 0.2
        self.expired_form: Literal["line", "status"] = "line"
        self.expired_reasons = cycle(["Expired", "Gone"])
        self.initial_events = False
        self.logs: dict[tuple[str, str, str, bool], str | Refused] = {}
        self._troubles: dict[tuple[Key, On], list[Trouble]] = {}
        self._lock = threading.Lock()
        self._snapshots: dict[tuple[Key, int], list[Change]] = {}

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        with self.state.changed:
            self.state.changed.notify_all()
        super().__exit__()

    def serve(self, prefix: str, plural: str, kind: str) -> Self:
        """One more kind of object, such as ("/apis/velero.io/v1", "backups", "Backup")."""
        self.state.held[prefix, plural] = Held(prefix, plural, kind)
        return self

    def put(self, which: str | Key, obj: dict[str, Any]) -> dict[str, Any]:
        """Create, or update by uid; returns the object as the server has it now."""
        return self.state.put(which, obj).object

    def delete(self, which: str | Key, uid: str) -> dict[str, Any]:
        return self.state.delete(which, uid).object

    def compact(self) -> None:
        self.state.compact()

    def drop_watches(self) -> None:
        """Hang up on every watch, as a proxy does that is restarted."""
        self.state.drop_watches()

    def replace(self, cluster_uid: str) -> None:
        """Another, empty cluster answers at this address from now on."""
        self.cluster_uid = cluster_uid
        self.state.replace()
        self._snapshots.clear()

    def steps(self, recording: str) -> list[Callable[[], object]]:
        return self.state.steps(recording)

    def replay(self, recording: str) -> None:
        for step in self.steps(recording):
            step()

    def truth(self, which: str | Key) -> dict[str, dict[str, Any]]:
        return self.state.truth(which)

    def changes(self, which: str | Key) -> list[Change]:
        return self.state.changes(which)

    def trouble(self, which: str | Key, trouble: Trouble, *, on: On = "watch") -> None:
        """Troubles of one collection are suffered in the order in which they were given."""
        held = self.state.of(which)
        with self._lock:
            self._troubles.setdefault(((held.prefix, held.plural), on), []).append(trouble)

    def no_more_trouble(self) -> None:
        """From the next request on; what goes on now goes on."""
        with self._lock:
            self._troubles.clear()

    def _take(self, key: Key, on: On) -> Trouble:
        with self._lock:
            waiting = self._troubles.get((key, on), [])
            while waiting and waiting[0].times == 0:
                waiting.pop(0)
            if not waiting:
                return Trouble()
            if waiting[0].times is not None:
                waiting[0].times -= 1
            return replace(waiting[0])

    def listing(self, key: Key, namespace: str | None, query: Mapping[str, str]) -> Reply:
        held = self.state.held.get(key)
        if held is None:
            return not_served()
        trouble = self._take(key, "watch" if is_watch(query) else "list")
        refusal = trouble.refusal()
        if refusal is not None:
            return refusal
        if is_watch(query):
            return self._watch(held, namespace, query, trouble)
        reply = self._list(held, namespace, query)
        if trouble.cut_after_bytes is not None:
            whole = len(reply.body)
            reply.body = reply.body[: trouble.cut_after_bytes]
            reply.missing = max(1, whole - len(reply.body))
        return reply

    def _watch(self, held: Held, namespace: str | None, query: Mapping[str, str], trouble: Trouble) -> Reply:
        text = query.get("resourceVersion", "")
        after = self.state.read(text) if text not in {"", "0"} else None
        if after is None and text not in {"", "0"}:
            return _malformed(text)
        if after is not None and after < self.state.forgotten:
            return self._expired()
        initial = self.initial_events and query.get("sendInitialEvents") == "true"
        watch = Watch(self.state, held, namespace, query, self.stopping, self.bookmark_seconds, initial, trouble)
        return Reply(chunks=watch.stream(None if initial else after))

    def _expired(self) -> Reply:
        body = recorded_body("watch-410-expired.http")
        line = expired_line(body, next(self.expired_reasons))
        if self.expired_form == "line":
            return Reply(chunks=iter([line]))
        return Reply.of_json(json.loads(line)["object"], 410)

    def _list(self, held: Held, namespace: str | None, query: Mapping[str, str]) -> Reply:
        token = json.loads(base64.urlsafe_b64decode(query["continue"])) if query.get("continue") else {"rv": -1}
        with self.state.changed:
            version, start = self.state.version, tuple(token.get("start", ("", "")))
            if token["rv"] >= 0:
                version = token["rv"]
                if version < self.state.forgotten:
                    return _expired_token(start)
            elif not token.get("start") and (too_large := self._ahead(query)):
                return too_large
            found = self._snapshot(held, version)
        items = [one for one in found if namespace in {None, one.place[0]} and one.place >= start]
        limit = int(query.get("limit") or 0) or len(items)
        metadata: dict[str, Any] = {"resourceVersion": self.state.written(version)}
        if len(items) > limit:
            metadata["continue"] = _token(version, items[limit].place)
            metadata["remainingItemCount"] = len(items) - limit
        # Items of a typed list do not repeat their kind.
        bare = [{k: v for k, v in one.object.items() if k not in {"kind", "apiVersion"}} for one in items[:limit]]
        body = {"kind": f"{held.kind}List", "apiVersion": held.api_version, "metadata": metadata, "items": bare}
        return Reply.of_json(body)

    def _snapshot(self, held: Held, version: int) -> list[Change]:
        """Kept for the pages that follow; the newest few are enough."""
        key = ((held.prefix, held.plural), version)
        if key not in self._snapshots:
            while len(self._snapshots) > 8:
                self._snapshots.pop(next(iter(self._snapshots)))
            self._snapshots[key] = held.as_of(version)
        return self._snapshots[key]

    def _ahead(self, query: Mapping[str, str]) -> Reply | None:
        text = query.get("resourceVersion", "")
        if text in {"", "0"}:
            return None
        version = self.state.read(text)
        if version is None:
            return _malformed(text)
        if version > self.state.version:
            words = f"Too large resource version: {text}, current: {self.state.written(self.state.version)}"
            return status_reply(504, "Timeout", words)
        return None

    def log(self, *, namespace: str, pod: str, query: Mapping[str, str]) -> Reply:
        container = query.get("container", "")
        found = self.logs.get((namespace, pod, container, query.get("previous") == "true"))
        if isinstance(found, tuple):
            return status_reply(*found)
        if found is not None:
            lines = found.splitlines(keepends=True)
            tail = int(query["tailLines"]) if query.get("tailLines") else len(lines)
            text = "".join(lines[len(lines) - min(tail, len(lines)) :]).encode()
            limit = int(query.get("limitBytes") or 0) or len(text)
            return Reply(200, text[:limit], content_type="text/plain")
        living = {one.place for one in self.state.of("pods").as_of(self.state.version)}
        return no_previous(container, pod) if (namespace, pod) in living else pod_is_gone(pod)

    def watches(self, which: str | Key) -> list[Asked]:
        """The watches of a collection that were asked for, in order."""
        held = self.state.of(which)
        end = f"/{held.plural}"
        asked = list(self.requests)
        return [a for a in asked if a.path.startswith(held.prefix + "/") and a.path.endswith(end) and is_watch(a.query)]


def _token(version: int, start: tuple[str, str]) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _expired_token(start: tuple[str, ...]) -> Reply:
    """As recorded: with a token that goes on from here, if not with the same list."""
    status = json.loads(recorded_body("continue-410-expired.http"))
    status["metadata"]["continue"] = _token(-1, (start[0], start[1]))
    return Reply.of_json(status, 410)


def _malformed(version: str) -> Reply:
    return status_reply(
        400, "BadRequest", f'Invalid value: "{version}": the resource version is not one of this server'
    )
