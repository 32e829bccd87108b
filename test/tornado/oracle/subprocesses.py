"""tornado.process.Subprocess. argv: one case."""
import asyncio
import errno
import os
import signal
import sys
from subprocess import DEVNULL, PIPE, STDOUT, CalledProcessError

from configure import say
from tornado.process import Subprocess

STREAM = Subprocess.STREAM


def shell(script):
    return ["sh", "-c", script]


def ends(script):
    async def case():
        done = asyncio.Event()
        process = Subprocess(shell(script))
        say("%s %s" % (process.returncode, process.pid > 0))

        def ended(returncode):
            say("ended %d %s" % (returncode, process.returncode))
            done.set()

        process.set_exit_callback(ended)
        say("set")
        await done.wait()

    return case


def waits(script):
    async def case():
        try:
            say(str(await Subprocess(shell(script)).wait_for_exit()))
        except CalledProcessError as error:
            say("%s %d" % (type(error).__name__, error.returncode))
        say(str(await Subprocess(shell(script)).wait_for_exit(raise_error=False)))

    return case


def messages():
    for code, command in ((3, "unknown"), (255, "ls"), (-15, "unknown"), (-9, ["a", "b c"])):
        say(str(CalledProcessError(code, command)))


async def killed():
    process = Subprocess(["sleep", "100"])
    process.proc.terminate()
    say(str(await process.wait_for_exit(raise_error=False)))


async def streams():
    process = Subprocess(["cat"], stdin=STREAM, stdout=STREAM)
    say(str(process.stderr))
    await process.stdin.write(b"to the cat\n")
    process.stdin.close()
    say((await process.stdout.read_until_close()).decode().strip())
    say(str(await process.wait_for_exit()))


async def standard_error():
    process = Subprocess(shell("echo err >&2"), stderr=STREAM)
    say("%s %s" % (process.stdin, process.stdout))
    say("read " + (await process.stderr.read_until_close()).decode().strip())
    say(str(await process.wait_for_exit()))


async def descriptor():
    reading, writing = os.pipe()
    await Subprocess(["echo", "through a pipe"], stdout=writing).wait_for_exit()
    os.close(writing)
    say(os.read(reading, 100).decode().strip())


async def surroundings():
    process = Subprocess(shell("pwd; echo $A $HOME."), cwd="/usr", env={"A": "1"})
    await process.wait_for_exit()


async def through_the_shell():
    await Subprocess("echo $0 and $((1 + 2))", shell=True).wait_for_exit()
    await Subprocess(["echo $0 $1", "name", "argument"], shell=True).wait_for_exit()
    await Subprocess("true").wait_for_exit()


async def errors():
    for command, options in (
        (["no-such-program"], {}),
        (["/etc/passwd"], {}),
        (["true"], dict(cwd="/nonexistent")),
        ("echo two words", {}),
    ):
        try:
            Subprocess(command, **options)
        except OSError as error:
            say(errno.errorcode[error.errno])


def odd():
    for command, options in (
        (["true"], dict(cwd="")),
        ("true", dict(cwd="", shell=True)),
        (["true"], dict(cwd="/etc/passwd")),
        (["true"], dict(cwd="/etc/passwd/x")),
        (["no-such-program"], dict(cwd="/usr")),
        (["no-such-program"], dict(cwd="/nonexistent")),
        ([""], {}),
        ("", {}),
        (["", "x"], dict(cwd="/usr")),
        (["/"], {}),
        (["."], {}),
        ([" "], {}),
        (["env"], dict(env={"PATH": ""})),
        (["env"], dict(env={"=A": "1"})),
        (["env"], dict(env={"A=B": "1"})),
        (["env"], dict(env={"": "1"}, cwd="")),
        (["env"], dict(env={"=": "1"}, cwd="")),
    ):
        try:
            Subprocess(command, **options)
            say("started")
        except OSError as error:
            say("%s %s" % (errno.errorcode[error.errno], error.filename))
        except ValueError:
            say("refused")


async def empty():
    await Subprocess("", shell=True).wait_for_exit()
    await Subprocess(["printf", "<%s>", "", "a", ""]).wait_for_exit()
    say("")
    await Subprocess(["/usr/bin/env"], env={"": "nameless"}).wait_for_exit()
    await Subprocess(["/usr/bin/env"], env={"A": ""}).wait_for_exit()
    await Subprocess(["/usr/bin/env"], env={}).wait_for_exit()
    await Subprocess(["env"], env={"A": "without PATH"}).wait_for_exit()
    say(str(await Subprocess([], shell=True, stderr=DEVNULL).wait_for_exit(raise_error=False)))


async def several():
    processes = [Subprocess(shell("exit %d" % n)) for n in range(5)]
    codes = await asyncio.gather(*[each.wait_for_exit(raise_error=False) for each in processes])
    say(str(list(codes)))


async def replaced():
    process = Subprocess(shell("read line"), stdin=STREAM)
    done = asyncio.Event()
    process.set_exit_callback(lambda returncode: say("first"))
    process.set_exit_callback(lambda returncode: (say("second %d" % returncode), done.set()))
    process.stdin.close()
    await done.wait()


