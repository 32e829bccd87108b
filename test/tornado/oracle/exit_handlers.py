"""Exit handlers run at sys.exit, at an error and at the end, not at os._exit. argv: max_restarts, then one way a child."""
import atexit
import sys

from configure import end, say
from tornado.process import fork_processes, task_id

max_restarts, *ways = sys.argv[1:]
atexit.register(lambda: say("bye %s" % task_id()))
end(ways[fork_processes(len(ways), int(max_restarts))])
