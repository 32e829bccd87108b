"""Python's os, signal, time, fcntl and socket, as far as processes go. argv: one case."""
import errno
import fcntl
import os
import signal
import socket
import sys
import threading
import time

from configure import say

SH = "/bin/sh"


def attempt(function, *arguments):
    try:
        result = function(*arguments)
        say("no error" if result is None else "no error %s" % (result,))
    except OSError as error:
        say(errno.errorcode[error.errno])
    except (TypeError, ValueError, OverflowError):
        say("refused")


def shell(script, *arguments):
    os.execv(SH, ["sh", "-c", script, *arguments])


def in_child(function):
    pid = os.fork()
    if pid == 0:
        try:
            function()
        finally:
            os._exit(99)
    return pid


def status_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def make(name, text, mode):
    with open(name, "w") as file:
        file.write(text)
    os.chmod(name, mode)


def blocks():
    while True:
        signal.pause()


def is_asleep(pid):
    with open("/proc/%d/stat" % pid) as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


def signaller(*signals):
    """A child that sends signals to this process, once somebody has written to the pipe, and then sleeps: Python's
    pause() does not notice those that came before it."""
    reading, writing = os.pipe()
    parent = os.getpid()

    def send():
        os.read(reading, 1)
        while not is_asleep(parent):
            os.sched_yield()
        for number in signals:
            os.kill(parent, number)
        os._exit(0)

    pid = in_child(send)
    return pid, lambda: os.write(writing, b"x")


def note(number, frame=None):
    say("handler %d" % number)


def fail(number, frame=None):
    raise OSError(errno.EIO, "raised")


# --- exec ---


def execv_arguments():
    os.environ["GREETING"] = "hello"
    shell('echo "$0 $1 $GREETING"', "a b", "c")


def execve_environment():
    os.execve("/usr/bin/env", ["env"], {"A": "1", "B": "x y", "EMPTY": ""})


def execvp_finds():
    os.execvp("sh", ["sh", "-c", "echo found"])


def execvp_missing():
    attempt(os.execvp, "no-such-program", ["no-such-program"])
    os._exit(127)


def execvpe_path():
    os.execvpe("sh", ["sh", "-c", "echo found $A"], {"PATH": "/nonexistent:/bin", "A": "1"})


def execvpe_no_path():
    os.execvpe("sh", ["sh", "-c", "echo found $A"], {"A": "1"})


def execvpe_not_in_path():
    attempt(os.execvpe, "sh", ["sh"], {"PATH": "/nonexistent"})


def execvp_forbidden():
    make("program", "#!/bin/sh\n", 0o644)
    attempt(os.execvpe, "program", ["program"], {"PATH": "/nonexistent:.:/bin"})


def execvp_empty_item():
    make("program", "#!/bin/sh\necho here $1\n", 0o755)
    os.execvpe("program", ["program", "x"], {"PATH": "/nonexistent::"})


def execvp_slash():
    make("program", "#!/bin/sh\necho here\n", 0o755)
    os.execvp("./program", ["program"])


def execvp_not_a_directory():
    make("file", "", 0o644)
    attempt(os.execvpe, "sh", ["sh"], {"PATH": "file"})


def execv_error(path, *arguments):
    def case():
        make("forbidden", "#!/bin/sh\n", 0o644)
        make("text", "what is this?\n", 0o755)
        make("no-interpreter", "#!/nonexistent\n", 0o755)
        os.symlink("loop", "loop")
        attempt(os.execv, path, list(arguments))
        say("still here")

    return case


def execve_bad_name():
    attempt(os.execve, SH, ["sh", "-c", ":"], {"A=B": "1"})


def exec_same_pid():
    say("pid=%d" % os.getpid())
    shell('[ $$ = "$0" ] && echo same', str(os.getpid()))


def exec_threads():
    for _ in range(4):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    shell('[ $$ = "$0" ] && echo same; ls /proc/self/task | wc -l', str(os.getpid()))


def exec_in_thread():
    pid = str(os.getpid())
    thread = threading.Thread(target=lambda: shell('[ $$ = "$0" ] && echo same', pid))
    thread.start()
    thread.join()


