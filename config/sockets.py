"""Which sockets there are, and who gets through to them: pages of our own hosts, with the session of a page."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from incidents.writing.consumer import WritingConsumer

routes = [path("incidents/<int:number>/postmortem/socket/", WritingConsumer.as_asgi())]
sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes)))
