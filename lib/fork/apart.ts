/** What a child does that is to touch nothing of this program: it writes its own output, and leaves at once. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { binding } from '../base/binding';
import { writeAll } from '../base/blocking-write';

function directStream(fd: number): NodeJS.WriteStream {
  const write = (chunk: Buffer, _encoding: BufferEncoding, done: () => void) => {
    writeAll(fd, chunk);
    done();
  };
  return new Writable({ write, decodeStrings: true }) as unknown as NodeJS.WriteStream;
}

/** Past whatever a test runner has made of these, which hears of the child's output in no other way. */
export function writeDirectly(processes: ReadonlySet<NodeJS.Process>): void {
  const [stdout, stderr] = [directStream(1), directStream(2)];
  for (const object of processes) {
    Object.defineProperty(object, 'stdout', { value: stdout, configurable: true });
    Object.defineProperty(object, 'stderr', { value: stderr, configurable: true });
  }
  Object.defineProperty(globalThis, 'console', { value: new Console(stdout, stderr), configurable: true });
}

/** No listener of 'exit' is the child's to call: they would report, save and remove what is the parent's. */
export function exitAtOnce(processes: ReadonlySet<NodeJS.Process>): void {
  const exit = (status?: unknown): never => binding.process_exit(Number(status ?? process.exitCode ?? 0));
  for (const object of processes) {
    Object.defineProperty(object, 'exit', { value: exit, configurable: true });
    Reflect.set(object, 'reallyExit', exit);
  }
}
