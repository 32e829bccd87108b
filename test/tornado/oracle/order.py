"""The ids in the order of their pids, told by the parent's exit handler; each child's parent is the parent."""
import atexit
import os

from configure import say
from tornado.process import fork_processes, task_id

parent = os.getpid()


def tell():
    if task_id() is None:
        pid_max = int(open("/proc/sys/kernel/pid_max").read())
        after = [(int(open("pid-%d" % i).read()) - parent) % pid_max for i in range(5)]  # they may have wrapped round
        by_pid = sorted((distance, i) for i, distance in enumerate(after))
        say("order %s" % " ".join(str(i) for _, i in by_pid))


atexit.register(tell)
task = fork_processes(5)
with open("pid-%d" % task, "w") as file:
    file.write(str(os.getpid()))
assert os.getppid() == parent
