"""A server that can be told to end. argv: pattern, processes, address, and for `start` the port."""
import asyncio
import os
import sys

from configure import say
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.process import fork_processes, task_id
from tornado.web import Application, RequestHandler

pattern, processes, address, port = sys.argv[1:]


class Handler(RequestHandler):
    def get(self):
        if self.get_argument("exit", None):
            os._exit(int(self.get_argument("exit")))
        if self.get_argument("signal", None):
            os.kill(os.getpid(), int(self.get_argument("signal")))
        self.write("hello from %d" % task_id())


application = Application([("/", Handler)])


if pattern == "add_sockets":
    sockets = bind_sockets(0, address)
    say("port=%d" % sockets[0].getsockname()[1])
    fork_processes(int(processes))
    say("ready")

    async def main():
        server = HTTPServer(application)
        server.add_sockets(sockets)
        await asyncio.Event().wait()

    asyncio.run(main())
else:
    server = HTTPServer(application)
    server.bind(int(port), address)
    say("port=%s" % port)
    server.start(int(processes))
    say("ready")
    IOLoop.current().start()
