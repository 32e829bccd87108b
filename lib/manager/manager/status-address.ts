/**
 * Where the attendant serves the status of the service. The manager binds it and keeps it, as it does with the addresses of
 * workers: an attendant that takes the place of another one finds those who wait.
 */
import { binding } from '../../base/binding';
import { Endpoint, type HandedSockets, type Keep } from '../listening/endpoints';
import { explainBind } from '../listening/explain';
import type { Log, PlainSettings } from '../settings';
import type { BindWithAccess } from '../system/socket-access';
import { withAccess } from '../system/socket-access';
import { socketRules } from './other-rights';

export interface HandedStatusAddress {
  key: string;
  bind: BindWithAccess;
  sockets: HandedSockets;
}

export class StatusAddress {
  readonly #log: Log;
  /** The settings that it was bound by, or could not be. */
  #key = 'null';
  #endpoint: Endpoint | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Its descriptor; undefined: there is none. */
  get fd(): number | undefined {
    return this.#endpoint?.socketFor(0).fd;
  }

  /** By the settings of the generation that serves. What cannot be bound is logged once, and is no reason not to serve. */
  settle(settings: PlainSettings): void {
    const { status, user, group, umask, socketMode, socketUser, socketGroup } = settings;
    const key = JSON.stringify(status && [status, user, group, umask, socketMode, socketUser, socketGroup]);
    if (key === this.#key) return;
    this.#key = key;
    this.#endpoint?.close();
    this.#endpoint = undefined;
    if (status === null) return;
    try {
      this.#endpoint = new Endpoint(withAccess(status, socketRules(settings, true), true), null);
      this.#log({
        level: 'info',
        event: 'listening_started',
        message: `The status is served on ${this.#endpoint.name}`,
        pid: binding.process_getpid(),
      });
    } catch (error) {
      const message = `The status is not served: ${explainBind(status, error as NodeJS.ErrnoException)}`;
      this.#log({ level: 'error', event: 'listen_failed', message });
    }
  }

  /** For another program in this process. */
  handOver(keep: Keep): HandedStatusAddress | null {
    if (this.#endpoint === undefined) return null;
    return { key: this.#key, bind: this.#endpoint.bind, sockets: this.#endpoint.handOver(keep) };
  }

  takeOver(handed: HandedStatusAddress | null): void {
    if (handed === null) return;
    this.#key = handed.key;
    this.#endpoint = new Endpoint(handed.bind, handed.sockets);
  }

  /** In a child. */
  letGo(): void {
    this.#endpoint?.letGo();
  }

  removeFile(): void {
    this.#endpoint?.removeFile();
  }
}
