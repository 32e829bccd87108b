"""Python's multiprocessing with the fork context. argv: one case."""
import multiprocessing as mp
import multiprocessing.connection
import os
import queue
import signal
import sys
import threading

mp.set_start_method("fork")


def say(*things):
    """One write, which no other process's comes into."""
    os.write(1, (" ".join(str(thing) for thing in things) + "\n").encode())


def attempt(function, *arguments, **named):
    """What a call answers, or that it is refused."""
    try:
        say(function(*arguments, **named))
    except (EOFError, queue.Empty, queue.Full, threading.BrokenBarrierError) as error:
        say(type(error).__name__)
    except BrokenPipeError:
        say("EPIPE")
    except (AssertionError, ValueError, OSError):
        say("refused")


def run(function, *arguments, **named):
    process = mp.Process(target=function, args=arguments, **named)
    process.start()
    process.join()
    return process.exitcode


def start(function, *arguments, **named):
    process = mp.Process(target=function, args=arguments, **named)
    process.start()
    return process


def join_all(processes):
    for process in processes:
        process.join()
    say(*[process.exitcode for process in processes])


def forever():
    while True:
        signal.pause()


def kill_self(number):
    os.kill(os.getpid(), number)
    forever()


def raise_error():
    raise ValueError("boom")


def arguments():
    say(run(lambda *given: say(*given), 1, "two", [3]))


def exits():
    say(run(sys.exit), run(sys.exit, 0), run(sys.exit, 3), run(os._exit, 4))


def raises():
    say(run(raise_error))


def raises_named():
    say(run(raise_error, name="worker"))


def killed():
    say(run(kill_self, signal.SIGKILL), run(kill_self, signal.SIGTERM), run(kill_self, signal.SIGUSR2))


def ended():
    one, other = start(forever), start(forever)
    one.terminate()
    other.kill()
    join_all([one, other])
    one.terminate()
    say(one.is_alive())


def misused():
    process = mp.Process(target=lambda: None)
    attempt(process.join)
    say(process.exitcode, process.pid, process.is_alive())
    process.start()
    attempt(process.start)
    process.join()
    process.join()
    say(process.exitcode, process.pid is None, process.is_alive())


def closed():
    process = start(forever)
    attempt(process.close)
    process.kill()
    process.join()
    process.close()
    attempt(process.is_alive)
    attempt(process.join)
    process.close()


def names():
    def grandchild():
        say(mp.current_process().name)

    def child():
        say(mp.current_process().name, mp.parent_process().name)
        run(grandchild)
        run(grandchild)
        run(grandchild, name="a name")

    say(mp.current_process().name, mp.parent_process())
    run(child)
    run(child, name="other")
    process = mp.Process()
    say(process.name)
    process.name = "third"
    say(process.name)


def daemons():
    def child():
        say(mp.current_process().daemon)
        attempt(mp.Process(target=forever).start)

    say(run(child, daemon=True))
    process = start(forever)
    try:
        process.daemon = True
    except AssertionError:
        say("refused")
    process.kill()
    process.join()


def daemon_at_exit():
    start(forever, daemon=True)
    say("end")


def joined_at_exit():
    reader, writer = mp.Pipe(False)

    def child():
        reader.recv()
        say("child")

    start(child)
    say("parent")
    writer.send(1)


def joined_in_child():
    reader, writer = mp.Pipe(False)

    def grandchild():
        reader.recv()
        say("grandchild")

    def child():
        start(forever, daemon=True)
        start(grandchild)
        say("child")
        writer.send(1)

    say(run(child))


def join_timeout():
    process = start(forever)
    process.join(0.05)
    say(process.exitcode, process.is_alive())
    process.join(0)
    process.kill()
    process.join(60)
    say(process.exitcode, process.is_alive())


def active():
    say(len(mp.active_children()))
    processes = [start(forever) for _ in range(3)]
    say(len(mp.active_children()), run(lambda: say(len(mp.active_children()))))
    for process in processes:
        process.kill()
        process.join()
    say(len(mp.active_children()))


def memory():
    items = [1]

    def child():
        items.append(2)
        say(len(items))

    run(child)
    say(len(items))


def standard_input():
    run(lambda: say(repr(sys.stdin.read())))


def pipe():
    here, there = mp.Pipe()

    def child():
        there.send([there.recv(), "and back"])

    process = start(child)
    here.send({"a": 1}["a"])
    say(*here.recv())
    join_all([process])