SIGNAL_STATE = "grep -E 'Sig(Ign|Blk)' /proc/self/status"


def exec_signals():
    shell(SIGNAL_STATE)


def exec_ignored():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    shell(SIGNAL_STATE + "; kill -TERM $$; echo alive")


def exec_sigpipe():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    shell(SIGNAL_STATE)


def exec_handler():
    signal.signal(signal.SIGTERM, note)
    shell("kill -TERM $$; echo alive")


FDS = 'for fd in "$@"; do [ -e /proc/$$/fd/$fd ] && echo open || echo closed; done'


def exec_fds():
    null = open("/dev/null")
    ours, theirs = socket.socketpair()
    opened = [*os.pipe(), null.fileno(), ours.fileno(), theirs.fileno()]
    shell(FDS, "sh", *map(str, [0, 1, 2, *opened]))


def exec_inheritable():
    reading, writing = os.pipe()
    os.dup2(reading, 40)
    os.dup2(writing, 41, False)
    os.write(writing, b"through the pipe\n")
    shell("head -n1 < /proc/self/fd/40; " + FDS, "sh", *map(str, [40, 41, reading, writing]))


def exec_stdin():
    say("ready")
    os.execvp("cat", ["cat"])


def exec_umask():
    os.umask(0o27)
    os.chdir("/usr")
    shell("umask; pwd")


def exec_alarm():
    signal.alarm(1)
    os.execvp("sleep", ["sleep", "20"])


def exec_niceness():
    os.nice(3)
    os.execvp("nice", ["nice"])


def exec_affinity():
    os.sched_setaffinity(0, {0})
    shell("grep Cpus_allowed_list /proc/self/status")


def exec_status():
    shell("exit 7")


def exec_killed():
    shell("kill -KILL $$")


def exec_in_child():
    for file in ("true", "false", "no-such-program"):

        def run():
            try:
                os.execvp(file, [file])
            except OSError:
                os._exit(127)

        say(str(status_of(in_child(run))))


# --- sleep and pause ---


def sleeps():
    start = time.monotonic()
    time.sleep(0.05)
    say(str(time.monotonic() - start >= 0.05))


def sleep_handler():
    heard = []
    signal.signal(signal.SIGUSR1, lambda number, _frame: heard.append(note(number)))
    pid, go = signaller(signal.SIGUSR1)
    go()
    while not heard:  # on a busy machine the signal may come late
        start = time.monotonic()
        time.sleep(0.5)
    say("slept %s" % (time.monotonic() - start >= 0.5))
    say(str(status_of(pid)))


def sleep_child():
    pid = in_child(lambda: os._exit(3))
    start = time.monotonic()
    time.sleep(0.3)
    say("slept %s" % (time.monotonic() - start >= 0.3))
    say(str(status_of(pid)))


def sleep_raises():
    signal.signal(signal.SIGUSR1, fail)
    pid, go = signaller(signal.SIGUSR1)
    go()
    attempt(time.sleep, 1000)
    say(str(status_of(pid)))


def sleep_refused():
    for seconds in (-1, float("nan"), "1", None):
        attempt(time.sleep, seconds)
    attempt(time.sleep, 0)


def pauses():
    signal.signal(signal.SIGUSR1, note)
    pid, go = signaller(signal.SIGUSR1)
    go()
    signal.pause()
    say("paused")
    say(str(status_of(pid)))


def pause_raises():
    signal.signal(signal.SIGUSR1, fail)
    pid, go = signaller(signal.SIGUSR1)
    go()
    attempt(signal.pause)
    say(str(status_of(pid)))


def pause_ignored():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, note)
    pid, go = signaller(signal.SIGUSR1, signal.SIGWINCH, signal.SIGUSR2)
    go()
    signal.pause()
    say(str(status_of(pid)))


def pause_default():
    pid, go = signaller(signal.SIGUSR2)
    go()
    signal.pause()


# --- kill, killpg and so on ---


def kill_self():
    signal.signal(signal.SIGUSR2, note)
    os.kill(os.getpid(), signal.SIGUSR2)
    say("after")


def kill_raises():
    signal.signal(signal.SIGUSR2, fail)
    attempt(os.kill, os.getpid(), signal.SIGUSR2)