async def uninitialized():
    done = asyncio.Event()
    process = Subprocess(shell("read line; exit 4"), stdin=STREAM, stdout=STREAM)
    process.set_exit_callback(lambda returncode: (say("told %d" % returncode), done.set()))
    Subprocess.uninitialize()
    Subprocess.uninitialize()
    process.stdin.close()
    await process.stdout.read_until_close()
    await asyncio.sleep(0.2)
    say("not told")
    # Tornado looks for the others when the next one ends.
    other = Subprocess(shell("read line; exit 0"), stdin=STREAM)
    ended = other.wait_for_exit()
    other.stdin.close()
    await ended
    await asyncio.wait_for(done.wait(), 10)


async def session():
    process = Subprocess(shell("ps -o sid= -p $$"), stdout=STREAM, start_new_session=True)
    say(str(int(await process.stdout.read_until_close()) == process.pid))
    await process.wait_for_exit()


async def no_descriptors():
    kept = os.pipe()[0]
    await Subprocess(shell("[ -e /proc/$$/fd/%d ] && echo open || echo closed" % kept)).wait_for_exit()


async def together():
    process = Subprocess(shell("echo out; echo err >&2; exit 3"), stdout=STREAM, stderr=STDOUT)
    say("%s %s" % (process.stdin, process.stderr))
    say((await process.stdout.read_until_close()).decode().strip())
    say(str(await process.wait_for_exit(raise_error=False)))


async def together_elsewhere():
    reading, writing = os.pipe()
    await Subprocess(shell("echo out; echo err >&2"), stdout=writing, stderr=STDOUT).wait_for_exit()
    os.close(writing)
    say(os.read(reading, 100).decode().strip())
    await Subprocess(shell("echo out; echo err >&2"), stderr=STDOUT).wait_for_exit()
    await Subprocess(shell("echo out; echo err >&2"), stdout=DEVNULL, stderr=STDOUT).wait_for_exit()


async def nowhere():
    process = Subprocess(
        shell("cat; echo nobody reads; [ -c /dev/fd/1 ] && echo device >&2"),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=STREAM,
    )
    say("%s %s" % (process.stdin, process.stdout))
    say((await process.stderr.read_until_close()).decode().strip())
    say(str(await process.wait_for_exit()))


async def pipes():
    process = Subprocess(["cat"], stdin=PIPE, stdout=PIPE)
    process.stdin.write(b"through Python's own")
    process.stdin.close()
    say(process.stdout.read().decode())
    say(str(await process.wait_for_exit()))


def passes(*numbers):
    async def case():
        kept = []
        for number in numbers:
            reading, writing = os.pipe()
            os.dup2(writing, number, inheritable=False)
            os.close(writing)
            kept.append(reading)
        other = os.pipe()[0]
        os.dup2(other, 50, inheritable=False)
        script = "; ".join("echo %d >/dev/fd/%d" % (number, number) for number in numbers)
        script += "; [ -e /proc/$$/fd/50 ] && echo open || echo closed"
        await Subprocess(shell(script), pass_fds=[*numbers, 1]).wait_for_exit()
        for reading in kept:
            say(os.read(reading, 100).decode().strip())

    return case


def refused():
    for options in (
        dict(pass_fds=[-1]),
        dict(pass_fds=7),
        dict(pass_fds=[60]),
        dict(stdin=60),
        dict(stdout="a file"),
    ):
        try:
            Subprocess(["true"], **options)
            say("started")
        except OSError as error:
            say(errno.errorcode[error.errno])
        except (AttributeError, TypeError, ValueError):
            say("refused")


# What Popen's preexec_fn is for, by hand.
def before_the_program():
    pid = os.fork()
    if pid == 0:
        os.chdir("/usr")
        os.umask(0o27)
        os.execvp("sh", ["sh", "-c", "pwd; umask; exit 5"])
    say(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


CASES = {
    "set_exit_callback: 0": ends("exit 0"),
    "set_exit_callback: 3": ends("exit 3"),
    "set_exit_callback: 255": ends("exit 255"),
    "set_exit_callback: SIGTERM": ends("kill -TERM $$"),
    "set_exit_callback: a second one": replaced,
    "wait_for_exit: 0": waits("exit 0"),
    "wait_for_exit: 3": waits("exit 3"),
    "wait_for_exit: SIGKILL": waits("kill -KILL $$"),
    "wait_for_exit: several": several,
    "CalledProcessError: messages": messages,
    "terminate": killed,
    "stdin and stdout": streams,
    "stderr": standard_error,
    "stdout to a descriptor": descriptor,
    "cwd and env": surroundings,
    "shell": through_the_shell,
    "errors": errors,
    "odd values": odd,
    "empty values": empty,
    "uninitialize": uninitialized,
    "stderr with stdout": together,
    "stderr with a descriptor, with this process's, with nothing": together_elsewhere,
    "DEVNULL": nowhere,
    "PIPE": pipes,
    "pass_fds": passes(20),
    "pass_fds: several": passes(29, 24, 40),
    "refused": refused,
    "before the program": before_the_program,
    "start_new_session": session,
    "descriptors are not inherited": no_descriptors,
}


async def alone(case):
    # Tornado's handler of SIGCHLD is Python's own: a signal that comes just before the loop sleeps would not wake it. With any
    # handler of asyncio's, every signal does (signal.set_wakeup_fd).
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)
    await case()


if sys.argv[1] == "--list":
    print("\n".join(CASES))
else:
    result = CASES[sys.argv[1]]
    asyncio.run(alone(result)) if asyncio.iscoroutinefunction(result) else result()
