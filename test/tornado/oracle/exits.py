"""Every child ends in the same way. argv: processes, max_restarts, how, logging."""
import sys

from configure import configure_logging, end, number_or_none
from tornado.process import fork_processes

processes, max_restarts, how, logging = sys.argv[1:]
configure_logging(logging)
fork_processes(number_or_none(processes), number_or_none(max_restarts))
end(how)
