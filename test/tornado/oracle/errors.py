"""A server whose code fails. argv: where, logging. What is asked of it: the test."""
import asyncio
import sys

from configure import configure_logging, say
from tornado.httpserver import HTTPServer
from tornado.netutil import add_accept_handler, bind_sockets
from tornado.process import fork_processes, task_id
from tornado.web import Application, RequestHandler

where, logging = sys.argv[1:]


class Raises(RequestHandler):
    def get(self):
        raise Exception("oops")

    def post(self):
        self.write("got %d\n" % len(self.request.body))


class RaisesLater(RequestHandler):
    async def get(self):
        await asyncio.sleep(0)
        raise Exception("oops")


class RaisesInTheMiddle(RequestHandler):
    async def get(self):
        self.set_header("Content-Length", "100")
        self.write("begun ")
        await self.flush()
        raise Exception("oops")


class RaisesUnflushed(RequestHandler):
    def prepare(self):
        self.set_status(201)
        self.set_header("X-Secret", "1")

    def get(self):
        self.set_header("Content-Length", "100")
        self.write("begun ")
        raise Exception("oops")


class RaisesFlushed(RequestHandler):
    def get(self):
        self.set_header("X-Secret", "1")
        self.flush()
        raise Exception("oops")


def raises_written(length):
    class RaisesWritten(RequestHandler):
        def get(self):
            if length is not None:
                self.set_header("Content-Length", str(length))
            self.write("begun ")
            self.flush()
            raise Exception("oops")

    return RaisesWritten


class WritesLater(RequestHandler):
    def get(self):
        asyncio.get_running_loop().call_later(0.05, self.write, "late")
        raise Exception("oops")


class WritesLaterInTheMiddle(RequestHandler):
    def get(self):
        asyncio.get_running_loop().call_later(0.05, self.write, "late")
        self.set_header("Content-Length", "100")
        self.write("begun ")
        self.flush()
        raise Exception("oops")


class RaisesAfterwards(RequestHandler):
    async def get(self):
        await self.finish("all of it\n")
        raise Exception("oops")


class ReplacesHeaders(RequestHandler):
    async def get(self):
        self.set_header("X-Secret", "1")
        self.set_status(201, "Secret")
        raise Exception("oops")


class Answers(RequestHandler):
    def answer(self):
        self.write("ok\n")

    get = post = answer


HANDLERS = dict(
    plain=Answers,
    sync=Raises,
    later=RaisesLater,
    middle=RaisesInTheMiddle,
    afterwards=RaisesAfterwards,
    headers=ReplacesHeaders,
    head=RaisesUnflushed,
    head_empty=RaisesUnflushed,
    head_chunked=RaisesUnflushed,
    flushed=RaisesFlushed,
    written=raises_written(None),
    written_length=raises_written(100),
    written_all=raises_written(6),
    writes_later=WritesLater,
    writes_later_middle=WritesLaterInTheMiddle,
    workers=RaisesLater,
    body=Raises,
)


def accept_handler(connection, address):
    raise Exception("oops")


async def serve(sockets):
    if where == "accept":
        add_accept_handler(sockets[0], accept_handler)
    else:
        application = Application([("/.*", HANDLERS[where])], log_function=lambda handler: None)
        HTTPServer(application, body_timeout=0.3 if where == "body" else None).add_sockets(sockets)
    if task_id() is None:
        say("port=%d" % sockets[0].getsockname()[1])
    say("ready")
    await asyncio.Event().wait()


configure_logging(logging)
sockets = bind_sockets(0, "127.0.0.1")
if where == "workers":
    say("port=%d" % sockets[0].getsockname()[1])
    fork_processes(2, 3)
asyncio.run(serve(sockets))
