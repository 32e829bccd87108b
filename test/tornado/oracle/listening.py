"""Sockets to be looked at from outside. argv: how they are bound. Ends when standard input does."""
import os
import socket
import sys

from configure import say
from tornado.netutil import bind_sockets

CASES = {
    "port 0 on two families": lambda: bind_sockets(0),
    "empty address": lambda: bind_sockets(0, ""),
    "localhost": lambda: bind_sockets(0, "localhost"),
    "127.0.0.1": lambda: bind_sockets(0, "127.0.0.1"),
    "::1": lambda: bind_sockets(0, "::1"),
    "127.1": lambda: bind_sockets(0, "127.1"),
    "IPv4 only": lambda: bind_sockets(0, family=socket.AF_INET),
    "IPv6 only": lambda: bind_sockets(0, family=socket.AF_INET6),
    "backlog 5": lambda: bind_sockets(0, backlog=5),
    "reuse_port": lambda: bind_sockets(0, reuse_port=True),
    "no flags": lambda: bind_sockets(0, flags=0),
}

sockets = CASES[sys.argv[1]]()
ports = {sock.getsockname()[1] for sock in sockets}
for sock in sockets:
    say("%s %s" % (sock.family.name, sock.getsockname()[0]))
say("%d port" % len(ports))
say("ready")
os.read(0, 1)
