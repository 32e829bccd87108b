"""An asynchronous listener of a signal in the parent, which waits: its rest comes where the loop turns next."""
import asyncio
import logging
import os
import signal
import warnings

from configure import configure_logging, say
from tornado.process import fork_processes

configure_logging("basic-info")
# The parent ends without having run its own copy, of which Python complains.
logging.getLogger("asyncio").disabled = True
warnings.simplefilter("ignore")
parent = os.getpid()
reading, writing = os.pipe()
loop = asyncio.new_event_loop()
seen = False


async def rest():
    say("the rest, in the parent: %s" % (os.getpid() == parent))


def listener(number, frame):
    global seen
    seen = True
    loop.create_task(rest())
    os.write(writing, b"x")


signal.signal(signal.SIGUSR2, listener)
fork_processes(1, max_restarts=1)
if not seen:
    os.kill(os.getppid(), signal.SIGUSR2)
    os.read(reading, 1)
    os._exit(1)
loop.run_until_complete(asyncio.sleep(0.01))
say("the child goes on")
