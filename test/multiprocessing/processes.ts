/** Processes that the tests of what processes share start and kill. */
import { Process } from 'prefork/multiprocessing';

export async function start(work: () => unknown): Promise<Process> {
  const process = new Process(work, { daemon: true });
  await process.start();
  return process;
}

export async function end(process: Process): Promise<void> {
  process.kill();
  await process.join();
}
