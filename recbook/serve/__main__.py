"""`python -m recbook.serve --db events.db --port 8000`: run the service."""

from __future__ import annotations

import argparse
import socket
import sys

from recbook.serve.events import EventLog
from recbook.serve.live import LiveRecommender
from recbook.serve.weights import ItemWeights


def main(arguments: list[str] | None = None) -> int:
    """Run the service until it is told to stop (Ctrl-C, SIGTERM); return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m recbook.serve", description=main.__doc__)
    parser.add_argument("--db", required=True, help="the log of events; made where missing")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="this machine only, unless named")
    parser.add_argument("--weights", help="item weights, as ItemWeights.save writes them")
    parser.add_argument("--synchronous", choices=("full", "normal"), default="full")
    parser.add_argument("--popular-every", type=int, default=1, metavar="EVENTS",
                        help="copy the popularity once in so many events")  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        import uvicorn

        from recbook.serve.app import create_app

        weights = ItemWeights.load(given.weights) if given.weights else None
        recommender = LiveRecommender(weights, popular_every=given.popular_every)
        listening = _listen(given.host, given.port)
        log = EventLog(given.db, synchronous=given.synchronous)
    except ImportError as error:
        missing = error.name or "a package"
        print(f"{missing} is missing: run pip install 'recbook[serve]'", file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        print(f"recbook.serve: {error}", file=sys.stderr)
        return 2
    recommender.follow(log)
    host, port = listening.getsockname()[:2]
    # Connections wait in the socket from here on, so whoever reads this line may send requests.
    print(f"http://{host}:{port} events {recommender.position}", flush=True)
    config = uvicorn.Config(
        create_app(log, recommender), log_level="warning", timeout_graceful_shutdown=5
    )
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and each answer waits 40 ms for nothing.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise ValueError(
            f"cannot listen on {host}:{port} ({error}); name another --port, or 0 for a free one"
        ) from None
    return listening


if __name__ == "__main__":
    sys.exit(main())
