"""The addresses that probes ask, answered whatever name they ask by."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config import operations

Answer = Callable[[HttpRequest], HttpResponse]
PROBES: dict[str, Answer] = {
    "/healthz": operations.healthz,
    "/readyz": operations.readyz,
    "/metrics": operations.metrics,
}


class ProbeMiddleware:
    """Orchestrators ask a pod by its own address, which ALLOWED_HOSTS cannot know beforehand; stands before all that asks for the host."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = PROBES.get(request.path_info) if request.method in {"GET", "HEAD"} else None
        return answer(request) if answer else self._get_response(request)