def pipe_order():
    reader, writer = mp.Pipe(False)

    def child():
        for i in range(500):
            writer.send(i)

    process = start(child)
    say([reader.recv() for _ in range(500)] == list(range(500)))
    join_all([process])


def pipe_directions():
    reader, writer = mp.Pipe(duplex=False)
    say(reader.readable, reader.writable, writer.readable, writer.writable)
    attempt(reader.send, 1)
    attempt(writer.recv)
    attempt(writer.poll)


def pipe_end():
    reader, writer = mp.Pipe(False)

    def child():
        reader.close()
        writer.send("last")

    process = start(child)
    writer.close()
    say(reader.recv())
    attempt(reader.recv)
    say(reader.poll())
    join_all([process])


def pipe_broken():
    reader, writer = mp.Pipe(False)
    reader.close()
    attempt(writer.send, 1)
    one, other = mp.Pipe()
    other.close()
    attempt(one.send, 1)
    attempt(one.recv)


def pipe_poll():
    reader, writer = mp.Pipe(False)
    say(reader.poll(), reader.poll(0.05))
    process = start(lambda: writer.send(1))
    say(reader.poll(None), reader.poll(60), reader.recv(), reader.poll())
    join_all([process])


def pipe_large():
    here, there = mp.Pipe()

    def child():
        there.send(there.recv() + "!")

    process = start(child)
    here.send("x" * 5_000_000)
    say(len(here.recv()))
    join_all([process])


def pipe_bytes():
    here, there = mp.Pipe()
    here.send_bytes(b"abc")
    here.send_bytes(b"")
    say(len(there.recv_bytes()), len(there.recv_bytes()))


def pipe_closed():
    here, there = mp.Pipe()
    say(here.closed)
    here.close()
    here.close()
    say(here.closed)
    attempt(here.send, 1)
    attempt(here.recv)
    attempt(here.fileno)


def pipe_torn():
    reader, writer = mp.Pipe(False)

    def child():
        os.write(writer.fileno(), b"\0\0\0\x10abc")
        kill_self(signal.SIGKILL)

    process = start(child)
    writer.close()
    attempt(reader.recv_bytes)
    join_all([process])


def lock():
    guard, value = mp.Lock(), mp.Value("i", 0)

    def child():
        for _ in range(200):
            with guard:
                value.value = value.value + 1

    join_all([start(child) for _ in range(4)])
    say(value.value)


def lock_timeout():
    guard = mp.Lock()
    say(guard.acquire(), guard.acquire(False), guard.acquire(True, 0.05))
    run(lambda: say(guard.acquire(False), guard.acquire(True, 0.05)))
    guard.release()
    run(lambda: say(guard.acquire(False)) or guard.release())


def lock_release():
    guard = mp.Lock()
    attempt(guard.release)
    guard.acquire()
    run(guard.release)
    say(guard.acquire(False))
    guard.release()
    attempt(guard.release)


def rlock():
    guard = mp.RLock()
    attempt(guard.release)
    say(guard.acquire(), guard.acquire())

    def child():
        say(guard.acquire(False))
        attempt(guard.release)

    run(child)
    guard.release()
    run(child)
    guard.release()
    run(lambda: say(guard.acquire(False)) or guard.release())
    attempt(guard.release)


def semaphore():
    permits = mp.Semaphore(2)
    say(permits.get_value(), permits.acquire(), permits.acquire(), permits.acquire(False), permits.get_value())
    run(permits.release)
    say(permits.get_value(), permits.acquire(True, 0.05), permits.acquire(True, 0.05))
    permits.release()
    permits.release()
    permits.release()
    say(permits.get_value())


def semaphore_hands_over():
    permits, done = mp.Semaphore(0), mp.Semaphore(0)

    def child():
        permits.acquire()
        done.release()

    processes = [start(child) for _ in range(5)]
    for _ in range(5):
        permits.release()
        done.acquire()
    join_all(processes)
    say(permits.get_value(), done.get_value())


def bounded():
    permits = mp.BoundedSemaphore(2)
    attempt(permits.release)
    permits.acquire()
    permits.release()
    attempt(permits.release)
    say(permits.get_value())


def event():
    flag = mp.Event()
    say(flag.is_set(), flag.wait(0.05))
    process = start(lambda: say(flag.wait()))
    flag.set()
    process.join()
    say(flag.is_set(), flag.wait(), flag.wait(0.05))
    flag.clear()
    say(flag.is_set(), flag.wait(0))
    run(flag.set)
    say(flag.is_set())


