import { describe, expect, test, vi } from 'vitest';
import { appLog, genLog, type LogRecord, setLogger } from '../../lib/log';
import { runStdin } from '../helpers/stdin';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const ALL_THREE = `
  genLog.info('an info');
  genLog.warn('a warning\\nof two lines');
  genLog.exception('an error', 'oops');
`;

async function written(program: string): Promise<string> {
  const names = 'accessLog, appLog, basicConfig, enablePrettyLogging, genLog, setLogger';
  const { stderr } = await runStdin(`const { ${names} } = require('prefork/log');\n${program}`);
  return stderr.replace(/\d{6} \d\d:\d\d:\d\d/g, 'YYMMDD HH:MM:SS');
}

describe('without configuration', () => {
  test('the bare message of warnings and errors goes to stderr, INFO is hidden', async () => {
    expect(await written(ALL_THREE)).toBe('a warning\nof two lines\nan error\noops\n');
  });

  test('a line is written before the logger returns, so that nothing is lost at exit', async () => {
    expect(await written(`genLog.warn('last'); process.kill(process.pid, 'SIGKILL')`)).toBe('last\n');
  });

  test('a full non-blocking pipe is waited for', async () => {
    const { stdout, stderr } = await runStdin(`
      const { spawn } = require('node:child_process');
      // The child's stderr is a socket that is full before anybody reads it.
      const script = \`
        new (require('node:net').Socket)({ fd: 2 }); // makes it non-blocking
        const { genLog } = require('prefork/log');
        for (let i = 0; i < 50; i++) genLog.warn(String(i).padStart(20000, '.'));
        process.exit();
      \`;
      const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
      let size = 0;
      child.stderr.on('data', (chunk) => { size += chunk.length; });
      child.stderr.on('end', () => console.log(size));
    `);
    expect({ stdout, stderr }).toEqual({ stdout: `${50 * 20001}\n`, stderr: '' });
  });

  test('a closed stderr is no reason to die', async () => {
    const { status } = await runStdin(`
      const { genLog } = require('prefork/log');
      require('node:fs').closeSync(2);
      genLog.warn('nobody hears it');
    `);
    expect(status).toBe(0);
  });
});

describe('basicConfig', () => {
  test('level and name in front', async () => {
    expect(await written(`basicConfig(); ${ALL_THREE}`)).toBe(
      'WARNING:tornado.general:a warning\nof two lines\nERROR:tornado.general:an error\noops\n',
    );
  });

  test.each(['info', 'INFO'])('level: %s', async (level) => {
    expect(await written(`basicConfig({ level: '${level}' }); appLog.info('x')`)).toBe(
      'INFO:tornado.application:x\n',
    );
  });

  test('a second time it does nothing, unless forced', async () => {
    const program = `basicConfig(); basicConfig({ level: 'error' }); genLog.warn('shown');
      basicConfig({ level: 'error', force: true }); genLog.warn('hidden')`;
    expect(await written(program)).toBe('WARNING:tornado.general:shown\n');
  });

  test('an unknown level is a TypeError', async () => {
    expect(await written(`basicConfig({ level: 'loud' })`)).toContain('ERR_PREFORK_INVALID_ARG_VALUE');
  });
});

describe('arguments', () => {
  test('are never taken for something else', async () => {
    expect(await written(`appLog.warn('%s died', 'worker 3')`)).toBe('worker 3 died\n');
    const extra = await written(`enablePrettyLogging(); appLog.warn('died', 'worker:3')`);
    // Python drops a dict in silence.
    expect(await written(`appLog.warn('done', { status: 7 })`)).toContain("Arguments: ({'status': 7},)");
    expect(extra).toMatch(
      /^--- Logging error ---\nTypeError: not all .*\n.*\nMessage: 'died'\nArguments: \('worker:3',\)\n$/,
    );
  });

  test('what was thrown does not make a % of the message a place', async () => {
    const program = `appLog.error('50% of all', new Error('oops')); appLog.error('%s', new Error('100%'))`;
    expect(await written(program)).toMatch(/^50% of all\nError: oops\n( {4}at .*\n)+100%\n$/);
  });

  test('an object with a function write gets the lines', async () => {
    const program = `basicConfig({ stream: { write(text) { process.stdout.write('<' + text + '>'); } } }); appLog.error('x')`;
    const { stdout } = await runStdin(`const { appLog, basicConfig } = require('prefork/log');\n${program}`);
    expect(stdout).toBe('<ERROR:tornado.application:x\n>');
  });

  test.each([
    ['basicConfig', '{ filname: "x" }', 'Expected filename in options but received filname'],
    ['basicConfig', '{ fmt: "x" }', 'Expected only level, format'],
    ['basicConfig', '{ stream: {} }', 'Expected a descriptor or an object with a function write for stream'],
    ['basicConfig', '{ format: "%(massage)s" }', 'in format but received massage'],
    ['enablePrettyLogging', '{ level: "info" }', 'Expected only logging in options but received level'],
  ])('%s(%s) is refused', async (name, options, message) => {
    expect(
      await written(`try { ${name}(${options}) } catch (error) { console.error(error.message) }`),
    ).toContain(message);
  });
});

