/** Code of a server that fails, in Tornado and here: what the client gets, what the log says, and who lives on. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type Outcome, oracleVersion, play, type Scenario } from '../helpers/oracle';
import type { Program } from '../helpers/run';

const version = oracleVersion();

/** All that comes back until the server closes, or, on a connection that stays, until `last` has come. */
function ask(port: number, text: string, last?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
      if (last?.test(answer)) socket.destroy();
    });
    socket.on('error', () => {}); // reset: as good as an end
    socket.on('close', () => resolve(answer));
  });
}

/** The status and its reason, whether a header of the listener's own got through, and the body. */
function gist(answer: string): string {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const secret = /x-secret/i.test(head) ? ' with its header' : '';
  const [, status = 'nothing'] = /^HTTP\/1\.1 (.*)/.exec(head) ?? [];
  return `${status}${secret} ${rest.join('').trim()}\n`;
}

const GET = 'GET /a?b=c HTTP/1.1\r\nHost: example.org\r\n\r\n';

async function portOf(running: Program, times = 1): Promise<number> {
  await running.until(/ready\n/, times);
  return running.numbers('port')[0] ?? 0;
}

const WHOLE = /<\/html>|all of it\n/;

/** The same request so often, on connections of their own; each has been logged before the next. */
const asking = (times: number, workers = 1, last = WHOLE, logged?: RegExp) =>
  async function drive(running: Program): Promise<string> {
    const port = await portOf(running, workers);
    let seen = '';
    for (let i = 1; i <= times; i++) {
      seen += gist(await ask(port, GET, last));
      if (logged !== undefined) await running.until(logged, i);
    }
    return end(running, seen);
  };

function end(running: Program, seen: string): string {
  running.kill('SIGKILL', -running.pid);
  return seen;
}

const UNCAUGHT = `ERROR:tornado.application:Uncaught exception GET /a?b=c (127.0.0.1)
HTTPServerRequest(protocol='http', host='example.org', method='GET', uri='/a?b=c', version='HTTP/1.1', remote_ip='127.0.0.1')
error: oops`;
const CANNOT = /Cannot send error response after headers written/;
/** Tornado finds out that the answer is too short, and says that, too. */
const LOGGED_IN_THE_MIDDLE = `${UNCAUGHT}\nERROR:tornado.general:Cannot send error response after headers written`;
/** The last chunk. */
const ENDED = /\r\n0\r\n\r\n$/;

const LOGGED =
  /^ERROR:tornado\.application:Uncaught exception GET \/a\?b=c \(127\.0\.0\.1\)\nHTTPServerRequest\(protocol='http', host='example\.org', method='GET', uri='\/a\?b=c', version='HTTP\/1\.1', remote_ip='127\.0\.0\.1'\)\nerror: oops/;

const PAGE =
  '500 Internal Server Error <html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>';
const failures = (times: number) => Array(times).fill(PAGE).join('\n');

