/** Starts a template of node:test's files. */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Template } from '../testing/template';
import type { Entry, Step } from './entry';
import { apart } from './intercept';

const PROGRAM = join(__dirname, 'inside', 'main.mjs');

/** What a process is started with, other than its file: where that is the same, files are forked from the same template. */
export interface Kind {
  execPath: string;
  execArgv: readonly string[];
  cwd: string | undefined;
  env: Readonly<Record<string, string>>;
}

export type NodeTemplate = Template<Step, Entry>;

export function startTemplate({ execPath, execArgv, cwd, env }: Kind): NodeTemplate {
  return new Template((orders, descriptors) => {
    const stdio = ['ignore', 'pipe', 'pipe', orders, descriptors] as const;
    const child = apart(() => spawn(execPath, [...execArgv, PROGRAM], { cwd, env, stdio: [...stdio] }));
    // What modules print before any file is the output of no test.
    child.stdout?.resume();
    child.stderr?.on('data', (chunk) => process.stderr.write(chunk));
    for (const pipe of [child.stdout, child.stderr]) (pipe as Socket | null)?.unref();
    return child;
  });
}