def kill_errors():
    attempt(os.kill, os.getpid(), 0)
    attempt(os.kill, 2**22 + 1, 0)
    attempt(os.kill, 2**22 + 1, signal.SIGTERM)
    attempt(os.kill, "1", 0)
    attempt(os.kill, 2**40, 0)


def kill_child():
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR2):
        pid = in_child(blocks)
        os.kill(pid, number)
        say(str(status_of(pid)))


def kill_group():
    signal.signal(signal.SIGUSR2, note)
    os.kill(0, signal.SIGUSR2)
    os.killpg(0, signal.SIGUSR2)
    os.killpg(os.getpgid(0), signal.SIGUSR2)
    say("after")


def killpg_children():
    leader = in_child(blocks)
    os.setpgid(leader, leader)
    second = in_child(blocks)
    os.setpgid(second, leader)
    os.killpg(leader, signal.SIGTERM)
    say("%d %d" % (status_of(leader), status_of(second)))
    attempt(os.killpg, leader, 0)


def groups():
    say(str(os.getpgid(0) == os.getpgid(os.getpid()) == os.getpgrp()))
    say(str(os.getsid(0) == os.getsid(os.getpid())))
    attempt(os.getpgid, 2**22 + 1)
    attempt(os.getsid, 2**22 + 1)

    def lead():
        os.setsid()
        same = os.getsid(0) == os.getpgid(0) == os.getpid()
        os._exit(0 if same else 1)

    say(str(status_of(in_child(lead))))


def niceness():
    for increment in (0, 2, 3, 100):
        say(str(os.nice(increment)))
    attempt(os.nice, "1")


def niceness_forbidden():
    os.setuid(65534)
    attempt(os.nice, -1)
    say(str(os.nice(0)))


def niceness_inherited():
    os.nice(4)
    say(str(status_of(in_child(lambda: os._exit(os.nice(0))))))
    say(str(os.nice(-1)))


def affinity():
    everything = os.sched_getaffinity(0)
    say(" ".join(map(str, sorted(everything))))
    os.sched_setaffinity(0, [0, 0])
    say(str(sorted(os.sched_getaffinity(0))))
    say(str(status_of(in_child(lambda: os._exit(len(os.sched_getaffinity(0)))))))
    os.sched_setaffinity(os.getpid(), everything)
    say(str(os.sched_getaffinity(0) == everything))


def affinity_errors():
    attempt(os.sched_setaffinity, 0, [])
    attempt(os.sched_setaffinity, 0, [1023])
    attempt(os.sched_setaffinity, 0, [-1])
    attempt(os.sched_setaffinity, 0, 1)
    attempt(os.sched_setaffinity, 2**22 + 1, [0])
    attempt(os.sched_getaffinity, 2**22 + 1)


# --- flock ---


def opened():
    return os.open("lock", os.O_CREAT | os.O_RDWR, 0o600)


