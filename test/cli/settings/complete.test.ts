/** Settings from the command line, the environment and defaults: what wins, and what is wrong. */
import { expect, test } from 'vitest';
import { parseCommandLine, type Start } from '../../../lib/cli/settings/command-line';
import { complete } from '../../../lib/cli/settings/complete';
import { fromEnvironment } from '../../../lib/cli/settings/environment';
import { OPTIONS } from '../../../lib/cli/settings/options';
import { DEFAULTS } from '../../../lib/manager/settings';

const parse = (line: string[]) => parseCommandLine(line) as Start;
const given = (...args: string[]) => parse(['server.js', ...args]).given;

function settings(args: string[], environment: Record<string, string> = {}, file = new Map()) {
  return complete([given(...args), fromEnvironment(environment), file], {});
}

test('Each setting is an option, and each option a setting.', () => {
  const { hooks: _, restart, ...flat } = DEFAULTS;
  const names = [...Object.keys(flat), ...Object.keys(restart).map((name) => `restart.${name}`)];
  expect(OPTIONS.map(({ name }) => name).sort()).toEqual(names.sort());
});

test('Without a word the settings are the defaults.', () => {
  expect(settings([])).toEqual(DEFAULTS);
});

test('The command line wins over the environment, that over the file, and that over the defaults.', () => {
  const file = new Map<never, unknown>([
    ['workers', 5],
    ['gracefulTimeout', 5],
    ['restart.burst', 5],
  ] as never);
  const all = settings(
    ['--workers', '7'],
    { WEB_CONCURRENCY: '6', PREFORK_GRACEFUL_TIMEOUT: '6ms', PREFORK_TITLE: '' },
    file,
  );
  expect(all).toMatchObject({ workers: 7, gracefulTimeout: 6, title: 'prefork' });
  expect(all.restart).toEqual({ ...DEFAULTS.restart, burst: 5 });
});

test('PREFORK_WORKERS wins over WEB_CONCURRENCY.', () => {
  expect(settings([], { WEB_CONCURRENCY: '2', PREFORK_WORKERS: 'auto' }).workers).toBe('auto');
});

test.each([
  ['--graceful-timeout', '1500ms', { gracefulTimeout: 1500 }],
  ['--graceful-timeout', '0', { gracefulTimeout: 0 }],
  ['--hang-timeout', '1.5m', { hangTimeout: 90_000 }],
  ['--hang-timeout', '100ms', { hangTimeout: 100 }],
  ['--hang-timeout', '0', { hangTimeout: 0 }],
  ['--boot-timeout', '1h', { bootTimeout: 3_600_000 }],
  ['--max-memory', '1.5G', { maxMemory: 1.5 * 2 ** 30 }],
  ['--max-memory', '64MiB', { maxMemory: 2 ** 26 }],
  ['--max-memory', 'none', { maxMemory: null }],
  ['--max-requests-jitter', '25%', { maxRequestsJitter: 0.25 }],
  ['--umask', '027', { umask: 0o27 }],
  ['--user', '1000', { user: 1000 }],
  ['--group', 'www-data', { group: 'www-data' }],
  ['--rehearse', '/,/a?b=c', { rehearse: ['/', '/a?b=c'] }],
  ['--bind', '8888', { bind: [{ kind: 'tcp', host: null, port: 8888 }] }],
  ['--bind', '*:8888', { bind: [{ kind: 'tcp', host: null, port: 8888 }] }],
  ['--bind', '[::1]:80', { bind: [{ kind: 'tcp', host: '::1', port: 80 }] }],
  [
    '--bind',
    'localhost:80,unix:/run/app.sock,fd:3',
    {
      bind: [
        { kind: 'tcp', host: 'localhost', port: 80 },
        { kind: 'unix', path: '/run/app.sock' },
        { kind: 'fd', fd: 3 },
      ],
    },
  ],
])('%s %s is understood.', (flag, written, expected) => {
  expect(settings([flag, written])).toMatchObject(expected);
});

