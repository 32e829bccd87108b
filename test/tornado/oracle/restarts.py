"""Child 0 always ends badly, child 1 lives on. argv: max_restarts, logging."""
import sys

from configure import block, configure_logging, end, number_or_none
from tornado.process import fork_processes

max_restarts, logging = sys.argv[1:]
configure_logging(logging)
task = fork_processes(2, number_or_none(max_restarts))
if task == 0:
    end("_exit:1")
block()
