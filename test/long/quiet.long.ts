/** A thousand quiet children of a server under load: none fails, none disturbs, and nothing of the server goes on in them. */
import { expect, test } from 'vitest';
import { start } from '../helpers/run';

const CHILDREN = Number(process.env['CHILDREN'] ?? 1000);

test.each(['inChild', 'map'])(
  'Each function is answered, by %s, no request or line is done twice, and nothing of the server is seen in a child.',
  async (by) => {
    const deadman = 120_000 + CHILDREN * 1000;
    const env = { COUNT: String(CHILDREN), BY: by, DEADMAN: String(deadman - 10_000) };
    const { status, stdout, stderr } = await start('parallel/busy.js', { env, deadman }).result;
    console.log(stderr.trim());
    expect({ status, stdout }, stderr).toEqual({
      status: 0,
      stdout: '{"failed":0,"wrong":[],"outOfOrder":0}\n',
    });
  },
);
