"""A cap on request bodies before Django spools them to disk. Views have smaller limits of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

LIMIT = 64 * 1024 * 1024


class BodyLimit:
    """Answers 413 as soon as more than `limit` bytes have come, announced or not."""

    def __init__(self, application: Application, limit: int = LIMIT) -> None:
        self.application = application
        self.limit = limit

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        received, started = 0, False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            # To the application the client is gone; the refusal below is what the client gets.
            return {"type": "http.disconnect"} if received > self.limit else message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        await self.application(scope, counted, noted)
        if received > self.limit and not started:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        body = f"The body is larger than {self.limit // 2**20} MiB.\n".encode()
        headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})
