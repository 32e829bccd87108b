"""What real Tornado does, as JSON: the oracle of test/netutil.

    netutil.py bind ARGUMENTS     bind_sockets(**ARGUMENTS), then describe the sockets
    netutil.py describe FD...     describe sockets that were inherited
    netutil.py is_valid_ip TEXTS  the opinion on each
"""

import fcntl
import json
import os
import socket
import struct
import sys

from tornado.netutil import bind_sockets, is_valid_ip


def backlog(sock):
    # tcpi_sacked of a listening socket (net/ipv4/tcp.c, tcp_get_info)
    return struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64), 28)[0]


def describe(sock):
    options = {
        name: sock.getsockopt(socket.SOL_SOCKET, getattr(socket, name))
        for name in ["SO_ACCEPTCONN", "SO_KEEPALIVE", "SO_PROTOCOL", "SO_REUSEADDR", "SO_REUSEPORT", "SO_TYPE"]
    }
    if sock.family == socket.AF_INET6:
        options["IPV6_V6ONLY"] = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    options["O_NONBLOCK"] = bool(fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK)
    return {
        "family": int(sock.family),
        "address": sock.getsockname()[0],
        "backlog": backlog(sock),
        "options": options,
    }


command, arguments = sys.argv[1], sys.argv[2:]
if command == "bind":
    answer = [describe(sock) for sock in bind_sockets(0, **json.loads(arguments[0]))]
elif command == "describe":
    answer = [describe(socket.socket(fileno=int(fd))) for fd in arguments]
else:
    answer = [is_valid_ip(text) for text in json.loads(arguments[0])]
print(json.dumps(answer))
