/** `--log-worker`: each line that Node writes in a worker says which one wrote it, and none is torn or lost. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COMMAND, folderWith, program } from '../../helpers/command';
import { serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const APP = `
  const fs = require('node:fs');
  const { spawnSync } = require('node:child_process');
  const { Worker } = require('node:worker_threads');
  console.log('of the template');
  const ends = (thread) => new Promise((resolve) => thread.once('exit', resolve));
  require('node:http').createServer(async (request, response) => {
    console.log('console');
    console.error('console.error');
    console.log();
    process.stdout.write('in ');
    process.stdout.write('pieces\\n');
    process.stdout.write('two\\nlines\\n');
    process.stderr.write('stderr\\n');
    fs.writeSync(1, 'writeSync\\n');
    fs.writevSync(1, [Buffer.from('writevSync\\nof '), Buffer.from('several\\n')]);
    fs.appendFileSync(1, 'appendFileSync\\n');
    await new Promise((resolve) => fs.write(1, 'write\\n', resolve));
    await ends(new Worker("require('node:fs').writeSync(1, 'of a thread\\\\n')", { eval: true }));
    console.log('{"level":30}');
    console.log('{ level: 30 }');
    spawnSync('echo', ['of a child'], { stdio: 'inherit' });
    response.end();
  }).listen(0, '127.0.0.1');`;

function output(json: string): string {
  return `of the template
worker 0 | console
worker 0 | 
worker 0 | in pieces
worker 0 | two
worker 0 | lines
worker 0 | writeSync
worker 0 | writevSync
worker 0 | of several
worker 0 | appendFileSync
worker 0 | write
worker 0 | of a thread
${json}
worker 0 | { level: 30 }
of a child
`;
}
const PREFIXED = output('worker 0 | {"level":30}');

function start(how: string, options: string[] = [], under: string[] = []) {
  const args = ['app.js', '-w', '1', '--log-worker', how, ...options];
  return serve(args, { files: { 'app.js': APP }, under });
}

test.each([
  ['prefix', PREFIXED],
  ['field', output('{"worker":0,"level":30}')],
])(
  '%s: what Node writes has it: by console, streams, node:fs, in threads. What others write has none.',
  async (how, expected) => {
    const served = await start(how);
    await served.ask();
    expect(await served.stop()).toBe('status 0');
    const { stdout, stderr } = await served.running.result;
    expect(stdout).toBe(expected);
    expect(stderr.match(/^.*(stderr|console\.error)$/gm)).toEqual([
      'worker 0 | console.error',
      'worker 0 | stderr',
    ]);
  },
);

test('Without the option output stays as it is.', async () => {
  const served = await start('none');
  await served.ask();
  expect(await served.stop()).toBe('status 0');
  expect((await served.running.result).stdout).toBe(PREFIXED.replaceAll('worker 0 | ', ''));
});

test('A worker that loads the application by itself is one from the beginning.', async () => {
  const served = await start('prefix', ['--preload', 'no']);
  await served.ask();
  expect(await served.stop()).toBe('status 0');
  const { stdout } = await served.running.result;
  expect(stdout).toBe(PREFIXED.replace('of the template', 'worker 0 | of the template'));
});

test('In a file, too, and in the one that is opened in its place after a rotation.', async () => {
  const served = await start('prefix', [], ['sh', '-c', 'exec "$@" > out.log', 'sh']);
  const [out, old] = ['out.log', 'old.log'].map((name) => join(served.folder, name)) as [string, string];
  await served.ask();
  expect(readFileSync(out, 'utf8')).toBe(PREFIXED);
  renameSync(out, old);
  execFileSync(process.execPath, [COMMAND, 'logs-reopen', String(served.running.pid)]);
  await served.ask();
  expect(await served.stop()).toBe('status 0');
  expect(readFileSync(old, 'utf8')).toBe(PREFIXED);
  expect(readFileSync(out, 'utf8')).toBe(PREFIXED.replace('of the template\n', ''));
});

test.each(['', "console.log('of the template');"])(
  'On a terminal, which libuv opens anew: %s',
  async (first) => {
    const app = `
    ${first}
    require('node:http').createServer().listen(0, '127.0.0.1', () => {
      console.log('console');
      require('node:fs').writeSync(1, 'writeSync\\n');
      console.error('console.error');
      process.kill(process.ppid, 'SIGTERM');
    });`;
    const command = [process.execPath, COMMAND, 'app.js', '-w', '1', '--log-worker', 'prefix'].join(' ');
    const folder = folderWith({ 'app.js': app });
    const { stdout } = await program('script', ['-qefc', command, '/dev/null'], { cwd: folder }).result;
    const lines = stdout
      .split('\r\n')
      .filter((line) => /(console|writeSync|console\.error|template)$/.test(line));
    expect(lines).toEqual([
      ...(first === '' ? [] : ['of the template']),
      'worker 0 | console',
      'worker 0 | writeSync',
      'worker 0 | console.error',
    ]);
  },
);

test('The report of an exception that ends the worker has it on each line.', async () => {
  const app = `
    require('node:http').createServer(() => { throw new Error('of the crash'); }).listen(0, '127.0.0.1');`;
  const served = await serve(['app.js', '-w', '1', '--log-worker', 'field'], { files: { 'app.js': app } });
  await served.ask().catch(() => {});
  await served.until(/started/, 2);
  expect(await served.stop()).toBe('status 0');
  const { stderr } = await served.running.result;
  const own = stderr.split('\n').filter((line) => !/ prefork\[\d+\] |^$/.test(line));
  expect(own.join('\n')).toMatch(/^worker 0 \| Error: of the crash\nworker 0 \| {5}at .*app\.js:2:/m);
  expect(own.filter((line) => !line.startsWith('worker 0 | '))).toEqual([]);
});

describe('Who reads slowly gets all of it, and whole lines', () => {
  const LINES = 300;
  const app = (write: string) => `
    require('node:http').createServer().listen(0, '127.0.0.1', () => {
      const { id } = require(${JSON.stringify(ROOT)}).worker();
      for (let i = 0; i < ${LINES}; i++) {
        const line = id + ' ' + i + ' ' + 'x'.repeat((i * 37) % 3000) + '\\n';
        ${write};
      }
    });`;

  /** A pipe that this test reads when it wants to. */
  function fifo(folder: string): number {
    execFileSync('mkfifo', ['out'], { cwd: folder });
    const fd = openSync(join(folder, 'out'), 'r+');
    onTestFinished(() => closeSync(fd));
    return fd;
  }

  test.each([
    ['who waits for room', "require('node:fs').writeSync(1, line)"],
    ['whose stream does', 'process.stdout.write(line)'],
  ])('from two workers, %s.', async (_, write) => {
    const folder = folderWith({ 'app.js': app(write) });
    const fd = fifo(folder);
    const command = ['sh', '-c', 'exec "$@" > out', 'sh', process.execPath, COMMAND];
    const [first = '', ...rest] = [...command, 'app.js', '-w', '2', '--log-worker', 'prefix'];
    const running = program(first, rest, { cwd: folder });
    let text = '';
    const bytes = Buffer.alloc(1000);
    while ((text.match(/\n/g)?.length ?? 0) < 2 * LINES) {
      text += bytes.toString('latin1', 0, readSync(fd, bytes));
    }
    running.kill('SIGTERM');
    expect(await running.exit()).toBe('status 0');
    for (const id of [0, 1]) {
      const own = text.split('\n').filter((line) => line.startsWith(`worker ${id} | `));
      const expected = Array.from({ length: LINES }, (_, i) => {
        return `worker ${id} | ${id} ${i} ${'x'.repeat((i * 37) % 3000)}`;
      });
      expect(own).toEqual(expected);
    }
  });
});

