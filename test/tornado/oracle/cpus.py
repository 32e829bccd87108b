"""All processors, not those this process may use."""
from configure import say
from tornado.process import cpu_count

say(str(cpu_count()))
