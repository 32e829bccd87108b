/** In the process that reads the configuration: what is found there goes to the manager, as data, and that is its end. */
import { extname } from 'node:path';
import { preforkError } from '../base/errors';
import { LONGEST_MESSAGE, type Newcomer } from '../manager';
import { importAll } from './evaluate';
import { makeLog } from './log-lines';
import { type FromFile, fromFile } from './settings/config-file';
import { NotListening, type Sources } from './settings/configuration';
import { refuse } from './settings/refuse';

/** Never returns. */
export async function readConfiguration(
  newcomer: Newcomer,
  sources: Sources,
  imports: readonly string[],
): Promise<never> {
  try {
    const file = sources.file();
    const message = { type: 'found', found: sources.found(await read(file, imports)) };
    if (Buffer.byteLength(JSON.stringify(message)) > LONGEST_MESSAGE) throw tooLong(file);
    newcomer.channel.send(message);
    process.exit(0);
  } catch (error) {
    couldNotRead(newcomer, error);
  }
}

/** Says why, also to the manager, and ends the process. */
export function couldNotRead({ channel, settings }: Newcomer, error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  channel.trySend({ type: 'not found', why: why.slice(0, 4096) });
  if (!(error instanceof NotListening)) refuse(error);
  makeLog(settings.logFormat)({ level: 'error', event: 'listen_failed', message: why });
  process.exit(1);
}

/** Of a file that only holds data nothing is run. */
async function read(file: string | null, imports: readonly string[]): Promise<FromFile> {
  if (file !== null && extname(file) !== '.json') await importAll(imports);
  return fromFile(file);
}

function tooLong(file: string | null): Error {
  return preforkError(
    'ERR_PREFORK_OUT_OF_RANGE',
    `The settings of ${file} are longer than ${LONGEST_MESSAGE} bytes`,
    { Base: RangeError },
  );
}
