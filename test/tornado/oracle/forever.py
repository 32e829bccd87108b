"""Children that live until they are killed. argv: processes, max_restarts, logging, then what the parent does on which signal."""
import os
import signal
import sys

from configure import block, configure_logging, say
from tornado.process import fork_processes

processes, max_restarts, logging, *reactions = sys.argv[1:]
configure_logging(logging)
parent = os.getpid()


def react(number, frame):
    if os.getpid() != parent:
        return
    say("got %d" % number)
    if reaction == "exit":
        sys.exit(5)
    elif reaction == "throw":
        raise Exception("oops")


for entry in reactions:
    reaction, _, number = entry.partition(":")
    signal.signal(int(number), react)
task = fork_processes(int(processes), int(max_restarts))
say("ready %d pid=%d" % (task, os.getpid()))
block()
