/** The manager forks itself: for a template, an attendant, and a worker that loads the application by itself. */
import { binding } from '../../base/binding';
import { forkFrom } from '../../fork/fork';
import { Channel } from '../channel/channel';
import type { Post } from '../channel/messages';
import { type Newcomer, placeOf, SIGNALS, signalsIn } from '../place';
import { reopenCount } from '../scoreboard';
import type { PlainSettings } from '../settings';

/** In the manager, which is its parent. */
export interface Child {
  pid: number;
  channel: Channel;
}

/** What a child is for. */
export interface Purpose {
  role: Newcomer['role'];
  /** Those of its generation; null: the ones known from the start. */
  settings?: PlainSettings | null;
  /** Of a worker. */
  post?: Post;
  /** Of the attendant. */
  line?: number;
}

export interface Parent {
  /** What a hook of registerAtFork() throws. */
  fail(error: unknown): never;
  /** In a child, which has none of the manager's descriptors but its own channel. */
  letGo(): void;
}

export class Births {
  /** A generation had something open that workers cannot share. */
  couldNotBeShared = false;
  readonly #parent: Parent;
  readonly #known: PlainSettings;
  readonly #pid = binding.process_getpid();

  /** @param known what is known of the settings before they are read */
  constructor(known: PlainSettings, parent: Parent) {
    this.#known = known;
    this.#parent = parent;
  }

  /** The child, in the parent; what the child is to know, in the child; or why it could not be forked. */
  bear({ role, settings = null, post, line = -1 }: Purpose): Child | Newcomer | Error {
    // Counted before the fork: the child has not seen what is reopened later.
    const reopened = reopenCount();
    let ends: [Channel, Channel] | undefined;
    let pid: number;
    try {
      ends = Channel.pair();
      pid = forkFrom((error) => this.#parent.fail(error), {});
    } catch (error) {
      for (const end of ends ?? []) end.close();
      return error as Error;
    }
    const [own, others] = ends;
    if (pid === 0) {
      // A trial keeps its handlers until its signals are blocked: one for the group is not to end it.
      const early = role === 'trial' ? [] : signalsIn(binding.supervise_end(), SIGNALS);
      own.close();
      this.#parent.letGo();
      const birth = { manager: this.#pid, channel: others, early, reopened };
      const place = post === undefined ? null : placeOf(birth, post);
      const known = settings ?? this.#known;
      return { ...birth, role, settings: known, line, couldNotBeShared: this.couldNotBeShared, place };
    }
    others.close();
    return { pid, channel: own };
  }
}
