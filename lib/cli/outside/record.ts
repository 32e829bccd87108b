/** `prefork profile` and `prefork snapshot`: a worker records it, the command writes the file, with the rights of its user. */
import { printable } from '../../base/printable';
import type { Kind } from '../../manager/questions';
import { memoryOf } from '../../manager/system/process-facts';
import { type Asked, Asking, Silence, workersCalled } from './asking';
import { JsonOutline } from './json-outline';
import { NewFile } from './new-file';
import type { Waiting } from './waiting';
import { bytes } from './words';

/** What is to be recorded. */
export interface Recording {
  kind: Exclude<Kind, 'stack'>;
  worker: string;
  argument: number;
  path: string;
  /** A file of that name may be replaced. */
  force: boolean;
  /** Milliseconds for which the worker may say nothing. */
  patience: number;
}

const MEGABYTE = 2 ** 20;
const LONGEST_PROFILE = 256 * MEGABYTE;
/** How V8 begins each, on all versions of Node that this package runs on. */
const BEGINNINGS: Record<Recording['kind'], string> = {
  profile: '{"nodes":[{',
  snapshot: '{"snapshot":{"meta":{',
};

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function record(waiting: Waiting, recording: Recording): Promise<string> {
  const worker = await workerFor(waiting, recording.worker);
  const left = new Left();
  try {
    return await left.cleanedUpOnSignal(() => recordInto(waiting, worker, recording, left));
  } catch (error) {
    left.cleanUp();
    throw error instanceof Silence ? blocked(error) : error;
  }
}

async function recordInto(
  waiting: Waiting,
  worker: Asked,
  recording: Recording,
  left: Left,
): Promise<string> {
  const file = new NewFile(recording.path, recording.force);
  left.file = file;
  const asking = await Asking.begin(waiting, recording.kind, recording.patience);
  left.asking = asking;
  await recorded(asking, worker, recording, file);
  file.finish();
  const { id, pid } = worker;
  return `${printable(file.path)}: ${bytes(file.bytes)}, of worker ${id} (pid ${pid})`;
}

/** One that stays. */
async function workerFor(waiting: Waiting, name: string): Promise<Asked> {
  const shown = await waiting.look();
  if (shown === undefined) throw new Error(`Process ${waiting.manager.pid} has ended`);
  const found = workersCalled(name, shown);
  const staying = found.find(({ phase }) => phase === 'ready') ?? found.at(-1);
  if (staying === undefined) throw new Error(`There is no worker ${printable(name)}`);
  return staying;
}

async function recorded(
  asking: Asking,
  worker: Asked,
  { kind, argument, patience }: Recording,
  file: NewFile,
): Promise<void> {
  const outline = new JsonOutline(BEGINNINGS[kind]);
  const most = kind === 'profile' ? LONGEST_PROFILE : mostOfSnapshot(worker);
  const take = (part: Buffer) => {
    if (!outline.add(part)) throw notOfKind(worker, kind);
    if (file.bytes + part.length > most)
      throw new Error(`Worker ${worker.id} sends more than ${bytes(most)}`);
    file.write(part);
  };
  await asking.ask(worker, argument, take, kind === 'profile' ? argument + 2 * patience : undefined);
  if (!outline.isWhole || (kind === 'profile' && !isProfile(file.content()))) throw notOfKind(worker, kind);
}

/** A file has 1.1 to 1.9 bytes for each of the heap. */
function mostOfSnapshot({ pid }: Asked): number {
  return 1024 * MEGABYTE + 4 * (memoryOf(pid)?.resident ?? 0);
}

function isProfile(content: Buffer): boolean {
  try {
    const { nodes, samples, timeDeltas } = JSON.parse(content.toString()) as Record<string, unknown>;
    return [nodes, samples, timeDeltas].every(Array.isArray);
  } catch {
    return false;
  }
}

function notOfKind({ id, pid }: Asked, kind: Recording['kind']): Error {
  return new Error(`What worker ${id} (pid ${pid}) sends is no ${kind}`);
}

function blocked({ message }: Silence): Error {
  return new Error(`${message}: its event loop stands still. prefork stack says where`);
}

/** What is not to stay if this command does not come to its end. */
class Left {
  file: NewFile | undefined;
  asking: Asking | undefined;

  cleanUp(): void {
    this.asking?.stop();
    this.file?.discard();
  }

  /** A signal ends this process as ever. */
  async cleanedUpOnSignal<T>(work: () => Promise<T>): Promise<T> {
    const leave = (signal: NodeJS.Signals) => {
      this.cleanUp();
      stopListening();
      process.kill(process.pid, signal);
    };
    const stopListening = () => {
      for (const signal of ENDING) process.removeListener(signal, leave);
    };
    for (const signal of ENDING) process.on(signal, leave);
    try {
      return await work();
    } finally {
      stopListening();
    }
  }
}