def condition():
    change, value, ready = mp.Condition(), mp.Value("i", 0), mp.Semaphore(0)

    def child(wanted):
        with change:
            ready.release()
            change.wait_for(lambda: value.value == wanted)
            say("saw", wanted)
            value.value += 1
            change.notify_all()

    processes = [start(child, wanted) for wanted in (3, 2, 1)]
    for _ in processes:
        ready.acquire()
    with change:
        value.value = 1
        change.notify_all()
    join_all(processes)


def condition_notify():
    change, told, waiting = mp.Condition(), mp.Value("i", 0), mp.Semaphore(0)

    def child():
        with change:
            waiting.release()
            change.wait()
            told.value += 1
        waiting.release()

    processes = [start(child) for _ in range(4)]
    for _ in processes:
        waiting.acquire()
    for count in (1, 2):
        with change:
            change.notify(count)
        for _ in range(count):
            waiting.acquire()
        say(told.value)
    with change:
        change.notify_all()
    join_all(processes)
    say(told.value)


def condition_errors():
    change = mp.Condition()
    attempt(change.wait)
    attempt(change.notify)
    attempt(change.notify_all)
    with change:
        say(change.wait(0.05), change.wait_for(lambda: False, 0.05), change.wait_for(lambda: 7))
    attempt(change.release)


def condition_recursive():
    change = mp.Condition()
    change.acquire()
    change.acquire()

    def child():
        with change:
            change.notify()

    process = start(child)
    say(change.wait())
    change.release()
    run(lambda: say(change.acquire(False)))
    change.release()
    attempt(change.release)
    join_all([process])


def barrier():
    gate, total = mp.Barrier(3), mp.Value("i", 0)

    def child():
        for _ in range(20):
            index = gate.wait()
            with total.get_lock():
                total.value += index

    join_all([start(child) for _ in range(3)])
    say(total.value, gate.parties, gate.n_waiting, gate.broken)


def barrier_action():
    gate = mp.Barrier(2, action=lambda: say("action"))

    def child():
        gate.wait()
        gate.wait()

    join_all([start(child), start(child)])


def barrier_broken():
    gate = mp.Barrier(2)
    attempt(gate.wait, 0.05)
    say(gate.broken)
    attempt(gate.wait)
    gate.reset()
    say(gate.broken)
    process = start(lambda: attempt(gate.wait))
    while gate.n_waiting == 0:
        pass
    gate.abort()
    join_all([process])
    say(gate.broken, gate.n_waiting)


def barrier_reset():
    gate = mp.Barrier(2, timeout=60)
    process = start(lambda: attempt(gate.wait))
    while gate.n_waiting == 0:
        pass
    gate.reset()
    join_all([process])
    say(gate.broken, gate.n_waiting)
    process = start(gate.wait)
    gate.wait()
    join_all([process])


def barrier_action_raises():
    gate = mp.Barrier(1, action=raise_error)
    attempt(gate.wait)
    say(gate.broken)


def values():
    number, real, small = mp.Value("i", 5), mp.Value("d", 0.5), mp.Value("b")

    def child():
        number.value += 1
        real.value *= 3
        small.value = 200

    run(child)
    say(number.value, real.value, small.value)


def arrays():
    zeros, given = mp.Array("i", 3), mp.Array("d", [1.5, 2.5])

    def child():
        for i in range(3):
            zeros[i] = i * i

    run(child)
    say(*zeros)
    say(len(given), *given)
    with zeros.get_lock():
        zeros[0] = 9
    say(zeros.get_obj()[0])


def queues():
    messages = mp.Queue()

    def child():
        for i in range(5):
            messages.put(i * 10)

    process = start(child)
    say(*[messages.get() for _ in range(5)])
    attempt(messages.get, False)
    attempt(messages.get, True, 0.05)
    say(messages.qsize(), messages.empty())
    join_all([process])


def queue_full():
    messages = mp.Queue(2)
    messages.put("a")
    messages.put("b")
    say(messages.full(), messages.qsize())
    attempt(messages.put, "c", False)
    attempt(messages.put, "c", True, 0.05)
    attempt(messages.put_nowait, "c")
    say(messages.get(timeout=60), messages.get(timeout=60), messages.full(), messages.qsize())
    attempt(messages.get_nowait)


def queue_waits():
    messages = mp.Queue(1)

    def child():
        for i in range(20):
            messages.put(i)

    process = start(child)
    say(*[messages.get() for _ in range(20)])
    join_all([process])


