/** A child's identity: its title, its environment, its files, its debugger; it is no worker of a cluster. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Program, run } from '../helpers/run';

const ok = { status: 0, signal: null, stdout: 'ok\n' };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-identity-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("A worker's title is its own, for itself and for ps.", async () => {
  expect(await run('fork/identity/identity.js', { args: ['title'] })).toEqual({ ...ok, stderr: '' });
});

test('The environment is a copy.', async () => {
  expect(await run('fork/identity/identity.js', { args: ['environment'] })).toEqual({ ...ok, stderr: '' });
});

test("Reports and heap snapshots carry the child's pid, and overwrite none of the parent's.", async () => {
  const args = ['written on demand', temporaryFolder()];
  expect(await run('fork/identity/identity.js', { args })).toMatchObject(ok);
});

// Node chooses these names when it starts: docs/randomness.md, "Names of files".
test("What --cpu-prof and --heap-prof write at exit has the parent's name in the child, too.", async () => {
  const folder = temporaryFolder();
  const options = ['--cpu-prof', '--heap-prof', `--cpu-prof-dir=${folder}`, `--heap-prof-dir=${folder}`];
  const program = join(__dirname, '..', 'fixtures', 'fork', 'identity', 'identity.js');
  const { result } = new Program(process.execPath, [...options, program, 'written at exit']);
  const { stdout, ...end } = await result;
  expect(end).toMatchObject({ status: 0, signal: null });
  const [parent = '', child = ''] = stdout.trim().split(' ');
  const names = readdirSync(folder);
  expect(names.filter((name) => name.includes(`.${parent}.`)).length).toBe(2);
  expect(names.filter((name) => name.includes(`.${child}.`))).toEqual([]);
});

test('The child of a cluster worker is no worker: it listens for itself, and the primary hears nothing of it.', async () => {
  expect(await run('fork/identity/identity.js', { args: ['cluster'] })).toEqual({ ...ok, stderr: '' });
});

test.skipIf(!('WebSocket' in globalThis))(
  "A debugger can be connected to the child (inspectPort: 0), while the parent's goes on.",
  async () => {
    expect(await run('fork/identity/identity.js', { args: ['debugger'] })).toMatchObject(ok);
  },
);
