"""TCPServer in one process. argv: one case."""
import asyncio
import logging
import socket
import sys

from configure import say
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.tcpserver import TCPServer

logging.basicConfig()


class Failing(TCPServer):
    def handle_stream(self, stream, address):
        stream.close()
        raise Exception("oops")


class FailingLater(TCPServer):
    async def handle_stream(self, stream, address):
        stream.close()
        await asyncio.sleep(0)
        raise Exception("oops")


class Hello(TCPServer):
    async def handle_stream(self, stream, address):
        say("from %s" % address[0])
        await stream.write(b"hello")
        stream.close()


async def talk(server, address="127.0.0.1"):
    sockets = bind_sockets(0, address)
    server.add_sockets(sockets)
    for sock in sockets:
        client = IOStream(socket.socket(sock.family))
        await client.connect(sock.getsockname()[:2])
        say("read %r" % (await client.read_until_close()).decode())
    await asyncio.sleep(0)
    server.stop()


async def bind_after_start():
    server = Hello()
    server.start()
    server.bind(0, "127.0.0.1")
    say("%d served" % len(server._sockets))
    server.stop()


async def stop_frees_the_port():
    server = Hello()
    sockets = bind_sockets(0, "127.0.0.1")
    port = sockets[0].getsockname()[1]
    server.add_sockets(sockets)
    server.stop()
    bind_sockets(port, "127.0.0.1")
    say("free")


async def stop_twice():
    server = TCPServer()
    server.add_sockets(bind_sockets(0, "127.0.0.1"))
    server.stop()
    server.stop()
    say("stopped")


async def start_twice():
    server = TCPServer()
    server.start()
    try:
        server.start()
    except AssertionError as error:
        say(type(error).__name__)


def ssl_options(options):
    async def create():
        try:
            TCPServer(ssl_options=options)
        except (KeyError, ValueError) as error:
            say(error.args[0])

    return create


CASES = {
    "hello": lambda: talk(Hello()),
    "hello on localhost": lambda: talk(Hello(), "localhost"),
    "hello on two families": lambda: talk(Hello(), None),
    "error in handle_stream": lambda: talk(Failing()),
    "error in a coroutine": lambda: talk(FailingLater()),
    "handle_stream not overridden": lambda: talk(TCPServer()),
    "bind after start": bind_after_start,
    "stop frees the port": stop_frees_the_port,
    "stop twice": stop_twice,
    "start twice": start_twice,
    "ssl without certfile": ssl_options({"keyfile": "/missing.key"}),
    "ssl with nothing": ssl_options({}),
    "ssl with a missing certfile": ssl_options({"certfile": "/missing.crt"}),
    "ssl with a missing keyfile": ssl_options({"certfile": "/etc/hosts", "keyfile": "/missing.key"}),
}

asyncio.run(CASES[sys.argv[1]]())
