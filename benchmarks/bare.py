"""Debrief with one view more that does nothing, behind the same middleware: `uvicorn benchmarks.bare:application`."""

from __future__ import annotations

import time

from celery import shared_task
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config.asgi import application
from config.urls import urlpatterns

__all__ = ["application"]


@csrf_exempt
def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


urlpatterns.append(path("hooks/empty", empty))


@shared_task(name="benchmarks.bare.busy")
def busy(seconds: float) -> None:
    """Holds a worker's process, as a collector does that waits for its backend."""
    time.sleep(seconds)