def flock_conflict():
    first, second, third = opened(), opened(), opened()
    fcntl.flock(first, fcntl.LOCK_EX)
    attempt(fcntl.flock, second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    attempt(fcntl.flock, second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    fcntl.flock(first, fcntl.LOCK_UN)
    attempt(fcntl.flock, second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    attempt(fcntl.flock, third, fcntl.LOCK_SH | fcntl.LOCK_NB)
    attempt(fcntl.flock, first, fcntl.LOCK_EX | fcntl.LOCK_NB)


def flock_errors():
    attempt(fcntl.flock, 999, fcntl.LOCK_EX)
    attempt(fcntl.flock, opened(), 0)
    attempt(fcntl.flock, opened(), 64)
    attempt(fcntl.flock, opened(), "1")


def flock_waits():
    fd = opened()
    fcntl.flock(fd, fcntl.LOCK_EX)
    reading, writing = os.pipe()

    def wait_for_it():
        own = opened()
        os.write(writing, b"x")
        fcntl.flock(own, fcntl.LOCK_EX)
        say("child has it")
        os._exit(0)

    pid = in_child(wait_for_it)
    os.read(reading, 1)
    time.sleep(0.1)
    say("parent gives it up")
    fcntl.flock(fd, fcntl.LOCK_UN)
    say(str(status_of(pid)))


def flock_handlers():
    holder, fd = opened(), opened()
    fcntl.flock(holder, fcntl.LOCK_EX)

    def release(number, frame=None):
        note(number)
        fcntl.flock(holder, fcntl.LOCK_UN)

    signal.signal(signal.SIGALRM, release)
    signal.alarm(1)
    fcntl.flock(fd, fcntl.LOCK_EX)
    say("has it")


def flock_raises():
    holder, fd = opened(), opened()
    fcntl.flock(holder, fcntl.LOCK_EX)
    signal.signal(signal.SIGALRM, fail)
    signal.alarm(1)
    attempt(fcntl.flock, fd, fcntl.LOCK_EX)


def flock_shared_with_child():
    fd = opened()
    fcntl.flock(fd, fcntl.LOCK_EX)

    def unlock():
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(fd, fcntl.LOCK_UN)
        os._exit(0)

    say(str(status_of(in_child(unlock))))
    attempt(fcntl.flock, opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)


# --- waitid, wait3, wait4 ---


def tell(result, pid):
    if result is None:
        say("None")
        return
    say(
        "%s uid %d signo %d status %d code %d"
        % (result.si_pid == pid, result.si_uid, result.si_signo, result.si_status, result.si_code)
    )


def waitid_exited():
    pid = in_child(lambda: os._exit(7))
    tell(os.waitid(os.P_PID, pid, os.WEXITED), pid)
    attempt(os.waitid, os.P_PID, pid, os.WEXITED)


def waitid_killed():
    pid = in_child(blocks)
    os.kill(pid, signal.SIGKILL)
    tell(os.waitid(os.P_ALL, 0, os.WEXITED), pid)


def waitid_stopped():
    pid = in_child(blocks)
    os.kill(pid, signal.SIGSTOP)
    tell(os.waitid(os.P_PID, pid, os.WSTOPPED), pid)
    os.kill(pid, signal.SIGCONT)
    tell(os.waitid(os.P_PID, pid, os.WCONTINUED), pid)
    os.kill(pid, signal.SIGTERM)
    tell(os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED), pid)


def waitid_nohang():
    pid = in_child(blocks)
    tell(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG), pid)
    tell(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG), pid)
    os.kill(pid, signal.SIGKILL)
    say(str(status_of(pid)))


def waitid_nowait():
    pid = in_child(lambda: os._exit(5))
    tell(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT), pid)
    tell(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT), pid)
    say(str(os.waitstatus_to_exitcode(os.wait()[1])))


def waitid_group():
    pid = in_child(blocks)
    os.setpgid(pid, pid)
    attempt(os.waitid, os.P_PGID, os.getpgid(0), os.WEXITED | os.WNOHANG)
    os.kill(pid, signal.SIGTERM)
    tell(os.waitid(os.P_PGID, pid, os.WEXITED), pid)


def waitid_errors():
    attempt(os.waitid, os.P_ALL, 0, os.WEXITED)
    pid = in_child(blocks)
    attempt(os.waitid, os.P_ALL, 0, 0)
    attempt(os.waitid, os.P_ALL, 0, os.WNOHANG)
    attempt(os.waitid, 77, 0, os.WEXITED)
    attempt(os.waitid, os.P_PID, 1, os.WEXITED)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def waitid_handlers():
    signal.signal(signal.SIGUSR1, note)
    pid, go = signaller(signal.SIGUSR1)
    go()
    tell(os.waitid(os.P_PID, pid, os.WEXITED), pid)


def tell4(answer, pid):
    found, status, usage = answer
    say("%s status %d" % (found == pid, status))
    return usage


def wait4_usage():
    def work():
        while time.process_time() < 0.2:
            pass
        os._exit(7)

    pid = in_child(work)
    usage = tell4(os.wait4(pid, 0), pid)
    say("%s %s %s" % (usage.ru_utime + usage.ru_stime > 0.1, usage.ru_maxrss > 1000, usage.ru_ixrss))
    say(str(len([name for name in dir(usage) if name.startswith("ru_")])))


