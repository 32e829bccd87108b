"""What was written and not flushed before the fork. argv: processes."""
import sys

from tornado.process import fork_processes

sys.stdout.write("x")
fork_processes(int(sys.argv[1]))
