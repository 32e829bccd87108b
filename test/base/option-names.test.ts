/** An option that nobody would look at is refused, and the error names the one that was meant. */
import { describe, expect, test } from 'vitest';
import { HTTPServer, type HTTPServerOptions } from '../../lib/httpserver';
import { basicConfig, enablePrettyLogging } from '../../lib/log';
import { addSockets, bindSockets, bindUnixSocket } from '../../lib/netutil';
import {
  fork,
  forkSync,
  registerAtFork,
  WCOREDUMP,
  WEXITSTATUS,
  WIFCONTINUED,
  WIFEXITED,
  WIFSIGNALED,
  WIFSTOPPED,
  WSTOPSIG,
  WTERMSIG,
  waitpidAsync,
} from '../../lib/os';
import { forkProcesses } from '../../lib/process';
import { TCPServer } from '../../lib/tcpserver';
import { rehearse } from '../../lib/warmup/rehearse-requests';
import { warmup } from '../../lib/warmup/warmup';

const listener = () => {};
const http = (options: object) => new HTTPServer(listener, options as HTTPServerOptions);
const tcp = (options: object) => new TCPServer(options);

/** What is called, and what its error says. Options stand in a variable, where TypeScript looks for no spelling. */
const REFUSED: [call: string, (options: object) => unknown, options: object, message: string][] = [
  ['HTTPServer', http, { ssl_options: {} }, 'Expected sslOptions in options but received ssl_options'],
  ['HTTPServer', http, { max_body_size: 1 }, 'Expected maxBodySize in options but received max_body_size'],
  ['HTTPServer', http, { no_keep_alive: true }, 'Expected noKeepAlive in options but received no_keep_alive'],
  ['HTTPServer', http, { maxbodysize: 1 }, 'Expected maxBodySize in options but received maxbodysize'],
  ['HTTPServer', http, { Xheaders: true }, 'Expected xheaders in options but received Xheaders'],
  [
    'HTTPServer',
    http,
    { keep_alive_timeout: 1 },
    'Expected keepAliveTimeout in options but received keep_alive_timeout',
  ],
  ['HTTPServer', http, { chunk_size: 1 }, 'Expected chunkSize in options but received chunk_size'],
  [
    'HTTPServer',
    http,
    { sslOptions: { cert_file: 'x' } },
    'Expected certfile in sslOptions but received cert_file',
  ],
  ['TCPServer', tcp, { ssl_options: {} }, 'Expected sslOptions in options but received ssl_options'],
  [
    'TCPServer',
    tcp,
    { max_buffer_size: 1 },
    'Expected maxBufferSize in options but received max_buffer_size',
  ],
  [
    'bindSockets',
    (o) => bindSockets(0, null, o),
    { reuse_port: true },
    'Expected reusePort in options but received reuse_port',
  ],
  [
    'bindSockets',
    (o) => bindSockets(0, null, o),
    { reusport: true },
    'Expected reusePort in options but received reusport',
  ],
  [
    'bindUnixSocket',
    (o) => bindUnixSocket('/x', o),
    { perm: 1 },
    'Expected only mode, backlog in options but received perm',
  ],
  [
    'fork',
    (o) => fork(o),
    { allow_in_flight: true },
    'Expected allowInFlight in options but received allow_in_flight',
  ],
  [
    'forkSync',
    (o) => forkSync(() => 1, o),
    { time_out: 1 },
    'Expected timeout in options but received time_out',
  ],
  [
    'forkSync',
    (o) => forkSync(() => 1, o),
    { stdout: 'pipe' },
    'Expected only timeout, stdio in options but received stdout',
  ],
  [
    'registerAtFork',
    (o) => registerAtFork(o),
    { after_in_child() {} },
    'Expected afterInChild in hooks but received after_in_child',
  ],
  [
    'registerAtFork',
    (o) => registerAtFork(o),
    { after() {} },
    'Expected only before, afterInParent, afterInChild in hooks',
  ],
  [
    'forkProcesses',
    (o) => forkProcesses(1, 0, o),
    { allowactive: true },
    'Expected allowActive in options but received allowactive',
  ],
  ['warmup', (o) => warmup(o), { small_young_generation: true }, 'Expected smallYoungGeneration in options'],
  ['basicConfig', (o) => basicConfig(o), { fmt: 'x' }, 'Expected only level, format, datefmt'],
  ['enablePrettyLogging', (o) => enablePrettyLogging(o), { log_level: 'x' }, 'Expected logLevel in options'],
];

test.each(REFUSED)('%s refuses an option: %#', (_, call, options, message) => {
  expect(() => call(options)).toThrow(
    expect.objectContaining({
      name: 'TypeError',
      code: 'ERR_PREFORK_INVALID_ARG_VALUE',
      message: expect.stringContaining(message),
    }),
  );
});

test('What answers a promise refuses by rejecting it.', async () => {
  const invalid = { code: 'ERR_PREFORK_INVALID_ARG_VALUE' };
  await expect(waitpidAsync(1, { abortSignal: null } as object)).rejects.toMatchObject(invalid);
  await expect(rehearse(listener, { path: ['/'] } as object)).rejects.toMatchObject({
    ...invalid,
    message: 'Expected paths in options but received path',
  });
});

test("Node's own options go to Node, also those that this package has never heard of.", () => {
  expect(
    http({ keepAliveTimeout: 7, joinDuplicateHeaders: true, optionOfNode30: 1 }).nodeServer,
  ).toMatchObject({ keepAliveTimeout: 7 });
  expect(tcp({ noDelay: true, optionOfNode30: 1 })).toBeInstanceOf(TCPServer);
});

describe('What is taken for something that it is not', () => {
  const MACROS = {
    WIFEXITED,
    WEXITSTATUS,
    WIFSIGNALED,
    WTERMSIG,
    WCOREDUMP,
    WIFSTOPPED,
    WSTOPSIG,
    WIFCONTINUED,
  };
  test.each(Object.entries(MACROS))('%s is not told of the pid.', (_, macro) => {
    expect(() => macro([123, 256] as never)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
    );
  });

  test('addSockets() wants a list.', () => {
    const { nodeServer } = tcp({});
    const [socket] = bindSockets(0, '127.0.0.1');
    try {
      expect(() => addSockets(nodeServer, socket as never)).toThrow(
        'Expected a list of ListeningSocket for sockets but received an instance of ListeningSocket',
      );
      expect(() => new TCPServer().addSockets(socket as never)).toThrow(TypeError);
    } finally {
      socket?.close();
    }
  });
});