const scenarios: Scenario[] = [
  {
    name: 'a listener that throws',
    program: 'errors',
    args: ['sync', 'basic'],
    drive: asking(2),
    says: { stderr: LOGGED, seen: failures(2) },
  },
  {
    name: 'a listener that rejects',
    program: 'errors',
    args: ['later', 'basic'],
    drive: asking(2),
    says: { stderr: LOGGED, seen: failures(2) },
  },
  {
    name: 'its status and headers are not sent',
    program: 'errors',
    args: ['headers', 'basic'],
    drive: asking(1),
    says: { seen: PAGE },
  },
  {
    name: 'a listener that fails in the middle of an answer',
    program: 'errors',
    args: ['middle', 'basic'],
    drive: asking(1, 1, WHOLE, CANNOT),
    says: { stderr: CANNOT, seen: '200 OK begun' },
    instead: { stderr: LOGGED_IN_THE_MIDDLE },
  },
  ...['head', 'head_empty', 'head_chunked'].map(
    (where): Scenario => ({
      name: `what has not been sent is taken back, ${where}`,
      program: 'errors',
      args: [where, 'basic'],
      drive: asking(2),
      says: { stderr: LOGGED, seen: failures(2) },
    }),
  ),
  {
    name: 'a listener that fails when its headers have been sent',
    program: 'errors',
    args: ['flushed', 'basic'],
    drive: asking(1, 1, ENDED, CANNOT),
    says: { stderr: CANNOT, seen: '200 OK with its header 0' },
    instead: { seen: '200 OK with its header' },
  },
  {
    name: 'a listener that fails in the moment in which it has written',
    program: 'errors',
    args: ['written', 'basic'],
    drive: asking(1, 1, ENDED, CANNOT),
    says: { stderr: CANNOT, seen: '200 OK 6\r\nbegun \r\n0' },
    instead: { seen: '200 OK 6\r\nbegun' },
  },
  {
    name: 'a listener that fails in the moment in which it has written, of a known length',
    program: 'errors',
    args: ['written_length', 'basic'],
    drive: asking(1, 1, WHOLE, CANNOT),
    says: { stderr: CANNOT, seen: '200 OK begun' },
    instead: { stderr: LOGGED_IN_THE_MIDDLE },
  },
  {
    name: 'a listener that fails when it has written all that it said it would',
    program: 'errors',
    args: ['written_all', 'basic'],
    drive: asking(2, 1, /begun /, CANNOT),
    says: { stderr: CANNOT, seen: '200 OK begun\n200 OK begun' },
  },
  {
    name: 'a listener that fails, and writes on',
    program: 'errors',
    args: ['writes_later', 'basic'],
    async drive(running) {
      const port = await portOf(running);
      let seen = '';
      for (const times of [1, 2]) {
        seen += gist(await ask(port, GET, /<\/html>/));
        await running.until(/Exception in callback/, times);
      }
      return end(running, seen);
    },
    says: { seen: failures(2), stderr: /ERROR:asyncio:Exception in callback\n/ },
    instead: {
      stderr: Array(2)
        .fill(`${UNCAUGHT}\nERROR:tornado.application:Exception in callback\nerror: write after end`)
        .join('\n'),
    },
  },
  {
    name: 'a listener that fails in the middle of an answer, and writes on',
    program: 'errors',
    args: ['writes_later_middle', 'basic'],
    async drive(running) {
      const port = await portOf(running);
      let seen = '';
      for (let i = 0; i < 2; i++) seen += gist(await ask(port, GET));
      return end(running, seen);
    },
    says: { stderr: CANNOT, seen: '200 OK begun\n200 OK begun' },
    instead: { stderr: `${LOGGED_IN_THE_MIDDLE}\n${LOGGED_IN_THE_MIDDLE}` },
  },
  {
    name: 'a listener that fails when it has answered',
    program: 'errors',
    args: ['afterwards', 'basic'],
    async drive(running) {
      const port = await portOf(running);
      let seen = '';
      for (let i = 0; i < 2; i++) seen += gist(await ask(port, GET, /all of it\n/));
      // The answer comes first, then the line of the log.
      await running.until(/: oops\n/, 2);
      return end(running, seen);
    },
    says: { stderr: LOGGED, seen: '200 OK all of it\n200 OK all of it' },
  },
  {
    name: 'six requests that fail use up no restarts',
    program: 'errors',
    args: ['workers', 'basic-info'],
    sorted: true,
    fades: true,
    drive: asking(6, 2),
    says: { seen: failures(6), stdout: /^port=N\nready\nready$/ },
  },
  {
    name: 'a connection with several failures stays open',
    program: 'errors',
    args: ['later', 'default'],
    async drive(running) {
      const port = await portOf(running);
      const answer = await ask(port, GET + GET, /<\/html>[\s\S]*<\/html>/);
      return end(running, answer.match(/HTTP\/1\.1 \d+/g)?.join(' ') ?? '');
    },
    says: { seen: 'HTTP/1.1 500 HTTP/1.1 500' },
  },
  {
    name: 'a callback of add_accept_handler that raises',
    program: 'errors',
    args: ['accept', 'basic'],
    async drive(running) {
      const port = await portOf(running);
      for (const times of [1, 2]) {
        const socket = connect(port, '127.0.0.1').on('error', () => {});
        await running.until(/: oops\n/, times);
        socket.destroy();
      }
      return end(running, '');
    },
    says: { stderr: /^ERROR:asyncio:Exception in callback\n/ },
    instead: {
      stderr:
        'ERROR:tornado.application:Exception in callback\nerror: oops\nERROR:tornado.application:Exception in callback\nerror: oops',
    },
  },
  ...['Content-Length: 10', 'Transfer-Encoding: chunked'].map(
    (header): Scenario => ({
      name: `a body that does not come, ${header}`,
      program: 'errors',
      args: ['body', 'basic-info'],
      async drive(running) {
        const port = await portOf(running);
        const begun = await ask(port, `POST / HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
        const whole = await ask(
          port,
          'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
          /got \d+\n/,
        );
        return end(running, `${JSON.stringify(begun)} ${gist(whole)}`);
      },
      says: { stderr: 'INFO:tornado.general:Timeout reading body from 127.0.0.1', seen: '"" 200 OK got 3' },
    }),
  ),
];

function expectSaid(actual: Outcome, wanted: NonNullable<Scenario['says']>): void {
  for (const [name, value] of Object.entries(wanted) as [keyof Outcome, string | number | RegExp][]) {
    if (value instanceof RegExp) expect(String(actual[name]), `Tornado: ${name}`).toMatch(value);
    else expect(actual[name], `Tornado: ${name}`).toBe(value);
  }
}

describe.skipIf(version === null)(`Tornado ${version} and servers that fail`, { timeout: 60_000 }, () => {
  test.concurrent.each(scenarios)('$name', async (scenario) => {
    const tornado = await play('python', scenario);
    expectSaid(tornado, scenario.says ?? {});
    expect(await play('node', scenario)).toEqual({ ...tornado, ...scenario.instead });
  });
});
