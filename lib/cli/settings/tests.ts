/** `prefork test`: all that follows is for `node --test`, but for one option. */
import type { Command } from 'commander';
import { invalidValue } from '../../base/arguments';

export interface Tests {
  command: 'test';
  /** Modules that are evaluated before the files. */
  preload: string[];
  /** What `node --test` is to get. */
  words: string[];
}

const NAME = 'test';
const OPTION = '--with';
const HELP = ['-h', '--help'];

/**
 * undefined: it is another command, or only its help is asked for. Commander does not know which of Node's options take a
 * value.
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_VALUE`
 */
export function readTests([name, ...rest]: readonly string[]): Tests | undefined {
  if (name !== NAME || HELP.includes(rest[0] ?? '')) return undefined;
  const tests: Tests = { command: 'test', preload: [], words: [] };
  const words = rest.values();
  for (const word of words) {
    if (word === OPTION) tests.preload.push(named(words.next().value));
    else if (word.startsWith(`${OPTION}=`)) tests.preload.push(named(word.slice(OPTION.length + 1)));
    else tests.words.push(word);
  }
  return tests;
}

function named(module: string | undefined): string {
  if (module === undefined || module === '') throw invalidValue(`${OPTION} needs the name of a module`);
  return module;
}

/** For help and completion. */
export function addTests(program: Command): void {
  program
    .command(NAME)
    .description('node --test with every file in a fork of a process that has loaded what you name')
    .usage(`[${OPTION} <module>] [options of node --test] [files or patterns]`)
    .exitOverride()
    .argument('[files...]', 'test files or patterns; default: those that node --test finds')
    .option(`${OPTION} <module>`, 'load a module once, before the files; repeatable');
}