def queue_many():
    tasks, results = mp.Queue(4), mp.Queue()

    def child():
        while (task := tasks.get()) is not None:
            results.put(task * 2)

    processes = [start(child) for _ in range(3)]
    for i in range(200):
        tasks.put(i)
    for _ in processes:
        tasks.put(None)
    say(sum(results.get() for _ in range(200)))
    join_all(processes)


def queue_large():
    messages = mp.Queue()
    process = start(lambda: messages.put("x" * 3_000_000))
    say(len(messages.get()))
    join_all([process])


def queue_outlives():
    messages = mp.Queue()
    say(run(messages.put, "from who has ended"))
    say(messages.get())


def queue_closed():
    messages = mp.Queue()
    run(messages.close)
    messages.put(1)
    say(messages.get())
    messages.close()
    attempt(messages.put, 1)
    attempt(messages.get)
    messages.close()


def joinable():
    tasks, done = mp.JoinableQueue(), mp.Value("i", 0)

    def child():
        while True:
            tasks.get()
            done.value += 1
            tasks.task_done()

    start(child, daemon=True)
    for i in range(20):
        tasks.put(i)
    tasks.join()
    say(done.value)
    tasks.join()
    attempt(tasks.task_done)


def simple():
    messages = mp.SimpleQueue()
    say(messages.empty())
    run(messages.put, [1])
    say(messages.empty(), *messages.get(), messages.empty())


def waits():
    reader, writer = mp.Pipe(False)
    process = start(forever)
    both = [reader, process.sentinel]
    wait = mp.connection.wait
    say(len(wait(both, 0)), len(wait(both, 0.05)))
    writer.send(1)
    say(wait(both) == [reader])
    reader.recv()
    process.kill()
    say(wait(both) == [process.sentinel])
    process.join()
    say(wait(both, 0) == [process.sentinel])
    attempt(lambda: mp.Process().sentinel)


def forked():
    guard, flag, messages = mp.Lock(), mp.Event(), mp.SimpleQueue()
    guard.acquire()
    pid = os.fork()
    if pid == 0:
        say(guard.acquire(False))
        flag.wait()
        messages.put("from fork()")
        os._exit(0)
    flag.set()
    say(messages.get())
    guard.release()
    say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


CASES = {
    "process: arguments": arguments,
    "process: exits": exits,
    "process: raises": raises,
    "process: raises, with a name": raises_named,
    "process: killed": killed,
    "process: terminate and kill": ended,
    "process: misused": misused,
    "process: closed": closed,
    "process: names": names,
    "process: daemons": daemons,
    "process: a daemon at exit": daemon_at_exit,
    "process: joined at exit": joined_at_exit,
    "process: joined at a child's exit": joined_in_child,
    "process: join with a timeout": join_timeout,
    "process: active children": active,
    "process: memory": memory,
    "process: standard input": standard_input,
    "pipe: both ways": pipe,
    "pipe: in order": pipe_order,
    "pipe: directions": pipe_directions,
    "pipe: its end": pipe_end,
    "pipe: broken": pipe_broken,
    "pipe: poll": pipe_poll,
    "pipe: large": pipe_large,
    "pipe: bytes": pipe_bytes,
    "pipe: closed": pipe_closed,
    "pipe: torn": pipe_torn,
    "lock: one at a time": lock,
    "lock: timeouts": lock_timeout,
    "lock: released by others": lock_release,
    "rlock": rlock,
    "semaphore": semaphore,
    "semaphore: hands over": semaphore_hands_over,
    "semaphore: bounded": bounded,
    "event": event,
    "condition: wait_for": condition,
    "condition: notify": condition_notify,
    "condition: errors": condition_errors,
    "condition: recursive": condition_recursive,
    "barrier": barrier,
    "barrier: action": barrier_action,
    "barrier: broken": barrier_broken,
    "barrier: reset": barrier_reset,
    "barrier: an action that raises": barrier_action_raises,
    "value": values,
    "array": arrays,
    "queue": queues,
    "queue: full": queue_full,
    "queue: waits for room": queue_waits,
    "queue: many": queue_many,
    "queue: large": queue_large,
    "queue: outlives": queue_outlives,
    "queue: closed": queue_closed,
    "queue: joinable": joinable,
    "queue: simple": simple,
    "wait": waits,
    "fork()": forked,
}

if sys.argv[1] == "--list":
    print("\n".join(CASES))
else:
    CASES[sys.argv[1]]()
