/** The arguments of a line of the log go into it as Python's % operator puts them: each format beside Python itself. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FormatError, percent } from '../../lib/log/percent';
import { PYTHON } from '../helpers/oracle';

type Case = [format: string, values: unknown[]];

const TEXTS: unknown[] = [
  '',
  'plain',
  "it's",
  'a "b"',
  `'both' "quotes"`,
  'back\\slash',
  'line\nend\ttab\r',
  '\x00\x1f\x7f',
  '\u00a0\u00ad',
  'äöü ß',
  '日本語',
  '👍 \u{1F600}',
  '\u2028\u200b\ufeff\ue000',
];
const NUMBERS: unknown[] = [0, 1, -1, 7, 42, -273, 255, 1e6, 123456789, 2 ** 53 - 1];
const FLOATS: unknown[] = [
  0.5, -0.5, 3.7, -3.7, 0.1, 1.005, 2.5, 123.456, 1e-7, 1.5e-10, 1e100, 0.0001, 0.00001,
];
const OTHERS: unknown[] = [
  null,
  true,
  false,
  [],
  [1, 'a', null, [true, 2.5]],
  {},
  { a: 1, 'b c': 'x', d: { e: [] } },
];

const WHOLE = [
  '%d',
  '%i',
  '%u',
  '%5d',
  '%-5d|',
  '%05d',
  '%+d',
  '% d',
  '%x',
  '%X',
  '%#x',
  '%o',
  '%#o',
  '%.3d',
  '%+05d',
  '%#010x',
];
const REAL = [
  '%f',
  '%.2f',
  '%.0f',
  '%8.3f',
  '%-8.3f|',
  '%08.3f',
  '%+.1f',
  '%e',
  '%.2e',
  '%E',
  '%g',
  '%.3g',
  '%G',
  '%#g',
  '%d',
];

const cases: Case[] = [
  ...['%s', '%r', '%a', '%10s|', '%-10s|', '%.2s', '%5.1r'].flatMap((format) =>
    TEXTS.map((text): Case => [format, [text]]),
  ),
  ...['%s', '%r', ...WHOLE, ...REAL].flatMap((format) => NUMBERS.map((number): Case => [format, [number]])),
  ...['%s', '%r', ...REAL].flatMap((format) => FLOATS.map((number): Case => [format, [number]])),
  ...['%s', '%r', '%a'].flatMap((format) => OTHERS.map((value): Case => [`${format} %s`, [value, 'x']])),
  ['%s died, status %d', ['worker 3', 7]],
  ['100%% of %s', ['all']],
  ['%%', []],
  ['%*d|%-*d|%.*f', [5, 42, 5, 42, 2, Math.PI]],
  ['%(name)s is %(age)d', [{ name: 'Ann', age: 7 }]],
  ['%(name)-6s|%(age)03d', [{ name: 'Ann', age: 7 }]],
  ['%c%c', ['x', 65]],
  ['%ld %hd %Ld', [1, 2, 3]],
  ['%.s|%.d', ['gone', 7]],
  ['%s %s', ['only one']],
  ['%d', ['seven']],
  ['%d', [null]],
  ['%d', [[1]]],
  ['%x', [1.5]],
  ['%f', ['x']],
  ['%c', ['two']],
  ['%y', [1]],
  ['50% off %s', ['x']],
  ['%', [1]],
  ['%5', [1]],
  ['%(name)s', [1]],
  ['%(name)s', [{ other: 1 }]],
  ['%*d', ['x', 1]],
  ['%d', [true]],
  ['%s %s', [true, null]],
];

/** Of all cases in one process; null where there is no Python. */
function askPython(): (string | [string])[] | null {
  const script = join(__dirname, '..', 'tornado', 'oracle', 'percent.py');
  const { status, stdout } = spawnSync(PYTHON, [script], { input: JSON.stringify(cases), encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : null;
}

function ours([format, values]: Case): string | [string] {
  try {
    return [percent(format, values).text];
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.message;
  }
}

const answers = askPython();
const rows = cases.map((each, i) => ({ name: JSON.stringify(each), each, python: answers?.[i] }));

describe.skipIf(answers === null)(`Python's % and ours: ${cases.length} formats`, () => {
  test.each(rows)('$name', ({ each, python }) => {
    expect(ours(each)).toEqual(python);
  });
});

describe('What JavaScript has and JSON does not is written as its nearest in Python.', () => {
  const own = Object.assign(Object.create({ toString: () => 'by itself' }), {});
  test.each<[string, unknown[], string]>([
    ['%s', [undefined], 'None'],
    ['%s', [Number.NaN], 'nan'],
    ['%r', [Number.NEGATIVE_INFINITY], '-inf'],
    ['%s', [10n ** 20n], '100000000000000000000'],
    ['%d', [10n ** 20n], '100000000000000000000'],
    ['%x', [-255n], '-ff'],
    ['%s', [new Error('oops')], 'oops'],
    ['%r', [new TypeError("can't")], 'TypeError("can\'t")'],
    ['%s', [new Set([1, 'a'])], "{1, 'a'}"],
    ['%s', [new Set()], 'set()'],
    ['%s', [new Map([['a', 1]])], "{'a': 1}"],
    ['%s', [Buffer.from('a\n\xff', 'latin1')], "b'a\\n\\xff'"],
    ['%s', [new URL('http://a/b')], 'http://a/b'],
    ['%s', [own], 'by itself'],
    ['%(a)s', [new Map([['a', 1]])], '1'],
  ])('%j % %o', (format, values, expected) => {
    expect(percent(format, values).text).toBe(expected);
  });

  test('What holds itself ends.', () => {
    const list: unknown[] = [1];
    list.push(list);
    const object: Record<string, unknown> = { list };
    object['self'] = object;
    expect(percent('%s %s', [list, object]).text).toBe("[1, [...]] {'list': [1, [...]], 'self': {...}}");
  });
});

test('Arguments without a place are handed back.', () => {
  expect(percent('%s', [1, 2, 3])).toEqual({ text: '1', left: [2, 3] });
});