def wait4_nohang():
    pid = in_child(blocks)
    found, status, usage = os.wait4(pid, os.WNOHANG)
    say("%d %d %s" % (found, status, usage.ru_maxrss))
    os.kill(pid, signal.SIGTERM)
    tell4(os.wait4(pid, 0), pid)
    attempt(os.wait4, pid, 0)


def wait4_stopped():
    pid = in_child(blocks)
    os.kill(pid, signal.SIGSTOP)
    tell4(os.wait4(pid, os.WUNTRACED), pid)
    os.kill(pid, signal.SIGKILL)
    tell4(os.wait4(-1, 0), pid)


def wait3_any():
    pid = in_child(lambda: os._exit(9))
    tell4(os.wait3(0), pid)
    attempt(os.wait3, 0)
    attempt(os.wait3, 64)


# --- signal ---


def word(handler):
    if handler is None:
        return "None"
    if handler == signal.SIG_DFL:
        return "SIG_DFL"
    if handler == signal.SIG_IGN:
        return "SIG_IGN"
    return handler.__name__


def previous():
    for handler in (note, fail, signal.SIG_IGN, signal.SIG_IGN, note, signal.SIG_DFL, signal.SIG_DFL):
        say(word(signal.signal(signal.SIGUSR2, handler)) + " then " + word(signal.getsignal(signal.SIGUSR2)))


def at_start():
    for number in range(1, 32):
        if number != signal.SIGINT:  # default_int_handler raises KeyboardInterrupt
            say("%d %s" % (number, word(signal.getsignal(number))))


def ignored_at_start():
    for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        say(signal.getsignal(number).name)
    attempt(lambda: status_of(in_child(lambda: os._exit(3))))


def really_ignored():
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    with open("/proc/self/status") as status:
        say([line for line in status if line.startswith("SigIgn")][0].strip())
    os.kill(os.getpid(), signal.SIGUSR2)
    say("alive")


def default_again():
    signal.signal(signal.SIGUSR2, note)
    os.kill(os.getpid(), signal.SIGUSR2)
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGUSR2)
    say("alive")


def handler_after_ignored():
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, note)
    os.kill(os.getpid(), signal.SIGUSR2)


def handler_in_child():
    signal.signal(signal.SIGUSR2, note)

    def child():
        os.kill(os.getpid(), signal.SIGUSR2)
        os._exit(0)

    say(str(status_of(in_child(child))))


def ignored_children():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    in_child(lambda: os._exit(3))
    attempt(os.wait)


def every_signal():
    for number in range(1, 32):
        try:
            word(signal.signal(number, signal.SIG_IGN))
            signal.signal(number, signal.SIG_DFL)
            say("%d %s" % (number, word(signal.getsignal(number))))
        except OSError as error:
            say("%d %s" % (number, errno.errorcode[error.errno]))


def realtime():
    signal.signal(40, signal.SIG_IGN)
    os.kill(os.getpid(), 40)
    say(word(signal.signal(40, signal.SIG_DFL)))
    os.kill(os.getpid(), 40)


def signal_errors():
    attempt(signal.signal, signal.SIGKILL, signal.SIG_IGN)
    attempt(signal.signal, signal.SIGSTOP, note)
    attempt(signal.signal, 0, signal.SIG_IGN)
    attempt(signal.signal, 65, signal.SIG_IGN)
    attempt(signal.signal, signal.SIGTERM, "ignore")
    attempt(signal.signal, signal.SIGTERM, 7)
    attempt(signal.signal, signal.SIGTERM, None)
    attempt(signal.getsignal, 0)


# --- send_fds and recv_fds ---


def passes():
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    say(str(socket.send_fds(ours, [b"ab", b"c"], [writing])))
    message, fds, flags, _ = socket.recv_fds(theirs, 100, 1)
    say("%s %d %d" % (message.decode(), len(fds), flags & socket.MSG_CTRUNC))
    os.close(writing)
    os.write(fds[0], b"through")
    os.close(fds[0])
    say(os.read(reading, 100).decode())
    say(str(len(os.read(reading, 100))))


