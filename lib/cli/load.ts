/** The application: found, loaded as `node` would load it, and, if it only exports something to serve, served. */
import { createRequire, Module } from 'node:module';
import { join, resolve } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { preforkError } from '../base/errors';
import { activeRequests } from '../fork/active';
import type { Bind } from '../manager/settings';
import { refuse } from './refuse';
import { findServable, type Servable } from './servable';
import { portFromEnvironment } from './settings/environment';
import type { Beginning } from './startup';
import { stripsTypes } from './typescript';

/** How often it is looked whether an application is idle, in milliseconds. */
const IDLE_INTERVAL = 10;
/** What `console.log` leaves behind. */
const STANDARD_STREAM = /^(TTY|Pipe)Wrap$/;

/** As `node` finds it: the extension may be missing, and a folder stands for what is in it. */
export function findApplication(name: string): string {
  try {
    return createRequire(join(process.cwd(), '/')).resolve(resolve(name));
  } catch (cause) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      `Cannot find the application ${name} in ${process.cwd()}`,
      { cause },
    );
  }
}

/** Until nothing is in flight any more: what is then could not be forked. */
export async function settled(): Promise<void> {
  while (activeRequests().length > 0) await setImmediate();
}

/**
 * Runs the application as the main program, as if `node application args…` had been typed. Returns at once: what the
 * application throws is an uncaught exception, as it would be then.
 *
 * In the parent nothing comes after the first listen. An end without one is explained, with a status that is not 0.
 *
 * @param bind where an exported app listens; without it that is PORT in the environment
 */
export function runApplication(
  path: string,
  args: readonly string[],
  bind: Bind | undefined,
  beginning: Beginning,
): void {
  process.argv = [process.execPath, path, ...args];
  process.nextTick(() => {
    runMain(path);
    void serveExported(path, bind, beginning);
  });
}

/** A Node that does not read TypeScript does not know that this ending means an ES module, whatever tsx can do. */
function runMain(path: string): void {
  if (path.endsWith('.mts') && !stripsTypes) void import(pathToFileURL(path).href);
  else Module.runMain();
}

/**
 * A module that listens by itself decides when. One that does not is served once it is loaded, if `bind` says where;
 * with PORT alone, which a module that listens reads itself, only when nothing is left that could still listen.
 */
async function serveExported(path: string, bind: Bind | undefined, beginning: Beginning): Promise<void> {
  const servable = findServable(await exportsOf(path), path);
  if (servable === undefined || beginning.over()) return;
  beginning.exports(servable.kind);
  const place = bind ?? portOrEnd(beginning);
  if (place === undefined) return;
  if (bind === undefined) await idle();
  else await settled();
  if (!beginning.over()) listen(servable, place);
}

/** An application that listens by itself may read a PORT of any form; here it has to be a number. */
function portOrEnd(beginning: Beginning): Bind | undefined {
  try {
    return portFromEnvironment(process.env);
  } catch (error) {
    beginning.end();
    refuse(error);
  }
}

/** Until the event loop would come to its end, but for this. */
async function idle(): Promise<void> {
  do await setTimeout(IDLE_INTERVAL);
  while (process.getActiveResourcesInfo().some((name) => !STANDARD_STREAM.test(name)));
}

/** Its errors are the application's: uncaught exceptions. */
function listen(servable: Servable, place: Bind): void {
  servable.listen(place).catch((error: unknown) => {
    process.nextTick(() => {
      throw error;
    });
  });
}

/** The exports of the main program, when its top level has been run to the end. Why they do not come, Node reports. */
async function exportsOf(path: string): Promise<unknown> {
  const main = process.mainModule;
  if (main?.filename === path) return main.exports;
  return await import(pathToFileURL(path).href).catch(() => undefined);
}
