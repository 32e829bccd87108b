"""What bind_sockets refuses, and how. argv: one case."""
import errno
import socket
import sys

from configure import say
from tornado.netutil import bind_sockets


kept = []


def taken(address):
    kept.extend(bind_sockets(0, address))
    return kept[-1].getsockname()[1]


CASES = {
    "port in use": lambda: bind_sockets(taken("127.0.0.1"), "127.0.0.1"),
    "port in use, IPv6": lambda: bind_sockets(taken("::1"), "::1"),
    "port in use on one of two families": lambda: bind_sockets(taken("::")),
    "port in use with reuse_port by one only": lambda: bind_sockets(
        taken("127.0.0.1"), "127.0.0.1", reuse_port=True
    ),
    "address of another machine": lambda: bind_sockets(0, "203.0.113.1"),
    "address of another machine, IPv6": lambda: bind_sockets(0, "2001:db8::1"),
    "link-local address without a scope": lambda: bind_sockets(0, "fe80::1"),
    "unknown host": lambda: bind_sockets(0, "nosuchhost.invalid"),
    "no host name at all": lambda: bind_sockets(0, "a b"),
    "label too long": lambda: bind_sockets(0, "x" * 70),
    "address of the other family": lambda: bind_sockets(0, "127.0.0.1", family=socket.AF_INET6),
    "address of the other family, IPv6": lambda: bind_sockets(0, "::1", family=socket.AF_INET),
    "host name where only numbers may be": lambda: bind_sockets(
        0, "localhost", flags=socket.AI_NUMERICHOST
    ),
    "port below zero": lambda: bind_sockets(-1),
    "port beyond 65535": lambda: bind_sockets(99999),
}


def name_of(error):
    if isinstance(error, socket.gaierror):
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return "ENOTFOUND"
        return [n for n in dir(socket) if n.startswith("EAI_") and getattr(socket, n) == error.errno][0]
    if isinstance(error, OSError):
        return errno.errorcode[error.errno]
    return type(error).__name__


try:
    sockets = CASES[sys.argv[1]]()
    say("%d sockets" % len(sockets))
except Exception as error:
    say(name_of(error))