def passes_room(sent, room):
    def case():
        ours, theirs = socket.socketpair()
        say(str(socket.send_fds(ours, [b"x"], [0] * sent)))
        message, fds, flags, _ = socket.recv_fds(theirs, 100, room)
        lost = flags & socket.MSG_CTRUNC != 0
        say("%s %d %s" % (message.decode(), len(fds), lost))
        say(str(len(os.listdir("/proc/self/fd")) - len(fds) - base))

    base = len(os.listdir("/proc/self/fd")) + 2
    return case


def passes_too_many():
    ours, _theirs = socket.socketpair()
    attempt(socket.send_fds, ours, [b"x"], [0] * 254)


def passes_part():
    ours, theirs = socket.socketpair()
    socket.send_fds(ours, [b"hello"], [0, 1])
    for _ in range(2):
        message, fds, _flags, _ = socket.recv_fds(theirs, 3, 2)
        say("%s %d" % (message.decode(), len(fds)))


def passes_errors():
    ours, theirs = socket.socketpair()
    attempt(socket.send_fds, ours, [b"x"], [999])
    attempt(socket.send_fds, ours, ["x"], [0])
    attempt(socket.send_fds, ours, [b"x"], ["0"])
    attempt(socket.recv_fds, theirs, -1, 0)
    theirs.setblocking(False)  # up to 3.13 recv_fds() does not look at its flags
    attempt(socket.recv_fds, theirs, 10, 1)
    ours.close()
    message, fds, _flags, _ = socket.recv_fds(theirs, 10, 1)
    say("%d %d" % (len(message), len(fds)))
    attempt(socket.send_fds, theirs, [b"x"], [0])


def passes_waits():
    ours, theirs = socket.socketpair()
    signal.signal(signal.SIGALRM, note)
    signal.alarm(1)

    def later():
        time.sleep(1.5)
        reading, writing = os.pipe()
        os.write(writing, b"from the child")
        socket.send_fds(theirs, [b"here"], [reading])
        os._exit(0)

    pid = in_child(later)
    message, fds, _flags, _ = socket.recv_fds(ours, 100, 4)
    say("%s %d" % (message.decode(), len(fds)))
    say(os.read(fds[0], 100).decode())
    say(str(status_of(pid)))


def passes_raises():
    ours, _theirs = socket.socketpair()
    signal.signal(signal.SIGALRM, fail)
    signal.alarm(1)
    attempt(socket.recv_fds, ours, 100, 1)


def passes_listening():
    server = socket.create_server(("127.0.0.1", 0))
    ours, theirs = socket.socketpair()

    def accept():
        _message, fds, _flags, _ = socket.recv_fds(theirs, 1, 1)
        connection, _address = socket.socket(fileno=fds[0]).accept()
        connection.sendall(b"from the child")
        connection.close()
        os._exit(0)

    pid = in_child(accept)
    socket.send_fds(ours, [b"x"], [server.fileno()])
    client = socket.create_connection(server.getsockname())
    say(client.recv(100).decode())
    say(str(status_of(pid)))


