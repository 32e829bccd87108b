"""fork_processes in a child of fork_processes is a mistake of the program."""
from configure import say
from tornado.process import fork_processes

fork_processes(1)
try:
    fork_processes(1)
except AssertionError as error:
    say(type(error).__name__)
