/** The terminal while a program has all of it: another screen, without cursor, and keys one by one. */
import { emitKeypressEvents, type Key } from 'node:readline';
import { writeAll } from '../../base/blocking-write';

/** xterm's, as every terminal of today knows them: the other screen, no cursor, lines are cut and not wrapped. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const TO_BEGINNING = '\x1b[H';
const CLEAR_REST_OF_LINE = '\x1b[K';
const CLEAR_REST_OF_SCREEN = '\x1b[J';

const ENDING = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

export type Style = 'plain' | 'names' | 'warning' | 'error';

export interface Line {
  text: string;
  style: Style;
}

const COLORS: Record<Style, readonly [on: string, off: string]> = {
  plain: ['', ''],
  names: ['\x1b[7m', '\x1b[27m'],
  warning: ['\x1b[33m', '\x1b[39m'],
  error: ['\x1b[31m', '\x1b[39m'],
};

export interface Listener {
  /** In the name of readline's: `q`, `up`, `pagedown`. */
  key(name: string): void;
  /** What is on the screen is to be drawn again: it has another size, or was somebody else's meanwhile. */
  redraw(): void;
}

export class Screen {
  readonly #listener: Listener;
  readonly #hasColors = (process.env['NO_COLOR'] ?? '') === '' && process.stdout.hasColors();
  #isEntered = false;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  static get isPossible(): boolean {
    return process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  }

  get rows(): number {
    return process.stdout.rows || 24;
  }

  /** The terminal is given back when the process ends, however that comes about. */
  enter(): void {
    // First: a signal that came between the first page and its listener would keep the terminal.
    process.once('exit', () => this.#giveBack());
    for (const signal of ENDING) process.once(signal, () => this.#endBy(signal));
    process.on('SIGCONT', () => this.#take());
    this.#take();
    process.stdout.on('resize', () => this.#listener.redraw());
    if (!process.stdin.isTTY) return;
    emitKeypressEvents(process.stdin);
    process.stdin.on('keypress', (_: string, key: Key) => this.#pressed(key));
    process.stdin.resume();
  }

  /** Lines for which there is no room are left out. */
  draw(lines: readonly Line[]): void {
    const shown = lines.slice(0, this.rows).map((line) => this.#format(line) + CLEAR_REST_OF_LINE);
    writeAll(1, TO_BEGINNING + shown.join('\r\n') + CLEAR_REST_OF_SCREEN);
  }

  leave(): void {
    this.#giveBack();
    process.stdin.pause();
  }

  #format({ text, style }: Line): string {
    const [on, off] = style === 'names' || this.#hasColors ? COLORS[style] : COLORS.plain;
    return on + [...text].slice(0, process.stdout.columns || 80).join('') + off;
  }

  #take(): void {
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    this.#isEntered = true;
    writeAll(1, ENTER);
    this.#listener.redraw();
  }

  #giveBack(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    try {
      writeAll(1, LEAVE);
    } catch {
      // The terminal has gone.
    }
  }

  /** As it would end without a listener. */
  #endBy(signal: NodeJS.Signals): void {
    this.#giveBack();
    process.kill(process.pid, signal);
  }

  /** In raw mode the terminal makes no signals of keys. */
  #pressed({ name, ctrl, sequence }: Key): void {
    if (ctrl && name === 'c') process.kill(process.pid, 'SIGINT');
    else if (ctrl && name === 'z') this.#suspend();
    else this.#listener.key(name ?? sequence ?? '');
  }

  /** Until the shell continues it. */
  #suspend(): void {
    this.#giveBack();
    process.kill(0, 'SIGTSTP'); // with npx and the like above it, as the terminal would
  }
}
