"""Python's logging as programs use it. argv: one case."""
import logging
import os
import sys

from tornado.log import access_log, app_log, gen_log


def every_level():
    for log in (gen_log, app_log, access_log):
        log.debug("debug %s", 1)
        log.info("info %s", 2)
        log.warning("warning %s", 3)
        log.error("error %s", 4)
        log.critical("critical %s", 5)


def configured(**options):
    def case():
        logging.basicConfig(**options)
        every_level()

    return case


def arguments():
    logging.basicConfig(format="%(message)s")
    app_log.warning("%s died", "worker 3")
    app_log.warning("%d of %5.1f|%-6s|%r", 7, 3.75, "x", "it's")
    app_log.warning("100%")
    app_log.warning("%(name)s %(n)03d", {"name": "x", "n": 7})
    app_log.warning("no place", *[])
    app_log.warning(42)
    app_log.warning(None)


def mistakes():
    logging.basicConfig()
    for message, args in (("no place", ("x",)), ("%s and %s", ("x",)), ("%d", ("x",)), ("%y", (1, "two")), (42, ("x",))):
        app_log.warning(message, *args)
    app_log.warning("goes on")


def hidden_mistake():
    app_log.info("%d", "x")
    app_log.warning("goes on")


class Broken:
    def write(self, text):
        raise ValueError("no room")

    def flush(self):
        pass


def goes_on(**options):
    logging.basicConfig(format="%(message)s", **options)
    app_log.warning("%s died", "worker 3")
    app_log.warning("last")
    print("goes on")
    sys.stdout.flush()
    # Python's own end would say once more what it could not write.
    os._exit(0)


def broken_stream():
    goes_on(stream=Broken())


def full_disk():
    goes_on(filename="/dev/full")


def closed_stream():
    stream = open("log", "w")
    stream.close()
    goes_on(stream=stream)


def nobody_reads():
    reading, writing = os.pipe()
    os.close(reading)
    goes_on(stream=os.fdopen(writing, "w"))


class Shy:
    def __str__(self):
        raise ValueError("no text")

    def __repr__(self):
        return "Shy"


class Shyer(Shy):
    def __repr__(self):
        raise ValueError("nor that")


def no_text():
    logging.basicConfig()
    app_log.warning("%s died", Shy())
    app_log.warning(Shy())
    app_log.warning("%s died", Shyer())
    app_log.warning("goes on")


def exception():
    logging.basicConfig()
    try:
        raise ValueError("oops")
    except ValueError:
        app_log.exception("Failed: %s", "x")


def exc_info():
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        raise ValueError("oops")
    except ValueError as error:
        app_log.error("Failed: %s", "x", exc_info=error)
        app_log.critical("Worse", exc_info=error)


def filename():
    logging.basicConfig(filename="log", format="%(levelname)s %(message)s", level=logging.INFO)
    app_log.info("first")
    pid = os.fork()
    if pid == 0:
        app_log.info("of the child")
        os._exit(0)
    os.wait()
    app_log.info("last")
    print(open("log").read(), end="")


def filemode():
    open("log", "w").write("before\n")
    logging.basicConfig(filename="log", filemode="w", format="%(message)s")
    app_log.warning("after")
    print(open("log").read(), end="")


def missing_folder():
    try:
        logging.basicConfig(filename="missing/log")
    except FileNotFoundError:
        print("ENOENT")


def both():
    try:
        logging.basicConfig(filename="log", stream=sys.stdout)
    except ValueError:
        print("refused")


def unknown(**options):
    def case():
        try:
            logging.basicConfig(**options)
        except (ValueError, TypeError):
            print("refused")

    return case


def twice():
    logging.basicConfig(format="first %(message)s")
    logging.basicConfig(format="second %(message)s")
    app_log.warning("x")
    logging.basicConfig(format="third %(message)s", force=True)
    app_log.warning("x")


def default_time():
    logging.basicConfig(stream=sys.stdout, format="%(asctime)s|%(message)s")
    app_log.warning("x")


def date_format():
    logging.basicConfig(stream=sys.stdout, format="%(asctime)s|%(message)s", datefmt="%d/%m/%y %H:%M %A %B %j %p %%")
    app_log.warning("x")


def no_date_format():
    logging.basicConfig(stream=sys.stdout, format="%(asctime)s|%(message)s", datefmt="")
    app_log.warning("x")


CASES = {
    "every level, nothing configured": every_level,
    "every level, basicConfig": configured(),
    "level by name": configured(level="INFO"),
    "level by number": configured(level=10),
    "level beyond all": configured(level=60),
    "a format": configured(format="[%(levelname)-8s] %(name)s: %(message)s"),
    "a format with numbers": configured(format="%(levelno)03d %(message)s"),
    "module and function": configured(format="%(module)s %(filename).4s %(levelname).1s %(message)s"),
    "on standard output": configured(stream=sys.stdout, format="%(message)s"),
    "arguments": arguments,
    "mistakes": mistakes,
    "a mistake that nobody sees": hidden_mistake,
    "a stream that raises": broken_stream,
    "a full disk": full_disk,
    "a closed stream": closed_stream,
    "a pipe that nobody reads": nobody_reads,
    "an argument without a text": no_text,
    "exception": exception,
    "exc_info": exc_info,
    "filename, and a child": filename,
    "filemode": filemode,
    "a folder that is not there": missing_folder,
    "stream and filename": both,
    "no such level": unknown(level="loud"),
    "no such option": unknown(fmt="%(message)s"),
    "no such conversion": unknown(format="%(message)y"),
    "a format of nothing": unknown(format="line"),
    "twice": twice,
    "asctime": default_time,
    "datefmt": date_format,
    "an empty datefmt": no_date_format,
}

if sys.argv[1] == "--list":
    print("\n".join(CASES))
else:
    CASES[sys.argv[1]]()
