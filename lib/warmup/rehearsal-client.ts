/**
 * The client of `rehearse()`. In a process of its own: the other one is to learn how to serve, and what V8 has learned of
 * objects that are gone afterwards, such as those of a client, it throws away together with all that goes with it.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What the client is told first. */
export interface Order {
  port: number;
  secure: boolean;
  connections: number;
  requests: number;
  paths: readonly string[];
  headers: Readonly<Record<string, string>>;
}

/** What it says: the port of a connection that it has opened, how many answers had which status, or why it gave up. */
export type Word =
  | { opened: number }
  | { statuses: Record<number, number> }
  | { failed: string; code?: string };

function say(word: Word): void {
  process.send?.(word, undefined, undefined, () => {}); // who is gone needs not be told
}

/** Says which one is ours, and waits until it is served. */
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

/** One connection at a time, and another one where the server closes it. */
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
  main();
}
