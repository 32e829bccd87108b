"""A restarted child keeps its id: at its first start 1 exits with 3 and 2 is killed; at its second each ends well."""
import os

from configure import configure_logging, end, say
from tornado.process import fork_processes

configure_logging("basic-info")
task = fork_processes(3)
try:
    os.mkdir("started-%d" % task)
    first = True
except FileExistsError:
    first = False
if first and task == 1:
    end("_exit:3")
if first and task == 2:
    end("signal:9")
say("%d %s" % (task, "first" if first else "second"))
