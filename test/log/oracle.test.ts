/** prefork/log beside Python's logging: each case of test/tornado/oracle/logs.py and logs.mjs prints the same. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Outcome, oracleVersion, PYTHON, play } from '../helpers/oracle';

const version = oracleVersion();

function casesOf(): string[] {
  const script = join(__dirname, '..', 'tornado', 'oracle', 'logs.py');
  return spawnSync(PYTHON, [script, '--list'], { encoding: 'utf8' }).stdout.trim().split('\n');
}

/** How Node and Python call the same. */
const ERRORS: Record<string, RegExp> = {
  ENOSPC: /^error: (ENOSPC: no space left on device, write|\[Errno 28\] No space left on device)$/,
  EPIPE: /^error: (EPIPE: broken pipe, write|\[Errno 32\] Broken pipe)$/,
  closed: /^error: (write to a closed stream|I\/O operation on closed file\.)$/,
};

function sameError(line: string): string {
  const [name] = Object.entries(ERRORS).find(([, pattern]) => pattern.test(line)) ?? [];
  return name ?? line.replace(/^(error|TypeError|ValueError|KeyError): /, '');
}

/** The time of day, and what only one of the two shows of a mistake: how its logging came there. */
function comparable({ stdout, stderr, end }: Outcome): Partial<Outcome> {
  const isOwn = (line: string) => /^\s+/.test(line) || line === 'Call stack:';
  const lines = stderr.split('\n').filter((line) => !isOwn(line));
  return {
    stdout: stdout
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}/g, 'ASCTIME')
      .replace(/\d\d:\d\d /g, 'HH:MM '),
    stderr: lines.map(sameError).join('\n'),
    end,
  };
}

const SAYS: Record<string, Partial<Record<'stdout' | 'stderr', RegExp>>> = {
  arguments: { stderr: /^worker 3 died\n7 of {3}3\.8\|x {5}\|"it's"\n100%\nx 007\n/ },
  mistakes: {
    stderr:
      /^--- Logging error ---\nnot all arguments converted .*\nMessage: 'no place'\nArguments: \('x',\)\n/,
  },
  'a full disk': {
    stdout: /^goes on$/,
    stderr: /^--- Logging error ---\nENOSPC\nMessage: '%s died'\nArguments: \('worker 3',\)\n/,
  },
  'an argument without a text': { stderr: /no text\nUnable to print the message and arguments .*\nUse the/ },
  exception: { stderr: /^ERROR:tornado\.application:Failed: x\noops$/ },
  'filename, and a child': { stdout: /^INFO first\nINFO of the child\nINFO last$/ },
  asctime: { stdout: /^ASCTIME\|x$/ },
};

const names = version === null ? [] : casesOf();

describe.skipIf(version === null)(
  `Python's logging and ours: ${names.length} programs`,
  { timeout: 60_000 },
  () => {
    test.concurrent.each(names)('%s', async (name) => {
      const scenario = { name, program: 'logs', args: [name] };
      const python = comparable(await play('python', scenario));
      for (const [stream, pattern] of Object.entries(SAYS[name] ?? {})) {
        expect(python[stream as keyof Outcome]).toMatch(pattern);
      }
      expect(comparable(await play('node', scenario))).toEqual(python);
    });
  },
);
