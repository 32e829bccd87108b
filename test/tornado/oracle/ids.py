"""task_id() before, in each child, and at the end of the parent. argv: processes, logging."""
import atexit
import sys

from configure import configure_logging, number_or_none, say
from tornado.process import fork_processes, task_id

processes, logging = sys.argv[1:]
configure_logging(logging)
say("before %s" % task_id())
atexit.register(lambda: task_id() is None and say("after %s" % task_id()))
task = fork_processes(number_or_none(processes))
say("child %d %d" % (task, task_id()))
