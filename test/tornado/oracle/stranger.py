"""A child that fork_processes does not know is reaped in silence; the known one ends only after that."""
import os

from configure import configure_logging, say
from tornado.process import fork_processes

configure_logging("basic-info")
stranger = os.fork()
if stranger == 0:
    os._exit(7)
fork_processes(1)
while os.path.exists("/proc/%d" % stranger):
    os.sched_yield()
say("the stranger was reaped")
