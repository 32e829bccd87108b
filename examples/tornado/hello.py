"""Says hello from one process for each processor."""
import asyncio
import os
import signal

from tornado.httpserver import HTTPServer
from tornado.log import app_log, enable_pretty_logging
from tornado.netutil import bind_sockets
from tornado.process import fork_processes, task_id
from tornado.web import Application, RequestHandler

GREETINGS = dict(en="Hello", de="Hallo", ja="こんにちは")


class Hello(RequestHandler):
    def get(self, language):
        greeting = GREETINGS.get(language, "?")
        self.write("%s from worker %d to %s\n" % (greeting, task_id(), self.request.remote_ip))


async def serve(sockets):
    application = Application([("/(.*)", Hello)], log_function=lambda handler: None)
    server = HTTPServer(application, xheaders=True, idle_connection_timeout=60)
    server.add_sockets(sockets)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app_log.info("worker %d listens", task_id())
    await stop.wait()

    server.stop()
    await server.close_all_connections()


enable_pretty_logging()
sockets = bind_sockets(int(os.environ.get("PORT", 8888)))
fork_processes(0, max_restarts=10)
asyncio.run(serve(sockets))
