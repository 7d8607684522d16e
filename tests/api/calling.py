"""The API as a program calls it: JSON and a bearer token."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from accounts.models import User
from tests.builders import make_token


class Api:
    """`Api(make_person("ada")).post("incidents/", {...})`; without a person no token is sent."""

    def __init__(self, person: User | None = None, *scopes: str) -> None:
        headers = {"Authorization": f"Bearer {make_token(person, *scopes)}"} if person else {}
        self.client = Client(headers=headers)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = json.dumps(body) if body is not None else ""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, f"/api/v1/{path}", data, content_type="application/json", headers=named)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body if body is not None else {}, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)
