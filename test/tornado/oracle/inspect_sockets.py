"""The listening sockets of another process, as getsockopt, fcntl and ss show them. argv: pid."""
import ctypes
import os
import re
import socket
import subprocess
import sys

SYS_pidfd_getfd = 438
O_CLOEXEC = 0o2000000
libc = ctypes.CDLL(None, use_errno=True)


def borrow(pidfd, fd):
    got = libc.syscall(SYS_pidfd_getfd, pidfd, fd, 0)
    if got < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return socket.socket(fileno=got)


def option(sock, level, name):
    return "%s=%d" % (name, sock.getsockopt(getattr(socket, level), getattr(socket, name)))


def by_ss(port, family):
    ip = "-4" if family == socket.AF_INET else "-6"
    lines = subprocess.check_output(["ss", "-Hltne", ip, "sport", "=", ":%d" % port], text=True).splitlines()
    for line in lines:
        state, receive, send, local = line.split()[:4]
        extra = re.search(r"v6only:\d", line)
        yield "ss %s %s %s %s %s" % (state, receive, send, local.rsplit(":", 1)[0], extra and extra.group())


pid = int(sys.argv[1])
pidfd = os.pidfd_open(pid)
for fd in sorted(int(name) for name in os.listdir("/proc/%d/fd" % pid)):
    if not os.readlink("/proc/%d/fd/%d" % (pid, fd)).startswith("socket:"):
        continue
    sock = borrow(pidfd, fd)
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) != 1:
        continue
    info = open("/proc/%d/fdinfo/%d" % (pid, fd)).read()
    flags = int(re.search(r"flags:\s*(\d+)", info).group(1), 8)
    shown = [sock.family.name, str(sock.getsockname()[0])]
    shown += [option(sock, "SOL_SOCKET", name) for name in ("SO_REUSEADDR", "SO_REUSEPORT", "SO_KEEPALIVE")]
    if sock.family == socket.AF_INET6:
        shown.append(option(sock, "IPPROTO_IPV6", "IPV6_V6ONLY"))
    shown.append("O_NONBLOCK=%d" % bool(flags & os.O_NONBLOCK))
    shown.append("FD_CLOEXEC=%d" % bool(flags & O_CLOEXEC))
    print(" ".join(shown))
    if sock.family != socket.AF_UNIX:
        for line in by_ss(sock.getsockname()[1], sock.family):
            print(line)
