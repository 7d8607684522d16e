"""Debrief's own sockets with two bare ones beside them, in one process: `uvicorn benchmarks.echo:application`."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

import config.asgi
from config.sockets import routes


class Echo(AsyncWebsocketConsumer):
    """Back to the sender, as it came."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(bytes_data=bytes_data)


class Relay(AsyncWebsocketConsumer):
    """To everybody else in the room, as it came: what any server for writing together does at the least."""

    rooms: dict[str, set[Relay]] = {}

    async def connect(self) -> None:
        await self.accept()
        self.room = self.rooms.setdefault(self.scope["url_route"]["kwargs"]["room"], set())
        self.room.add(self)

    async def disconnect(self, code: int) -> None:
        self.room.discard(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        for other in self.room - {self}:
            await other.send(bytes_data=bytes_data)


bare = [path("echo/", Echo.as_asgi()), path("relay/<slug:room>/", Relay.as_asgi())]
sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([*routes, *bare])))
pages = config.asgi.application.application_mapping["http"]
application = ProtocolTypeRouter({"http": pages, "websocket": sockets})
