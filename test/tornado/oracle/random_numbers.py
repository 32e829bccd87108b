"""No two processes draw the same number."""
import atexit
import random

from configure import say
from tornado.process import fork_processes, task_id


def tell():
    if task_id() is None:
        drawn = [open("drawn-%d" % i).read() for i in range(8)] + [str(random.random())]
        say("%d different" % len(set(drawn)))


random.seed(1)
atexit.register(tell)
task = fork_processes(8)
with open("drawn-%d" % task, "w") as file:
    file.write(str(random.random()))