test('--bind and --rehearse can be repeated; --no- turns an option off.', () => {
  expect(settings(['-b', ':80', '-b', ':81']).bind).toHaveLength(2);
  expect(settings(['--rehearse', '/a', '--rehearse', '/b']).rehearse).toEqual(['/a', '/b']);
  expect(settings(['--no-warmup', '--balanced'])).toMatchObject({ warmup: false, balanced: true });
  expect(settings([], { PREFORK_WARMUP: 'off' }).warmup).toBe(false);
  expect(settings([]).gatherHeap).toBe(true);
  expect(settings([], { PREFORK_GATHER_HEAP: 'no' }).gatherHeap).toBe(false);
  expect(settings([], { PREFORK_SMALL_YOUNG_GENERATION: 'yes' }).smallYoungGeneration).toBe(true);
  expect(() => settings(['--small-young-generation', '--no-warmup'])).toThrow(
    '--small-young-generation needs --warmup',
  );
  expect(settings([]).logWorker).toBe(null);
  expect(settings(['--log-worker', 'field']).logWorker).toBe('field');
  expect(settings(['--log-worker', 'none'], { PREFORK_LOG_WORKER: 'prefix' }).logWorker).toBe(null);
  expect(settings([]).sticky).toBe(null);
  expect(settings(['--sticky', 'ip']).sticky).toBe('ip');
  expect(settings(['--sticky', 'none'], { PREFORK_STICKY: 'ip' }).sticky).toBe(null);
  expect(() => settings(['--sticky', 'ip', '--balanced'])).toThrow('Expected --sticky or --balanced');
  expect(() => settings(['--sticky', 'ip', '-w', '257'])).toThrow('Expected at most 256 for --workers');
});

test.each([
  ['--workers', '0', 'ERR_PREFORK_OUT_OF_RANGE', 'an integer from 1 to 1024, or auto,'],
  ['--workers', 'four', 'ERR_PREFORK_INVALID_ARG_VALUE', 'an integer from 1 to 1024, or auto,'],
  ['--sticky', 'cookie', 'ERR_PREFORK_INVALID_ARG_VALUE', 'ip or none'],
  ['--log-worker', 'json', 'ERR_PREFORK_INVALID_ARG_VALUE', 'prefix, field or none'],
  ['--graceful-timeout', '30', 'ERR_PREFORK_INVALID_ARG_VALUE', 'a duration such as 500ms, 30s or 2m, or 0'],
  [
    '--boot-timeout',
    '0',
    'ERR_PREFORK_OUT_OF_RANGE',
    'a duration such as 500ms, 30s or 2m of 1 ms to 24 days',
  ],
  ['--hang-timeout', '99ms', 'ERR_PREFORK_OUT_OF_RANGE', '0, or a duration of 100 ms or more,'],
  ['--max-memory', '512', 'ERR_PREFORK_INVALID_ARG_VALUE', 'a size such as 64K, 512M or 1.5G'],
  ['--max-requests', '-1', 'ERR_PREFORK_OUT_OF_RANGE', 'an integer of 1 or more'],
  ['--max-requests-jitter', '2', 'ERR_PREFORK_OUT_OF_RANGE', 'a share from 0 to 1, or from 0% to 100%'],
  ['--umask', '99', 'ERR_PREFORK_INVALID_ARG_VALUE', 'a mode in octal, such as 022 or 0o077'],
  ['--bind', '::1:80', 'ERR_PREFORK_INVALID_ARG_VALUE', 'brackets around an IPv6 address, as in [::1]:8888'],
  [
    '--bind',
    ':65536',
    'ERR_PREFORK_OUT_OF_RANGE',
    'host:port, :port, unix:path or fd:number with a port from 0 to 65535',
  ],
  ['--rehearse', '/,a', 'ERR_PREFORK_INVALID_ARG_VALUE', "paths that begin with '/'"],
  ['--log-format', 'xml', 'ERR_PREFORK_INVALID_ARG_VALUE', 'one of plain, pretty, json'],
  ['--inspect-port', '0', 'ERR_PREFORK_OUT_OF_RANGE', 'an integer from 1 to 65535'],
  ['--user', 'a b', 'ERR_PREFORK_INVALID_ARG_VALUE', 'a name or an id of 0 or more'],
])('%s %s is refused, and the message says why.', (flag, written, code, expected) => {
  const message = `Expected ${expected} for ${flag} but received '${written}'`;
  expect(() => given(`${flag}=${written}`)).toThrow(expect.objectContaining({ code, message }));
});

