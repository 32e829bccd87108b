/** A template or worker asks the manager for sockets, and waits for the answer. */
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { preforkError } from '../../base/errors';
import { ListeningSocket } from '../../sockets/listening-socket';
import type { Bind } from '../settings';
import type { Channel } from './channel';
import type { DatagramBind } from './checked';
import type { FromManager, ListenError, ToManager } from './messages';

/** The manager answers at once; if it does not, it has been stopped, or is gone. */
const PATIENCE = 30_000;

/** What has come from the manager, with the descriptors. */
export interface Told {
  message: FromManager;
  passed: number[];
}

export interface Granted {
  is: 'granted';
  /** How many sockets each worker will have for this; in a worker, they themselves. */
  count: number;
  sockets: ListeningSocket[];
  lent: boolean[];
}

export type Outcome =
  | Granted
  | { is: 'refused' }
  | { is: 'failed'; bind: Bind; error: NodeJS.ErrnoException };

/** Messages that came while another one was waited for, in order. */
export class Conversation {
  readonly channel: Channel;
  readonly #early: Told[] = [];

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** The next message, waited for at most so long; undefined: none has come, null: the manager has gone. */
  next(milliseconds: number): Told | null | undefined {
    return this.#early.shift() ?? this.#receive(milliseconds);
  }

  ask(bind: Bind): Outcome {
    const { message, passed } = this.#answerTo({ type: 'listen', bind }, ['bound', 'not bound', 'refused']);
    if (message.type === 'not bound') {
      return { is: 'failed', bind: message.bind, error: errorOf(message.error) };
    }
    if (message.type !== 'bound') return { is: 'refused' };
    return {
      is: 'granted',
      count: message.sockets.length,
      sockets: passed.map((fd) => new ListeningSocket(fd)),
      lent: message.sockets.map(({ isLent }) => isLent),
    };
  }

  /** The address that a server would get that listened there, or why it could not. */
  tryPort(bind: Bind & { kind: 'tcp' }): AddressInfo | Error {
    const { message } = this.#answerTo({ type: 'try', bind }, ['free', 'not free']);
    if (message.type === 'free') return message.address;
    return message.type === 'not free' ? errorOf(message.error) : unheard();
  }

  /** A socket of UDP that all workers have, or `-errno`. */
  shareDatagrams(bind: DatagramBind, index: number): number {
    const question = { type: 'datagrams', bind, index } as const;
    const { message, passed } = this.#answerTo(question, ['datagrams', 'no datagrams']);
    const [fd] = passed;
    if (fd !== undefined) return fd;
    const { errno } = constants;
    const code = message.type === 'no datagrams' ? message.code : '';
    return -(code in errno ? errno[code as keyof typeof errno] : errno.EINVAL);
  }

  #answerTo(question: ToManager, answers: readonly FromManager['type'][]): Told {
    if (!this.channel.send(question)) throw unheard();
    for (;;) {
      const told = this.#receive(PATIENCE);
      if (told === undefined || told === null) throw unheard();
      if (answers.includes(told.message.type)) return told;
      this.#early.push(told);
    }
  }

  #receive(milliseconds: number): Told | null | undefined {
    let received = this.channel.receive(true);
    if (received.is === 'nothing' && this.channel.wait(milliseconds)) received = this.channel.receive(true);
    if (received.is === 'nothing') return undefined;
    if (received.is === 'message')
      return { message: received.message as FromManager, passed: received.passed };
    return null;
  }
}

function unheard(): Error {
  return preforkError('ERR_PREFORK_TIMEOUT', 'The manager of this process does not answer');
}

/** As `listen` would have emitted it. */
function errorOf({ message, ...fields }: ListenError): NodeJS.ErrnoException {
  return Object.assign(new Error(message), fields);
}
