"""`cpython.py megabytes rounds [module]`: os.fork() to the first line of the child. Prints {"fork": [ms, ...]}."""
import importlib
import json
import os
import struct
import sys
import time

megabytes, rounds = int(sys.argv[1]), int(sys.argv[2])
for name in sys.argv[3:]:
    importlib.import_module(name)


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


kept = []
while megabytes and resident() < megabytes:
    kept.append([{"id": i, "value": i + 0.5, "text": "text %d" % i} for i in range(20000)])

reading_end, writing_end = os.pipe()


def time_fork():
    begin = time.monotonic_ns()
    pid = os.fork()
    if pid == 0:
        os.write(writing_end, struct.pack("q", time.monotonic_ns()))
        os._exit(0)
    (child,) = struct.unpack("q", os.read(reading_end, 8))
    os.waitpid(pid, 0)
    return (child - begin) / 1e6


time_fork()
print(json.dumps({"fork": [time_fork() for _ in range(rounds)], "rss": resident()}))
