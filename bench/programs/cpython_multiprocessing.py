"""`cpython_multiprocessing.py WHAT COUNT [BYTES]`: as `multiprocessing.js`, by Python's own, with the fork context."""
import json
import multiprocessing
import sys
import time

context = multiprocessing.get_context("fork")
what, count = sys.argv[1], int(sys.argv[2])
message = b"\x01" * int((sys.argv[3:] or ["0"])[0])


def timed(work):
    begin = time.monotonic_ns()
    work()
    return (time.monotonic_ns() - begin) / 1000 / count


def in_process(work, meanwhile):
    child = context.Process(target=work)
    child.start()
    value = meanwhile()
    child.join()
    return value


def lock():
    one = context.Lock()

    def work():
        for _ in range(count):
            one.acquire()
            one.release()

    return timed(work)


def contended():
    one, value, barrier = context.Lock(), context.Value("i", lock=False), context.Barrier(2)

    def half():
        barrier.wait()
        for _ in range(count // 2):
            one.acquire()
            value.value += 1
            one.release()
        barrier.wait()

    return in_process(half, lambda: timed(half))


def queue():
    queue = context.Queue(100)

    def put():
        for _ in range(count + 1):
            queue.put(message)

    def get():
        queue.get()
        return timed(lambda: [queue.get() for _ in range(count)])

    return in_process(put, get)


def pipe():
    here, there = context.Pipe()

    def echo():
        for _ in range(count + 1):
            there.send(there.recv())

    def ask():
        here.send(message)
        here.recv()

    def ask_all():
        ask()
        return timed(lambda: [ask() for _ in range(count)])

    return in_process(echo, ask_all)


def process():
    def one():
        in_process(lambda: None, lambda: None)

    one()
    return timed(lambda: [one() for _ in range(count)])


print(json.dumps({"each": {f.__name__: f for f in (lock, contended, queue, pipe, process)}[what]()}))
