// npm takes a script named `prebuild` for what is to run before `npm run build`, which wants no prebuilt binaries.
import { readFileSync } from 'node:fs';

/**
 * Whether npm runs this program for that reason: the script that was asked for stands in npm's command line only, and npm
 * is the parent of the shell that started this one. Where that cannot be read, it is taken to be meant.
 */
export function isRunBeforeBuild() {
  try {
    const shell = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    const [, npm] = shell.slice(shell.lastIndexOf(')') + 2).split(' ');
    return /^npm run(-script)? (--\S+ )*build\b(?!:)/.test(readFileSync(`/proc/${npm}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}
