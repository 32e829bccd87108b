"""A Unix socket at ./socket, where something may be already. argv: what, mode. Ends when standard input does."""
import os
import socket
import stat
import sys

from configure import say
from tornado.netutil import bind_unix_socket

what, mode = sys.argv[1:]
path = "socket"
if what == "stale":
    left = socket.socket(socket.AF_UNIX)
    left.bind(path)
    left.close()
elif what == "served":
    served = socket.socket(socket.AF_UNIX)
    served.bind(path)
    served.listen()
elif what == "foreign":
    open(path, "w").close()
elif what == "directory":
    os.mkdir(path)
elif what == "link":
    os.symlink("nowhere", path)
elif what == "missing directory":
    path = "missing/socket"
elif what == "too long":
    path = "x" * 200
elif what == "abstract":
    path = "\0prefork %d" % os.getpid()
try:
    if mode == "default":
        sock = bind_unix_socket(path)
    else:
        sock = bind_unix_socket(path, int(mode, 8))
    if what == "abstract":
        say("listening %d" % len(os.listdir(".")))
    else:
        status = os.stat(path)
        say("listening %s %o" % (stat.S_ISSOCK(status.st_mode), stat.S_IMODE(status.st_mode)))
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    say("connected")
except ValueError as error:
    say(error.args[0] % error.args[1:])
except OSError as error:
    # Python knows before the system that a path is too long.
    say(os.strerror(error.errno) if error.errno else "Path too long")
say("ready")
os.read(0, 1)
