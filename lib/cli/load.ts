/** Finds the application, loads it as `node` would, and serves what it exports if it does not listen itself. */
import { createRequire, Module } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hasAddon } from '../base/binding';
import { preforkError } from '../base/errors';
import { delay, nextTick, nextTurn } from '../base/timers';
import { stripsTypes } from '../base/typescript';
import { activeRequests } from '../fork/active';
import type { Bind } from '../manager/settings';
import { findServable, type Servable } from './servable';
import { portFromEnvironment } from './settings/environment';
import { refuse } from './settings/refuse';
import type { Beginning } from './startup';

/** Interval for checking whether an application is idle, in milliseconds. */
const IDLE_INTERVAL = 10;
/** Left open by `console.log`. */
const STANDARD_STREAM = /^(TTY|Pipe)Wrap$/;

/**
 * Finds it as `node` does: without an extension, or in a folder. From beside it: Node 26 looks for the package of who asks, too,
 * and that of the working directory may be none of what the workers' user can read.
 */
export function findApplication(name: string): string {
  const path = resolve(name);
  try {
    return createRequire(path).resolve(path);
  } catch (cause) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      `Cannot find the application ${name} in ${process.cwd()}`,
      { cause },
    );
  }
}

/** Waits until nothing is in flight: requests in flight cannot be forked. */
export async function settled(): Promise<void> {
  while (hasAddon && activeRequests().length > 0) await nextTurn();
}

/**
 * Runs the application as the main program, as `node application args…` would. Returns at once: what the application throws
 * is an uncaught exception, as with `node`.
 *
 * In the template nothing follows the first listen. If it never comes, the log explains why, and the status is not 0.
 *
 * @param bind where to serve an exported app; default: PORT in the environment
 */
export function runApplication(
  path: string,
  args: readonly string[],
  bind: Bind | undefined,
  beginning: Beginning,
): void {
  process.argv = [process.execPath, path, ...args];
  nextTick(() => {
    runMain(path);
    // In a worker: it has listened meanwhile.
    if (!beginning.over()) void serveExported(path, bind, beginning);
  });
}

/** A Node that cannot read TypeScript does not know that this extension means an ES module, even with tsx. */
function runMain(path: string): void {
  if (path.endsWith('.mts') && !stripsTypes) void import(pathToFileURL(path).href);
  else Module.runMain();
}

/**
 * A module that listens by itself decides when. Any other is served once it is loaded if `bind` says where. PORT alone is also
 * read by modules that listen, so then it is served only when nothing is left that could still listen.
 */
async function serveExported(path: string, bind: Bind | undefined, beginning: Beginning): Promise<void> {
  const exported = await exportsOf(path);
  const servable = beginning.over() ? undefined : findServable(exported, path);
  if (servable === undefined) return;
  beginning.exports(servable.kind);
  const address = bind ?? portOrEnd(beginning);
  if (address === undefined) return;
  if (bind === undefined) await idle();
  else await settled();
  if (!beginning.over()) listen(servable, address);
}

/** An application that listens by itself may read a PORT of any form; here it must be a number. */
function portOrEnd(beginning: Beginning): Bind | undefined {
  try {
    return portFromEnvironment(process.env);
  } catch (error) {
    beginning.end();
    refuse(error);
  }
}

/** Waits until nothing but this wait keeps the event loop alive. */
async function idle(): Promise<void> {
  do await delay(IDLE_INTERVAL);
  while (process.getActiveResourcesInfo().some((name) => !STANDARD_STREAM.test(name)));
}

/** Errors become uncaught exceptions of the application. */
function listen(servable: Servable, address: Bind): void {
  servable.listen(address).catch((error: unknown) => {
    nextTick(() => {
      throw error;
    });
  });
}

/** The exports of the main program, once its top level has finished. If it fails, Node reports why. */
async function exportsOf(path: string): Promise<unknown> {
  const main = process.mainModule;
  if (main?.filename === path) return main.exports;
  return await import(pathToFileURL(path).href).catch(() => undefined);
}
