/**
 * The client of `rehearse()`, in a separate process: the other one should learn how to serve. V8 discards what it learned
 * about objects that are gone afterwards, such as a client's, together with all code that depends on it.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** The first message to the client. */
export interface Order {
  port: number;
  secure: boolean;
  connections: number;
  requests: number;
  paths: readonly string[];
  headers: Readonly<Record<string, string>>;
}

/** The client's messages: the port of a connection that it opened, the count of answers by status, or why it gave up. */
export type Word =
  | { opened: number }
  | { statuses: Record<number, number> }
  | { failed: string; code?: string };

function say(word: Word): void {
  process.send?.(word, undefined, undefined, () => {}); // the other process may have ended
}

/** Reports which connection is ours, and waits until it is served. */
async function open({ port, secure }: Order): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const served = once(process, 'message');
  say({ opened: socket.localPort as number });
  await served;
  if (!secure) return socket;
  const secured = connectTls({ socket, rejectUnauthorized: false, servername: 'localhost' });
  await once(secured, 'secureConnect');
  return secured;
}

/** Has one connection at a time; opens another if the server closes it. */
function makeAgent(order: Order): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = (_options, done) => {
    open(order).then(
      (socket) => done?.(null, socket),
      (error) => done?.(error, undefined as never),
    );
    return undefined;
  };
  return agent;
}

function ask(agent: Agent, path: string, headers: Order['headers']): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ agent, path, headers: { host: 'localhost', ...headers } }, (response) => {
      response.on('error', reject).on('end', () => resolve(response.statusCode as number));
      response.resume();
    })
      .on('error', reject)
      .end();
  });
}

async function askForAll(order: Order): Promise<Record<number, number>> {
  const { connections, requests, paths, headers } = order;
  const statuses: Record<number, number> = {};
  let asked = 0;
  for (let connection = 1; connection <= connections; connection++) {
    const agent = makeAgent(order);
    const until = Math.round((requests * connection) / connections);
    for (; asked < until; asked++) {
      const status = await ask(agent, paths[asked % paths.length] as string, headers);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    agent.destroy();
  }
  return statuses;
}

async function main(): Promise<void> {
  const [order] = (await once(process, 'message')) as [Order];
  try {
    say({ statuses: await askForAll(order) });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    say({ failed: message, ...(code === undefined ? {} : { code }) });
  }
  process.disconnect();
}

if (require.main === module) {
  process.on('disconnect', () => process.exit());
  // It would open an inspector.
  process.on('SIGUSR1', () => {});
  main();
}
