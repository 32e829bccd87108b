/** Modules that are evaluated once, in a template, and not by each file. */
import { Module } from 'node:module';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { openedBy } from '../../testing/opened';

interface Compiled extends Module {
  /** Node's own, by which it makes a module of a text. */
  _compile(text: string, filename: string): void;
}

/** As a module in the working directory imports it, with the conditions of `import`. */
function importFromHere(name: string): Promise<unknown> {
  const here = new Module(join(process.cwd(), 'prefork')) as Compiled;
  here._compile('exports.load = (name) => import(name);', here.id);
  const { load } = here.exports as { load: (name: string) => Promise<unknown> };
  return load(name);
}

/** node:test begins with the first test or hook, and a file must find it as it was before. */
export function hasTests(): boolean {
  return process.listenerCount('beforeExit') > 0;
}

const REGISTERS = "it registers tests or hooks, or listens for 'beforeExit' as they do";

/** Meanwhile nothing of the template's own keeps the event loop alive, so that one that never settles is noticed. */
async function finished(evaluation: Promise<unknown>, socket: Socket): Promise<void> {
  let giveUp = () => {};
  const idle = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error('it never finishes loading'));
  });
  process.once('beforeExit', giveUp);
  socket.unref();
  try {
    await Promise.race([evaluation, idle]);
  } finally {
    socket.ref();
    process.removeListener('beforeExit', giveUp);
  }
}

/** In a template that is given up if there is a reason against it: it has been evaluated by then. Says which. */
export async function preload(name: string, socket: Socket): Promise<string | undefined> {
  try {
    const opened = await openedBy(() => finished(importFromHere(name), socket));
    if (hasTests()) return REGISTERS;
    return opened.length === 0 ? undefined : `it opens ${opened.join(', ')}`;
  } catch (error) {
    return String(error);
  }
}
