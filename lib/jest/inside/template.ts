/**
 * What goes on in a template: Jest's own worker code is loaded, and has run a file without a test of the user's. A child runs
 * one file by the same code, and ends.
 */
import { closeSync } from 'node:fs';
import { writeAll } from '../../base/blocking-write';
import { nextTick, nextTurn } from '../../base/timers';
import { registerAtFork } from '../../fork/at-fork';
import { frame } from '../../testing/frames';
import { begin as beginTemplate } from '../../testing/inside/template';
import { openedBy } from '../../testing/opened';
import { type Entry, type FileRequest, type FromFile, pack, type Step } from '../messages';
import { JestPackages, type TestWorker } from '../packages';
import { Rehearsal } from './rehearsal';

/** Node's, whatever a module makes of it. */
const exit = process.exit.bind(process);

let jest: JestPackages;
let testWorker: TestWorker;
const rehearsals: Rehearsal[] = [];

/** What Node's options have had it load before this. */
async function whyNot(): Promise<string | undefined> {
  await nextTurn();
  const opened = process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap');
  return opened.length === 0 ? undefined : `what --import or --require loads opens ${opened.join(', ')}`;
}

async function load({ runner, setup }: Extract<Step, { step: 'begin' }>): Promise<string | undefined> {
  const why = await whyNot();
  if (why !== undefined) return why;
  jest = new JestPackages(runner);
  process.argv[1] = jest.workerProgram; // tests have a copy
  testWorker = jest.testWorker;
  await testWorker.setup(JSON.parse(setup));
  return undefined;
}

/** Meanwhile nobody hears what Jest's workers send to their parent. */
async function rehearse(request: string): Promise<string | undefined> {
  const rehearsal = new Rehearsal(jest, testWorker, JSON.parse(request) as FileRequest);
  process.send = () => true;
  try {
    const opened = await openedBy(() => rehearsal.run());
    rehearsals.push(rehearsal);
    return opened.length === 0 ? undefined : `that opens ${opened.join(', ')}`;
  } catch (error) {
    return String(error);
  } finally {
    Reflect.deleteProperty(process, 'send');
  }
}

/** The way to Jest's process, which the process of a file has, and no child that a test forks. */
class Voice {
  #fd: number | undefined;

  constructor(fd: number) {
    this.#fd = fd;
    // As in Jest's own workers.
    const send = (message: unknown): boolean => {
      if (Array.isArray(message)) this.say({ event: pack(message[1], jest) });
      return true;
    };
    Object.assign(process, { send, connected: true });
    registerAtFork({ afterInChild: () => this.#lose() });
  }

  say(message: FromFile): void {
    if (this.#fd !== undefined) writeAll(this.#fd, frame(message));
  }

  #lose(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    Reflect.deleteProperty(process, 'send');
    Reflect.deleteProperty(process, 'connected');
  }
}

function runFile({ request, workerId }: Entry, fd: number): void {
  const voice = new Voice(fd);
  process.env['JEST_WORKER_ID'] = workerId;
  const asked = JSON.parse(request) as FileRequest;
  for (const rehearsal of rehearsals) rehearsal.handOver(workerId);
  // Nothing of this is on the stack that Jest shows of an error.
  Promise.resolve(asked)
    .then(testWorker.worker.bind(testWorker))
    .then(
      (result) => voice.say({ result: pack(result, jest) }),
      (error) => voice.say({ failure: pack(error, jest) }),
    )
    .then(() => exit(0));
}

/** In a process that was started for it. */
export function begin(): void {
  beginTemplate<Step, Entry>({
    take: (step) => (step.step === 'begin' ? load(step) : rehearse(step.request)),
    // In a tick, as in Jest's workers: the stacks of errors show it.
    run: (entry, [fd = -1]) => nextTick(() => runFile(entry, fd)),
  });
}
