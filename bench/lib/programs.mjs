/** Runs the programs that measure, and builds what they need. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { output, PYTHON } from './peers.mjs';
import { BENCH, BUILD, PROGRAMS, ROOT } from './places.mjs';

export const LARGE_HEAP = ['--max-old-space-size=8000'];

export const node = (program, args, flags = []) =>
  JSON.parse(output(process.execPath, [...flags, join(PROGRAMS, program), ...args]));

export const python = (args, program = 'cpython.py') =>
  JSON.parse(output(PYTHON, [join(PROGRAMS, program), ...args]));

export function buildFloor() {
  const file = join(BUILD, 'floor.node');
  mkdirSync(BUILD, { recursive: true });
  const headers = join(ROOT, 'node_modules', 'node-api-headers', 'include');
  output('cc', ['-O2', '-shared', '-fPIC', '-I', headers, '-o', file, join(BENCH, 'floor.c')]);
  return file;
}

export function buildClient() {
  const file = join(BUILD, 'client');
  mkdirSync(BUILD, { recursive: true });
  output('cc', ['-O2', '-o', file, join(BENCH, 'client.c')]);
  return file;
}
