/** Who can be measured beside prefork on this machine. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BENCH } from './places.mjs';

export const PYTHON = '/usr/bin/python3';

export function output(command, args) {
  return execFileSync(command, args.map(String), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** The same of a program that logs to standard error, which nobody wants to see. */
export function quietOutput(command, args, env) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...env } };
  return execFileSync(command, args.map(String), options).trim();
}

export function has(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const peers = {
  python: has(PYTHON, ['--version']),
  tornado: has(PYTHON, ['-c', 'import tornado.web']),
  gunicorn: has('/usr/bin/gunicorn', ['--version']),
  wrk: has('which', ['wrk']),
  piscina: has('test', ['-e', join(BENCH, 'node_modules', 'piscina')]),
  pm2: has('test', ['-e', join(BENCH, 'node_modules', 'pm2', 'bin', 'pm2')]),
};
