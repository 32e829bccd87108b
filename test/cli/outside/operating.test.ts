/** docs/operating.md is a day in the life of a service: its commands are run in its order, and say what it shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prefork } from '../../helpers/command';
import { serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const PAGE = readFileSync(join(ROOT, 'docs', 'operating.md'), 'utf8');

interface Step {
  args: string[];
  /** What the page shows below the command. */
  shown: string;
}

/** Commands that end by themselves. */
const STEPS: Step[] = [...PAGE.matchAll(/```console\n(.*?)```/gs)].flatMap(([, block = '']) =>
  block
    .split(/^\$ npx prefork /m)
    .slice(1)
    .map((text) => {
      const [line = '', ...shown] = text.split('\n');
      return { args: line.split(' '), shown: shown.join('\n') };
    }),
);

/** Numbers, paths and widths are those of the day. What a worker does is, too. */
function shapeOf(text: string): string {
  return text
    .replaceAll(/\/\S*server\.js/g, 'PATH')
    .replaceAll(/(\S*):\d+$/gm, 'ADDRESS')
    .replaceAll(/prefork \S+, Node v[\d.]+/g, 'VERSIONS')
    .replaceAll(/[\d.]+ ([KM]i)?B\b/g, 'SIZE')
    .replaceAll(/\d+ (d|h|min|s|ms)( \d+ (h|min|s))?/g, 'TIME')
    .replaceAll(/^ *\d.*$/gm, 'WORKER')
    .replaceAll(/[\d.]+/g, 'N')
    .replaceAll(/ +/g, ' ');
}

test('The page has its commands.', () => {
  expect(STEPS.map(({ args: [command] }) => command)).toEqual([
    'status',
    'status',
    'stack',
    'profile',
    'snapshot',
    'reload',
    'scale',
    'scale',
    'logs-reopen',
    'stop',
  ]);
});

/** Waited for as long as it takes, on a busy machine. */
const ASKING = ['stack', 'profile', 'snapshot'];

async function run(folder: string, args: string[]) {
  const [command = ''] = args;
  for (;;) {
    const line = ASKING.includes(command) ? [...args, '--timeout', '100s'] : args;
    const result = await prefork(folder, line, { deadman: 120_000 }).result;
    // At each beat a worker runs JavaScript for a moment.
    if (command !== 'stack' || !result.stdout.includes('runs JavaScript')) return result;
  }
}

test('Lines of the logger, made as the page says, name the worker that wrote them.', async () => {
  const [line = ''] = /^const log = pino.*$/m.exec(PAGE) ?? [];
  const app = `
    const pino = require('pino');
    ${line}
    log.info('loaded');
    require('node:http').createServer((_, response) => {
      log.info('answers');
      response.end(process.env.PREFORK_WORKER);
    }).listen(0, '127.0.0.1');`;
  const served = await serve(['app.js', '-w', '2'], { files: { 'app.js': app }, until: /2 workers ready/ });
  const workers: string[] = [];
  for (let i = 0; i < 8; i++) workers.push(await served.ask());
  expect(await served.stop()).toBe('status 0');
  const { stdout } = await served.running.result;
  const [loaded, ...answers] = stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(loaded).toMatchObject({ msg: 'loaded' });
  expect(loaded).not.toHaveProperty('worker');
  // A worker may answer before its line is out.
  expect(answers.map(({ worker }) => worker).sort()).toEqual(workers.sort());
});

test('Each does what the page says.', async () => {
  const name = `shop-${process.pid}`;
  const files = {
    'package.json': JSON.stringify({ name, version: '1.4.2' }),
    'server.js': "require('node:http').createServer((_, r) => r.end('here')).listen(0);",
  };
  const served = await serve(['server.js', '-w', '2'], { files, until: /2 workers ready/, deadman: 200_000 });
  for (const { args, shown } of STEPS) {
    const line = args.map((arg) => (arg === 'shop' ? name : arg));
    const { status, stdout, stderr } = await run(served.folder, line);
    expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: '' });
    if (shown !== '') expect(shapeOf(stdout.replaceAll(name, 'shop'))).toBe(shapeOf(`${shown.trimEnd()}\n`));
    else expect(JSON.parse(stdout)).toMatchObject({ name });
  }
  expect(await served.running.exit()).toBe('status 0');
});
