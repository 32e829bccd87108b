"""Python's functions with arguments that nobody should give them: those of odd_arguments.json."""
import errno
import fcntl
import json
import os
import signal
import socket
import time

from configure import say

pairs = []


def new_socket():
    pairs.append(socket.socketpair())
    return pairs[-1][0]


def filled_socket():
    new_socket()
    pairs[-1][1].send(b"x")
    return pairs[-1][0]


STAND_INS = {
    "@self": os.getpid,
    "@none": lambda: 2**22 + 1,
    "@closed": lambda: 999,
    "@file": lambda: os.open("lock", os.O_CREAT | os.O_RDWR, 0o600),
    "@socket": new_socket,
    "@filled": filled_socket,
    "@x": lambda: b"x",
    "@nan": lambda: float("nan"),
    "@inf": lambda: float("inf"),
    "@huge": lambda: 1e20,
    "@ignore": lambda: signal.SIG_IGN,
    "@default": lambda: signal.SIG_DFL,
}


def argument(value):
    if isinstance(value, list):
        return [argument(each) for each in value]
    if isinstance(value, str) and value in STAND_INS:
        return STAND_INS[value]()
    return value


def function(name):
    modules = (signal,) if name == "signal" else (os, signal, fcntl, socket, time)
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def outcome(call, arguments):
    try:
        result = call(*map(argument, arguments))
        if isinstance(result, bool):
            return str(result)
        return str(int(result)) if isinstance(result, int) else "answered"
    except OSError as error:
        return errno.errorcode[error.errno]
    except (AttributeError, OverflowError, TypeError, ValueError):
        return "refused"


with open(os.path.splitext(__file__)[0] + ".json") as file:
    calls = json.load(file)
for name, lists in calls.items():
    for arguments in lists:
        say("%s %s: %s" % (name, json.dumps(arguments, separators=(",", ":"), ensure_ascii=False), outcome(function(name), arguments)))
