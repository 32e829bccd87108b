/**
 * What Node loads before a program: modules that `--require`, `--import` and `--experimental-loader` name, in NODE_OPTIONS or on
 * its command line. They belong to the application, and may connect, start threads or keep a lock: nothing for a manager, which
 * is forked.
 */
import { createRequire } from 'node:module';

/** Node's options. In NODE_OPTIONS quotation marks may stand around each word. */
const OPTION = /^(-r|--require|--import|--experimental-loader|--loader)(?:=(.*))?$/;
const BETWEEN_WORDS = /[\s"]+/;

interface Preload {
  isImported: boolean;
  name: string;
}

/** As they are given: first in NODE_OPTIONS, then on the command line. */
function preloads(): Preload[] {
  const words = [...(process.env['NODE_OPTIONS'] ?? '').split(BETWEEN_WORDS), ...process.execArgv];
  return words.flatMap((word, index) => {
    const [isOption, option, name = words[index + 1] ?? ''] = OPTION.exec(word) ?? [];
    return isOption === undefined ? [] : { isImported: option === '--import', name };
  });
}

/** Whether Node has loaded any before the one that `isOwn` knows; it requires all before it imports the first. */
export function isAnyPreloadedBefore(isOwn: (name: string) => boolean): boolean {
  const all = preloads();
  const imported = all.filter(({ isImported }) => isImported);
  return imported.length < all.length || (imported.length > 0 && !isOwn(imported[0]?.name ?? ''));
}

/** NODE_OPTIONS with which Node requires that file before all others. */
export function requireFirst(file: string, options: string | undefined): string {
  const first = [...resolver(), file].map((each) => `--require ${quoted(each)}`);
  return [...first, ...(options === undefined ? [] : [options])].join(' ');
}

/** They are these; but not every Node heeds them, as one with file capabilities does not. */
export function isRequiredFirst(file: string, options = ''): boolean {
  return options.includes(quoted(file));
}

/** NODE_OPTIONS as they were before; undefined: there were none. */
export function withoutFirst(file: string, options: string): string | undefined {
  const [before = '', ...after] = options.split(quoted(file));
  if (after.length === 0) return before;
  const rest = after.join(quoted(file));
  return rest === '' ? undefined : rest.slice(1);
}

/** As Node reads it: within quotation marks, where a backslash takes the next character as it is. */
function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Yarn's Plug'n'Play, without which this package does not find what it needs itself where Yarn has installed it. */
function resolver(): string[] {
  if (process.versions['pnp'] === undefined) return [];
  try {
    return [createRequire(__filename).resolve('pnpapi')];
  } catch {
    return []; // this package comes from elsewhere
  }
}
