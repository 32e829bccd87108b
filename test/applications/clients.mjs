/** Clients: one question at a time, over a connection that is kept or over a new one each time. */
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** Idle for so long, in milliseconds, a connection may be closed at the moment of the next request (docs/signals.md). */
const IDLE = 900;

function askHttp({ port, path = '/', headers = {}, localAddress, agent }) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, localAddress, agent }, (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`status ${response.statusCode}: ${body.slice(0, 200)}`));
      }, reject);
    }).on('error', reject);
  });
}

class HttpClient {
  #agent;
  #last = 0;

  constructor(port, { path, headers }, { isKept, localAddress }) {
    this.request = { port, path, headers, localAddress };
    this.#agent = isKept && new Agent({ keepAlive: true, maxSockets: 1 });
  }

  async ask() {
    const idle = performance.now() - this.#last;
    try {
      return await askHttp({ ...this.request, agent: this.#agent });
    } catch (error) {
      if (!this.#agent || idle < IDLE || error.code !== 'ECONNRESET') throw error;
      return await askHttp({ ...this.request, agent: false });
    } finally {
      this.#last = performance.now();
    }
  }

  close() {
    if (this.#agent) this.#agent.destroy();
  }
}

async function refuses(port) {
  const socket = connectTcp(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

class GrpcClient {
  #channel;

  constructor(port, _, { isKept, require }) {
    const { credentials, makeGenericClientConstructor } = require('@grpc/grpc-js');
    const Greeter = makeGenericClientConstructor(require('./greeter.js'), 'Greeter');
    this.connect = () => new Greeter(`127.0.0.1:${port}`, credentials.createInsecure());
    this.port = port;
    if (isKept) this.#channel = this.connect();
  }

  async ask() {
    const channel = this.#channel ?? this.connect();
    try {
      return await new Promise((resolve, reject) =>
        channel.hello({}, (error, answer) => (error ? reject(error) : resolve(answer.message))),
      );
    } catch (error) {
      if (await this.isRefused(error)) error.code = 'ECONNREFUSED';
      throw error;
    } finally {
      if (channel !== this.#channel) channel.close();
    }
  }

  /** All channels of a process share connections. One that begins when they have been refused is not told why it has none. */
  async isRefused({ message }) {
    if (message.includes('ECONNREFUSED')) return true;
    return message.includes('No connection established. Last error: null') && (await refuses(this.port));
  }

  close() {
    this.#channel?.close();
  }
}

/** What asks this application, and looks at the answers; `options.require` finds what is installed with it. */
export function connect(port, application, options) {
  const Client = application.client === 'grpc' ? GrpcClient : HttpClient;
  const client = new Client(port, application, options);
  const { answers = /pid \d+/ } = application;
  return {
    async ask() {
      const answer = await client.ask();
      if (!answers.test(answer)) throw new Error(`answered ${answer.slice(0, 200)}`);
      return answer;
    },
    close: () => client.close(),
  };
}

/** Clients that ask without a pause, all but the last over connections that they keep. */
export class Load {
  answered = 0;
  lost = [];
  #over = false;

  constructor(clients) {
    this.clients = clients;
    this.running = Promise.all(clients.map((client) => this.#run(client)));
  }

  async #run(client) {
    while (!this.#over) {
      try {
        await client.ask();
        this.answered += 1;
      } catch (error) {
        if (error.code === 'ECONNREFUSED') break; // nobody listens any more
        this.lost.push(error.details ?? error.code ?? error.message);
      }
    }
    client.close();
  }

  /** Until the clients have stopped because they were told to. */
  stop() {
    this.#over = true;
    return this.running;
  }

  /** Until nobody listens. */
  refused() {
    return this.running;
  }
}

/** Clients that are in one room of Socket.IO. */
const members = new Set();

/** Connections that last: each opened, with a promise of how it was closed, or what closes it; some can `check` whether they work. */
export const openings = {
  async ws({ port, require }) {
    const WebSocket = require('ws');
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    const closed = once(socket, 'close').then(([code]) => `closed with ${code}`);
    await once(socket, 'open');
    return { closed, as: 'closed with 1001' };
  },
  async 'socket.io'({ port, require }) {
    const { io } = require('socket.io-client');
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false });
    const closed = new Promise((resolve) => socket.on('disconnect', resolve));
    await new Promise((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
    if ((await socket.emitWithAck('echo', 'x')) !== 'x') throw new Error('no echo');
    return { closed };
  },
  /** Begins with long polling, goes over to a WebSocket, and comes back when that is closed, all by itself. */
  async 'socket.io, by default'({ port, require, localAddress }) {
    const { io } = require('socket.io-client');
    const socket = io(`http://127.0.0.1:${port}`, { localAddress, forceNew: true, autoUnref: true });
    await new Promise((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
    const check = async () => {
      while ((await echo(socket)) === 'disconnected');
    };
    await check();
    return { check, close: () => socket.close() };
  },
  /** What one of them says all hear, whichever workers they are connected to; who comes back enters the room again. */
  async 'socket.io, in a room'({ port, require, localAddress }) {
    const { io } = require('socket.io-client');
    const agent = new Agent({ localAddress });
    const socket = io(`http://127.0.0.1:${port}`, { agent, forceNew: true, autoUnref: true });
    const own = { heard: new Set(), pid: undefined };
    members.add(own);
    const enter = () => socket.emit('join', 'room', (pid) => Object.assign(own, { pid }));
    socket.on('connect', enter).on('said', ({ text }) => own.heard.add(text));
    await new Promise((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
    const haveHeard = (text) => [...members].every(({ heard }) => heard.has(text));
    const check = async () => {
      // Who is just coming back hears the next one.
      for (let n = 0; n < 30; n++) {
        const text = `${socket.id} ${n}`;
        socket.emit('say', 'room', text);
        for (let looks = 0; looks < 100; looks++) {
          if (haveHeard(text)) return;
          await sleep(10);
        }
      }
      throw new Error(`not heard by all, who are in ${[...members].map(({ pid }) => pid)}`);
    };
    await check();
    const close = () => {
      members.delete(own);
      socket.close();
    };
    return { check, close };
  },
};

/** An old worker may close the connection meanwhile. */
async function echo(socket) {
  if (!socket.connected) await new Promise((resolve) => socket.once('connect', resolve));
  const disconnected = new Promise((resolve) => socket.once('disconnect', () => resolve('disconnected')));
  const answer = await Promise.race([socket.emitWithAck('echo', 'x'), disconnected]);
  if (answer !== 'x' && answer !== 'disconnected') throw new Error('no echo');
  return answer;
}
