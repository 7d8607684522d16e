"""A Grafana that answers as its HTTP API for annotations is documented."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.server import Asked, Reply, StandIn

# As tests/payloads/grafana has one of each kind.
TOKEN = "glsa_stand-in-service-account"


class GrafanaStandIn(StandIn):
    """`annotations` are kept as given; those that are written get the next id."""

    token = TOKEN

    def __init__(self) -> None:
        super().__init__()
        self.annotations: list[dict[str, Any]] = []

    def add(self, time: int, text: str, **more: Any) -> dict[str, Any]:
        found = {
            "id": len(self.annotations) + 1,
            "alertId": 0,
            "alertName": "",
            "dashboardId": 0,
            "dashboardUID": None,
            "panelId": 0,
            "userId": 1,
            "newState": "",
            "prevState": "",
            "created": time,
            "updated": time,
            "time": time,
            "timeEnd": time,
            "text": text,
            "tags": [],
            "login": "admin",
            "email": "admin@grafana.example",
            "data": {},
        } | more
        self.annotations.append(found)
        return found

    def refusal(self, code: int, asked: Asked) -> Reply:
        words = {401: "Invalid API key", 403: "You'll need additional permissions to perform this action."}
        return Reply.of_json({"message": words.get(code, "stand-in"), "accessErrorId": "ACE1"}, code)

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/health":
            return Reply.of_json({"commit": "abc", "database": "ok", "version": "11.4.0"})
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return self.refusal(401, asked)
        if asked.path.startswith("/api/annotations/") and asked.method == "PUT":
            number = int(asked.path.rpartition("/")[2])
            self.annotations[number - 1] |= asked.json()
            return Reply.of_json({"message": "Annotation updated"})
        if asked.path == "/api/annotations" and asked.method == "POST":
            body = asked.json()
            more = {"timeEnd": body.get("timeEnd", body["time"]), "tags": body["tags"]}
            made = self.add(body["time"], body["text"], **more)
            return Reply.of_json({"message": "Annotation added", "id": made["id"]})
        return self.found(asked) if asked.path == "/api/annotations" else Reply(404, b"{}")

    def found(self, asked: Asked) -> Reply:
        """Those that overlap the time and carry every tag, newest first."""
        start, end = int(asked.query.get("from", 0)), int(asked.query.get("to", 10**15))
        rows = [row for row in self.annotations if row["timeEnd"] >= start and row["time"] <= end]
        tags = asked.all("tags")
        rows = [row for row in rows if set(tags) <= set(row["tags"])]
        rows.sort(key=lambda row: (row["time"], row["id"]), reverse=True)
        return Reply.of_json(rows[: int(asked.query.get("limit", 100))])
