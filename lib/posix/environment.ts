/** What a program is told when it is started: texts that end at the first NUL. */
import { invalidValue, object, string } from '../base/arguments';
import { invalidType } from '../base/errors';

/** What a program is started with; `process.env` is one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `value` if it is a string that reaches a program whole; otherwise a TypeError. */
export function withoutNul(name: string, value: unknown): string {
  if (string(name, value).includes('\0')) throw invalidValue(`Expected a string without NUL for ${name}`);
  return value as string;
}

/** Which names somebody takes. */
export type NameRule = (name: string) => boolean;

/** Python's os.execve: on Windows hidden variables begin with `=`. */
export const execName: NameRule = (name) => name !== '' && !name.slice(1).includes('=');

/** Python's Popen. */
export const spawnName: NameRule = (name) => !name.includes('=');

/** `NAME=value` for each. A Map or an array, which has its entries elsewhere, would be an empty environment. */
export function assignments(env: Environment, isName: NameRule): string[] {
  if (Symbol.iterator in object('env', env)) throw invalidType('env', 'an object with names and values', env);
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (!isName(withoutNul('each name in env', name))) {
      throw invalidValue(`Expected the name of an environment variable in env but received '${name}'`);
    }
    return [`${name}=${withoutNul(`env.${name}`, value)}`];
  });
}
