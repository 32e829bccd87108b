"""What both halves of the oracle share: ways to log, ways to end, and output that no buffer holds back."""
import logging
import os
import signal
import sys


def configure_logging(mode):
    if mode == "basic":
        logging.basicConfig()
    elif mode == "basic-info":
        logging.basicConfig(level=logging.INFO)
    elif mode == "pretty":
        from tornado.log import enable_pretty_logging

        enable_pretty_logging()


def say(text):
    os.write(1, (text + "\n").encode())


def block():
    while True:
        signal.pause()


def number_or_none(text):
    return None if text == "None" else int(text)


def end(how):
    """exit:N, _exit:N, signal:N, throw, abort, end (returns), block."""
    verb, _, argument = how.partition(":")
    if verb == "exit":
        sys.exit(int(argument))
    elif verb == "_exit":
        os._exit(int(argument))
    elif verb == "signal":
        os.kill(os.getpid(), int(argument))
        block()
    elif verb == "throw":
        raise Exception("oops")
    elif verb == "abort":
        os.abort()
    elif verb == "block":
        block()