describe('enablePrettyLogging', () => {
  test('shows INFO, the time and the place; further lines are indented', async () => {
    expect(await written(`enablePrettyLogging(); ${ALL_THREE}`)).toBe(
      [
        '[I YYMMDD HH:MM:SS [stdin]:3] an info',
        '[W YYMMDD HH:MM:SS [stdin]:4] a warning\n    of two lines',
        '[E YYMMDD HH:MM:SS [stdin]:5] an error\n    oops\n',
      ].join('\n'),
    );
  });

  test('a level of its own; none changes nothing', async () => {
    expect(await written(`enablePrettyLogging({ logging: 'error' }); genLog.warn('hidden')`)).toBe('');
    expect(await written(`enablePrettyLogging({ logging: 'none' }); genLog.warn('x')`)).toBe('x\n');
  });

  test('after basicConfig only the level changes', async () => {
    expect(await written(`basicConfig(); enablePrettyLogging(); genLog.info('x')`)).toBe(
      'INFO:tornado.general:x\n',
    );
  });
});

describe('what fails while a line is logged is reported on stderr, and the program goes on', () => {
  const REPORT = String.raw`--- Logging error ---\nError: oops\n(?: {4}at .*\n)+`;
  const OF_THE_LINE = String.raw`  File "\[stdin\]", line \d+\nMessage: '%s died'\nArguments: \('x',\)\n`;
  const ends = async (program: string) => {
    const { stdout, stderr, status } = await runStdin(`
      const { appLog, basicConfig, setLogger } = require('prefork/log');
      ${program}
      appLog.warning('%s died', 'x');
      console.log('goes on');
    `);
    return { stdout, stderr, status };
  };
  const THROWS = `() => { throw new Error('oops') }`;
  const REJECTS = `async () => { throw new Error('oops') }`;

  test.each([
    ['a function', `setLogger(${THROWS})`],
    ['one of three functions', `setLogger({ info() {}, warn: ${THROWS}, error() {} })`],
    ['an asynchronous function', `setLogger(${REJECTS})`],
    ['a stream', `basicConfig({ stream: { write: ${THROWS} } })`],
    ['an asynchronous stream', `basicConfig({ stream: { write: ${REJECTS} } })`],
  ])('%s', async (_, program) => {
    const { stderr, ...rest } = await ends(program);
    expect(rest).toEqual({ stdout: 'goes on\n', status: 0 });
    expect(stderr).toMatch(new RegExp(`^${REPORT}${OF_THE_LINE}$`));
  });

  test('a stream of Node that fails later, once for all lines, and as one that is closed from then on', async () => {
    const { stderr, ...rest } = await ends(`
      const stream = require('node:fs').createWriteStream('/nonexistent/log');
      basicConfig({ stream });
      basicConfig({ stream, force: true });
      appLog.warning('before');
      stream.on('close', () => appLog.warning('after'));
    `);
    expect(rest).toEqual({ stdout: 'goes on\n', status: 0 });
    expect(stderr.match(/^(?:\[?Error|Message).*/gm)).toEqual([
      expect.stringMatching('ENOENT'),
      'Error: write to a closed stream',
      "Message: 'after'",
    ]);
  });

  test('a stream that logs', async () => {
    const { stdout, stderr, status } = await ends(
      `basicConfig({ stream: { write() { appLog.error('again') } } });`,
    );
    expect({ stdout, status }).toEqual({ stdout: 'goes on\n', status: 0 });
    expect(stderr).toMatch(/^--- Logging error ---\n[\s\S]*Message: 'again'/);
  });

  test('an error that cannot be shown', async () => {
    const { stdout, stderr } = await ends(`
      const { inspect } = require('node:util');
      setLogger(() => { throw { [inspect.custom]() { throw new Error('oops') } } });
    `);
    expect(stdout).toBe('goes on\n');
    expect(stderr).toMatch(/^--- Logging error ---\nAn error that cannot be shown\n/);
  });
});

describe('the place of a line', () => {
  const pretty = (program: string) => written(`enablePrettyLogging(); ${program}`);

  test('is found whatever the program has made of stack traces', async () => {
    const program = `Error.prepareStackTrace = (_, sites) => sites; genLog.warn('x')`;
    expect(await pretty(program)).toMatch(/^\[W YYMMDD HH:MM:SS \[stdin\]:\d+\] x\n$/);
  });

  test.each(['a file', 'a (copy)/file', 'a (copy) of/a (file)'])('is found in %s', async (name) => {
    const call = `new (require('node:vm').Script)('genLog.warn("x")', { filename: '/tmp/${name}.js' })`;
    const expected = `[W YYMMDD HH:MM:SS ${name.replace(/.*\//, '')}:1] x\n`;
    expect(await pretty(`globalThis.genLog = genLog; ${call}.runInThisContext()`)).toBe(expected);
    expect(await pretty(`globalThis.genLog = genLog; function f() { ${call}.runInThisContext() } f()`)).toBe(
      expected,
    );
  });
});

describe('setLogger', () => {
  test('gets everything, at every level, with the stack of an error below its message', () => {
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    setLogger(logger);
    genLog.info('an info');
    genLog.warn('a warning');
    appLog.error('an error', new Error('oops'));
    setLogger(null);
    expect(logger.info).toHaveBeenCalledWith('an info');
    expect(logger.warn).toHaveBeenCalledWith('a warning');
    expect(logger.error).toHaveBeenCalledWith(expect.stringMatching(/^an error\nError: oops\n {4}at /));
  });

  test('what an error has as its cause, and what else it holds, is below it', () => {
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    setLogger(logger);
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    appLog.error('an error', new TypeError('fetch failed', { cause: refused }));
    appLog.exception('another', { status: 7 });
    setLogger(null);
    const [[first], [second]] = logger.error.mock.calls as [[string], [string]];
    expect(first).toMatch(
      /^an error\nTypeError: fetch failed\n(.|\n)*cause.*Error: refused\n(.|\n)*code: 'ECONNREFUSED'/,
    );
    expect(second).toBe('another\n{ status: 7 }');
  });

  test('debug and critical go to the functions that are there', () => {
    const three = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const five = { ...three, debug: vi.fn(), fatal: vi.fn() };
    for (const logger of [three, five]) {
      setLogger(logger);
      appLog.debug('d %d', 1);
      appLog.critical('c %d', 2);
    }
    setLogger(null);
    expect(three.info.mock.calls).toEqual([['d 1']]);
    expect(three.error.mock.calls).toEqual([['c 2']]);
    expect(five.debug.mock.calls).toEqual([['d 1']]);
    expect(five.fatal.mock.calls).toEqual([['c 2']]);
  });

  test('a function gets the name, the place, and what was thrown', () => {
    const records: LogRecord[] = [];
    setLogger((record) => records.push(record));
    const error = new Error('oops');
    appLog.error('Failed: %s', 'x', error);
    genLog.debug('d');
    setLogger(null);
    expect(records).toMatchObject([
      {
        name: 'tornado.application',
        level: 'error',
        levelno: 40,
        message: 'Failed: x',
        module: 'log.test',
        error,
      },
      { name: 'tornado.general', level: 'debug', levelno: 10, message: 'd', error: undefined },
    ]);
    expect(records[1]?.lineno).toBe((records[0]?.lineno ?? 0) + 1);
    expect(records[0]?.pathname).toBe(__filename);
    expect(records[0]?.time).toBeInstanceOf(Date);
  });

  test.each([undefined, 1, {}, { info() {}, warn() {} }])('%j is refused', (logger) => {
    expect(() => setLogger(logger as never)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
    );
  });

  test('pino', async () => {
    // Fastify brings it along.
    const program = `
      const pino = require('pino');
      setLogger(pino({ base: null, timestamp: false }, pino.destination({ fd: 2, sync: true })));
      genLog.warn('a warning')`;
    expect(await written(program)).toBe('{"level":40,"msg":"a warning"}\n');
  });

  test('console', async () => {
    expect(await written(`setLogger(console); genLog.warn('a warning')`)).toBe('a warning\n');
  });
});
