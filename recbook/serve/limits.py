"""Refuse a body that is too large before it is read whole."""

from __future__ import annotations

import json


class BodyLimit:
    """ASGI middleware: a body above `limit` bytes is answered by 413.

    The length that a client states is believed only where it is too large; what comes is counted.
    """

    def __init__(self, app, *, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope, receive, send) -> None:
        """Pass a request on, with its body once that has come."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        parts, size, more = [], 0, True
        while more and size <= self.limit:
            if stated.isdigit() and int(stated) > self.limit:
                size = int(stated)
                break
            message = await receive()
            if message["type"] != "http.request":  # the client has gone
                return
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
        if size > self.limit:
            await _refuse(send, self.limit)
            return
        body, sent = b"".join(parts), False

        async def whole():
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, whole, send)


async def _refuse(send, limit: int) -> None:
    text = f"the body has more than {limit:,} bytes; send several requests."
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
