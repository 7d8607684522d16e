"""What every page's frame needs; one query, and none without a signed-in person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from incidents.counts import attention

THEMES = {"light", "dark", "auto"}


def page(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("theme", "auto")
    context: dict[str, Any] = {"theme": theme if theme in THEMES else "auto"}
    if request.user.is_authenticated:
        context["nav"] = attention(request.user)
    return context
