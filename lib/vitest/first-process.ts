/** The process that all others of a project are forked from: vitest is loaded in it, and nothing of the project. */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { PoolOptions } from 'vitest/node' with { 'resolution-mode': 'import' };
import { Hub } from './hub';
import { PoolProcess } from './pool-process';

const PROGRAM = join(__dirname, 'inside', 'main.mjs');

let hub: Promise<Hub> | undefined;

/** Output of all processes that are forked from it goes the same way. */
export async function startFirstProcess(options: PoolOptions): Promise<PoolProcess> {
  const { distPath, execArgv, env, project } = options;
  hub ??= Hub.open();
  const { path } = await hub;
  const { id, connected } = (await hub).expect();
  const child = spawn(process.execPath, [...execArgv, PROGRAM, distPath, path, String(id)], {
    env: env as NodeJS.ProcessEnv,
    stdio: 'pipe',
  });
  const { logger } = project.vitest;
  child.stdout.on('data', (chunk) => logger.outputStream.write(chunk));
  child.stderr.on('data', (chunk) => logger.errorStream.write(chunk));
  const ended = new Promise<undefined>((resolve, reject) => {
    child.once('error', reject).once('exit', () => resolve(undefined));
  });
  const early = ended.then((): never => {
    throw new Error('the first process ended before it began');
  });
  early.catch(() => {});
  const peer = await Promise.race([connected, early]);
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket).unref();
  return new PoolProcess(await hub, peer, ended, (signal) => child.kill(signal));
}
