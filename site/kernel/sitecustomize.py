"""Loaded by every Python that runs a chapter: the network is off, but for this machine itself.

A chapter that quietly fetches something would not be reproducible on a train or in a class room.
"""

import ipaddress
import os
import socket

_connect, _connect_ex, _getaddrinfo = (
    socket.socket.connect,
    socket.socket.connect_ex,
    socket.getaddrinfo,
)


def _refuse_remote(host):
    if not isinstance(host, str) or host in ("", "localhost"):
        return
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    raise OSError(
        f"chapters run without a network, and this one asked for {host!r}: load data through "
        "recbook.data, which fetches it before the chapters run"
    )


def _guard(original):
    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_remote(address[0])
        return original(self, address)

    return connect


def _resolve(host, *args, **kwargs):
    _refuse_remote(host.decode() if isinstance(host, bytes) else host)
    return _getaddrinfo(host, *args, **kwargs)


if os.environ.get("RECBOOK_CHAPTER"):
    socket.socket.connect = _guard(_connect)
    socket.socket.connect_ex = _guard(_connect_ex)
    socket.getaddrinfo = _resolve
