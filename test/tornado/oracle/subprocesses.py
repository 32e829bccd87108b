"""tornado.process.Subprocess. argv: one case."""
import asyncio
import errno
import os
import sys
from subprocess import CalledProcessError

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
    "uninitialize": uninitialized,
    "start_new_session": session,
    "descriptors are not inherited": no_descriptors,
}

if sys.argv[1] == "--list":
    print("\n".join(CASES))
else:
    result = CASES[sys.argv[1]]
    asyncio.run(result()) if asyncio.iscoroutinefunction(result) else result()
