import { spawnSync } from 'node:child_process';
import { program } from './command';
import type { Program } from './run';

export const hasWrk = spawnSync('wrk', ['--version']).error === undefined;

/** What wrk counts; `read` are requests that got no whole answer. */
export interface WrkReport {
  requests: number;
  connect: number;
  read: number;
  write: number;
  timeout: number;
  notOk: number;
}

const numberIn = (report: string, pattern: RegExp) => Number(pattern.exec(report)?.[1] ?? 0);

function parse(report: string): WrkReport {
  return {
    requests: numberIn(report, /(\d+) requests in/),
    connect: numberIn(report, /connect (\d+)/),
    read: numberIn(report, /read (\d+),/),
    write: numberIn(report, /write (\d+)/),
    timeout: numberIn(report, /timeout (\d+)/),
    notOk: numberIn(report, /Non-2xx or 3xx responses: (\d+)/),
  };
}

/** wrk on that port, with connections that are kept unless `headers` say otherwise, until it is stopped. */
export class Wrk {
  readonly #program: Program;

  constructor(port: number, connections = 16, headers: readonly string[] = []) {
    const options = [
      '--threads',
      '1',
      '--connections',
      String(connections),
      '--duration',
      '1h',
      '--timeout',
      '60s',
      ...headers.flatMap((header) => ['--header', header]),
    ];
    this.#program = program('wrk', [...options, `http://127.0.0.1:${port}/`], { deadman: 3_600_000 });
  }

  async stop(): Promise<WrkReport> {
    this.#program.kill('SIGINT'); // then it reports
    return parse((await this.#program.result).stdout);
  }
}
