"""`/api/v1/docs/`: the schema as a page. Drawn on the server, since the content policy allows no outside viewer."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.generic import View
from drf_spectacular.generators import SchemaGenerator


@method_decorator(login_required, name="dispatch")
class ApiDocsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
        groups: dict[str, list[dict[str, Any]]] = {}
        for address, methods in sorted(schema["paths"].items()):
            for method, operation in methods.items():
                if not isinstance(operation, dict) or "responses" not in operation:
                    continue
                group = address.removeprefix("/api/v1/").split("/")[0]
                groups.setdefault(group, []).append(_shown(address, method, operation))
        context = {"groups": sorted(groups.items()), "title": schema["info"]["title"], "version": schema["openapi"]}
        return render(request, "api_docs.html", context)


def _shown(address: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return {
        "address": address,
        "method": method.upper(),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": operation.get("parameters", []),
        "body": body.get("$ref", "").rpartition("/")[2],
        "responses": sorted(operation["responses"]),
    }