CASES = {
    "execv: arguments, and the environment as it is": execv_arguments,
    "execve: another environment": execve_environment,
    "execvp: finds it": execvp_finds,
    "execvp: nowhere, and goes on": execvp_missing,
    "execvpe: in the PATH it is given": execvpe_path,
    "execvpe: without PATH": execvpe_no_path,
    "execvpe: not in that PATH": execvpe_not_in_path,
    "execvpe: found, but no program": execvp_forbidden,
    "execvpe: an empty item is the current directory": execvp_empty_item,
    "execvp: with a slash": execvp_slash,
    "execvpe: a file in PATH": execvp_not_a_directory,
    "execv: no such file": execv_error("/nonexistent", "x"),
    "execv: not executable": execv_error("forbidden", "x"),
    "execv: a directory": execv_error("/usr", "x"),
    "execv: neither a binary nor a script": execv_error("text", "x"),
    "execv: no interpreter": execv_error("no-interpreter", "x"),
    "execv: a loop of links": execv_error("loop", "x"),
    "execv: a name too long": execv_error("x" * 300, "x"),
    "execv: too much": execv_error(SH, "x", "y" * 200000),
    "execv: no arguments": execv_error(SH),
    "execv: an empty name": execv_error(SH, ""),
    "execv: NUL in the path": execv_error("a\0b", "x"),
    "execv: NUL in an argument": execv_error(SH, "x", "a\0b"),
    "execv: a number": execv_error(SH, 1),
    "execve: no name of a variable": execve_bad_name,
    "exec: the same pid": exec_same_pid,
    "exec: beside other threads": exec_threads,
    "exec: in another thread": exec_in_thread,
    "exec: signals": exec_signals,
    "exec: ignored signals stay ignored": exec_ignored,
    "exec: SIGPIPE set to its default": exec_sigpipe,
    "exec: handlers are gone": exec_handler,
    "exec: descriptors are closed": exec_fds,
    "exec: an inheritable descriptor": exec_inheritable,
    "exec: standard input": exec_stdin,
    "exec: umask and directory": exec_umask,
    "exec: the alarm": exec_alarm,
    "exec: niceness": exec_niceness,
    "exec: affinity": exec_affinity,
    "exec: status": exec_status,
    "exec: killed": exec_killed,
    "exec: in children": exec_in_child,
    "sleep: not less": sleeps,
    "sleep: a handler runs, and it sleeps on": sleep_handler,
    "sleep: a child ends, and it sleeps on": sleep_child,
    "sleep: a handler raises": sleep_raises,
    "sleep: refused": sleep_refused,
    "pause: until a handler has run": pauses,
    "pause: a handler raises": pause_raises,
    "pause: not for what is ignored": pause_ignored,
    "pause: the default": pause_default,
    "kill: this process, whose handler runs": kill_self,
    "kill: a handler raises": kill_raises,
    "kill: errors": kill_errors,
    "kill: a child": kill_child,
    "kill and killpg: this group": kill_group,
    "killpg: a group of children": killpg_children,
    "getpgid and getsid": groups,
    "nice": niceness,
    "nice: forbidden": niceness_forbidden,
    "nice: in a child": niceness_inherited,
    "affinity": affinity,
    "affinity: errors": affinity_errors,
    "flock: conflicts": flock_conflict,
    "flock: errors": flock_errors,
    "flock: waits": flock_waits,
    "flock: handlers run": flock_handlers,
    "flock: a handler raises": flock_raises,
    "flock: shared with a child": flock_shared_with_child,
    "waitid: exited": waitid_exited,
    "waitid: killed": waitid_killed,
    "waitid: stopped and continued": waitid_stopped,
    "waitid: WNOHANG": waitid_nohang,
    "waitid: WNOWAIT": waitid_nowait,
    "waitid: a group": waitid_group,
    "waitid: errors": waitid_errors,
    "waitid: handlers run": waitid_handlers,
    "wait4: what was used": wait4_usage,
    "wait4: WNOHANG": wait4_nohang,
    "wait4: stopped": wait4_stopped,
    "wait3": wait3_any,
    "signal: what was there before": previous,
    "signal: at the start": at_start,
    "signal: ignored at the start": ignored_at_start,
    "signal: really ignored": really_ignored,
    "signal: the default again": default_again,
    "signal: a handler after SIG_IGN": handler_after_ignored,
    "signal: a handler in a child": handler_in_child,
    "signal: ignored children": ignored_children,
    "signal: every signal": every_signal,
    "signal: a real-time signal": realtime,
    "signal: errors": signal_errors,
    "send_fds: a pipe": passes,
    "send_fds: none": passes_room(0, 1),
    "send_fds: three": passes_room(3, 3),
    "send_fds: three, room for two": passes_room(3, 2),
    "send_fds: three, room for one": passes_room(3, 1),
    "send_fds: two, no room": passes_room(2, 0),
    "send_fds: 253": passes_room(253, 253),
    "send_fds: too many": passes_too_many,
    "send_fds: read in parts": passes_part,
    "send_fds: errors": passes_errors,
    "recv_fds: waits, and handlers run": passes_waits,
    "recv_fds: a handler raises": passes_raises,
    "send_fds: a listening socket": passes_listening,
}

if sys.argv[1] == "--list":
    print("\n".join(CASES))
else:
    CASES[sys.argv[1]]()