/** Whatever is written, in whatever pieces: as it is said in native/posix/line_labels.h. */
test('Any bytes, in any pieces.', async () => {
  const [prefix, field] = ['P|', 'F,'];
  const source = `
    const { binding } = require(${JSON.stringify(join(ROOT, 'dist', 'base', 'binding.js'))});
    const fs = require('node:fs');
    const writes = JSON.parse(fs.readFileSync(0, 'utf8'));
    binding.output_label_lines('${prefix}', '${field}', Int32Array.of(-1, -1));
    for (const pieces of writes) {
      let rest = Buffer.concat(pieces.map((each) => Buffer.from(each)));
      if (pieces.length > 1) rest = rest.subarray(fs.writevSync(1, pieces.map((each) => Buffer.from(each))));
      while (rest.length > 0) rest = rest.subarray(fs.writeSync(1, rest));
    }`;
  const random = generator(1);
  const piece = () => {
    const length = random(10) === 0 ? random(20_000) : random(12);
    return Array.from({ length }, () => '{"a\n'[random(length > 100 && random(9) ? 3 : 4)]).join('');
  };
  const writes = Array.from({ length: 2000 }, () => Array.from({ length: 1 + random(3) }, piece));
  const folder = folderWith({});
  const running = program('sh', ['-c', '"$0" "$@" | cat > out', process.execPath, '-e', source], {
    cwd: folder,
  });
  running.stdin.end(JSON.stringify(writes));
  expect(await running.result).toMatchObject({ status: 0, stderr: '' });
  let [text, isInLine] = ['', false];
  for (const pieces of writes) {
    for (const each of pieces) {
      for (const line of each.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
        if (isInLine) text += line;
        else if (line.startsWith('{"')) text += `{${field}${line.slice(1)}`;
        else text += prefix + line;
        isInLine = !line.endsWith('\n');
      }
    }
  }
  expect(readFileSync(join(folder, 'out'), 'utf8') === text).toBe(true); // too much to be shown
});

/** https://en.wikipedia.org/wiki/Linear_congruential_generator, with the numbers of Numerical Recipes. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
