"""`tornado_server.py workers port`: Tornado's own pre-fork server, with the same answer as application.js, `trivial`."""
import asyncio
import sys

import tornado.httpserver
import tornado.netutil
import tornado.process
import tornado.web


class Hello(tornado.web.RequestHandler):
    def get(self):
        self.finish("hello")


async def serve(sockets):
    application = tornado.web.Application([("/", Hello)], log_function=lambda handler: None)
    tornado.httpserver.HTTPServer(application).add_sockets(sockets)
    await asyncio.Event().wait()


sockets = tornado.netutil.bind_sockets(int(sys.argv[2]), "127.0.0.1", backlog=4096)
tornado.process.fork_processes(int(sys.argv[1]))
asyncio.run(serve(sockets))
