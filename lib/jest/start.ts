/** Starts a template of Jest's files, as Jest starts its own workers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Template } from '../testing/template';
import type { Entry, Step } from './messages';
import type { JestPackages } from './packages';

const PROGRAM = join(__dirname, 'inside', 'main.js');

export interface Started {
  template: Template<Step, Entry>;
  /** Resolves when it has ended. Meanwhile this process goes on. */
  end(): Promise<void>;
}

function startProgram(jest: JestPackages, orders: number, descriptors: number): ChildProcess {
  // As Jest does: what failed is put into words there.
  const colours = jest.showsColours ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM], {
    env: { ...process.env, ...colours },
    stdio: ['pipe', 'pipe', 'pipe', orders, descriptors],
  });
  child.stdout?.on('data', (chunk) => process.stdout.write(chunk));
  child.stderr?.on('data', (chunk) => process.stderr.write(chunk));
  return child;
}

export function startTemplate(jest: JestPackages): Started {
  const programs: ChildProcess[] = [];
  const template = new Template<Step, Entry>((orders, descriptors) => {
    const program = startProgram(jest, orders, descriptors);
    programs.push(program);
    return program;
  });
  const [program] = programs as [ChildProcess];
  const ended = new Promise<void>((resolve) => {
    program.once('exit', () => resolve()).once('error', () => resolve());
  });
  const end = () => {
    program.ref();
    template.retire();
    return ended;
  };
  return { template, end };
}
