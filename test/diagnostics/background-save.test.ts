/** The example of a store that saves itself: what is saved is the store of one moment, whatever changes meanwhile. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { start } from '../helpers/run';

const RECORDS = 20_000;

test('Records that change while it saves are saved as they were, all at the same moment.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'store.json');
  const before = Array.from({ length: RECORDS }, (_, i) => `${JSON.stringify([`/${i}`, 'first'])}\n`).join(
    '',
  );
  writeFileSync(path, before);
  const program = start('../../examples/background-save.mjs', { args: [path], env: { PORT: '0' } });
  const url = await program.line();
  const put = async (i: number, body: string) => (await fetch(`${url}/${i}`, { method: 'PUT', body })).text();

  let changed = 0;
  /** How many had been changed at the moment that was saved. */
  const saveWhileTheyChange = async () => {
    let isSaved = false;
    const saved = fetch(`${url}/save`, { method: 'POST' }).then((answer) => answer.text());
    void saved.finally(() => {
      isSaved = true;
    });
    // One after the other, from the first: a moment is a number of them.
    while (!isSaved && changed < RECORDS) expect(await put(changed++, 'second')).toBe('second\n');
    expect(await saved).toBe(`saved: ${RECORDS}\n`);
    const values = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as [string, string])[1]);
    const atMoment = values.lastIndexOf('second') + 1;
    expect(values).toEqual([...Array(atMoment).fill('second'), ...Array(RECORDS - atMoment).fill('first')]);
    return atMoment;
  };
  // Until one was changed between the moment and the end, which all others on the machine may have had to themselves.
  while ((await saveWhileTheyChange()) === changed) expect(changed).toBeLessThan(RECORDS);
  expect(readdirSync(folder)).toEqual(['store.json']);
  program.kill('SIGTERM');
  await program.result;
});