test.each([
  ['--bind', Array.from({ length: 65 }, (_, index) => `:${index + 1}`).join(','), 'at most 64 addresses'],
  ['--bind', `unix:${'x'.repeat(4097)}`, 'a string of at most 4096 characters'],
  [
    '--rehearse',
    Array.from({ length: 65 }, () => '/').join(','),
    'at most 64 paths of at most 4096 characters',
  ],
  ['--title', 'x'.repeat(4097), 'a string of at most 4096 characters'],
])('%s: lists and texts have bounds.', (flag, written, expected) => {
  const code = 'ERR_PREFORK_OUT_OF_RANGE';
  const message = expect.stringContaining(`Expected ${expected} for ${flag} `);
  expect(() => given(`${flag}=${written}`)).toThrow(expect.objectContaining({ code, message }));
});

test('A wrong variable is called by its own name.', () => {
  expect(() => fromEnvironment({ WEB_CONCURRENCY: 'many' })).toThrow(
    / for WEB_CONCURRENCY but received 'many'$/,
  );
});

test('Settings that contradict each other are refused.', () => {
  expect(() => settings(['--restart-min-delay', '2s', '--restart-max-delay', '1s'])).toThrow(
    'Expected at least --restart-min-delay (2000 ms) for --restart-max-delay but received 1000 ms',
  );
  expect(() => settings(['--inspect-port', '65530', '--workers', '7'])).toThrow(
    'Expected at most 65529 for --inspect-port with 7 workers but received 65530',
  );
  expect(settings(['--inspect-port', '65530', '--workers', '6']).inspectPort).toBe(65_530);
});

test('What follows the application is the options, and what follows -- is its own.', () => {
  const { application, args, given } = parse(['app.js', '--workers', '2', 'x', '--', '--workers', '3']);
  expect({ application, args, workers: given.get('workers') }).toEqual({
    application: 'app.js',
    args: ['x', '--workers', '3'],
    workers: 2,
  });
});

test('check takes the same options, before its name and after it.', () => {
  for (const line of ['check a.js --workers 2', '--workers 2 check a.js']) {
    const { command, application, given } = parse(line.split(' '));
    expect([command, application, given.get('workers')]).toEqual(['check', 'a.js', 2]);
  }
});

test('Commands on a manager take a target or none, and options of their own.', () => {
  const addressed = { target: undefined, timeout: null };
  const orders: [string, object][] = [
    ['reload', { command: 'reload', ...addressed }],
    ['reload shop.pid --timeout 5s', { command: 'reload', target: 'shop.pid', timeout: 5000 }],
    ['status --json', { command: 'status', ...addressed, json: true }],
    ['top shop --interval 2s', { command: 'top', ...addressed, target: 'shop', interval: 2000 }],
    ['scale -1', { command: 'scale', ...addressed, change: '-1' }],
    ['scale shop +1', { command: 'scale', ...addressed, target: 'shop', change: '+1' }],
    ['stop --now 4711', { command: 'stop', ...addressed, target: '4711', now: true }],
    ['logs-reopen', { command: 'logs-reopen', ...addressed }],
  ];
  for (const [line, order] of orders) expect(parseCommandLine(line.split(' '))).toEqual(order);
});

test.each([
  'reload 1 2',
  'reload --no-such 1',
  'reload --json',
  'scale',
  'scale shop 4 5',
  'status --timeout 5s',
  'status --workers 4',
  'stop shop -b :80',
])('%s is a usage error.', (line) => {
  expect(() => parseCommandLine(line.split(' '))).toThrow('ends with status 2');
});
