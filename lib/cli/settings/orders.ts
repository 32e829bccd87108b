/** The commands on a manager that runs, as commander reads them. */
import type { Command } from 'commander';
import { readOption } from './complete';
import { duration, integer } from './values';

/** A manager that runs is to do something, or to be looked at. */
export type Order = Addressed &
  (
    | { command: 'reload' | 'logs-reopen' }
    | { command: 'status'; json: boolean }
    | { command: 'top'; interval: number }
    | { command: 'stop'; now: boolean }
    | { command: 'scale'; change: string }
    | ({ command: 'stack'; worker: string | undefined; json: boolean } & Patient)
    | ({ command: 'profile'; worker: string; seconds: number } & Patient & ToFile)
    | ({ command: 'snapshot'; worker: string; checksRoom: boolean } & Patient & ToFile)
  );

interface Patient {
  /** For how long a worker may say nothing, in milliseconds. */
  patience: number;
}

interface ToFile {
  path: string;
  /** A file of that name may be replaced. */
  force: boolean;
}

interface Addressed {
  /** Its pid, the file that it is in, or its name; undefined: the only one that runs. */
  target: string | undefined;
  /** For how long what was asked for is awaited, in milliseconds; null: as long as it takes. */
  timeout: number | null;
}

type Written = {
  timeout?: string;
  interval?: string;
  json?: boolean;
  now?: boolean;
  seconds?: string;
  output?: string;
  force?: boolean;
  roomCheck?: boolean;
};

/** Milliseconds. */
const INTERVAL = 1000;
const SHORTEST_INTERVAL = 100;
const STACK_PATIENCE = 5000;
const RECORDING_PATIENCE = 10_000;
const LONGEST_PROFILE = 600;

/** Adds them to the program. */
export function addOrders(program: Command, take: (order: Order) => void): void {
  const add = (name: string, description: string, waits: boolean): Command => {
    const command = program.command(name).description(description).exitOverride().allowExcessArguments(false);
    return waits
      ? command.option('--timeout <duration>', 'give up waiting after this; the manager goes on with it')
      : command;
  };
  const addressed = (command: Command, target: string | undefined): Addressed => {
    refuseOptionsOfStart(program, command);
    const { timeout } = command.opts<Written>();
    return { target, timeout: timeout === undefined ? null : readOption(duration(1), '--timeout', timeout) };
  };

  const status = add('status', 'say who runs, since when, which code, and how each worker is', false);
  withTarget(status.option('--json', 'as one object of JSON'), (target) => {
    take({ ...addressed(status, target), command: 'status', json: status.opts<Written>().json === true });
  });

  const top = add('top', 'show that again and again; in a terminal with keys to sort it', false);
  withTarget(top.option('--interval <duration>', 'look so often [1s]'), (target) => {
    const { interval } = top.opts<Written>();
    const every =
      interval === undefined ? INTERVAL : readOption(duration(SHORTEST_INTERVAL), '--interval', interval);
    take({ ...addressed(top, target), command: 'top', interval: every });
  });

  const reload = add(
    'reload',
    'send HUP to a manager; end when every worker is replaced, with status 1 if none is',
    true,
  );
  withTarget(reload, (target) => take({ ...addressed(reload, target), command: 'reload' }));

  const scale = add('scale', 'have so many workers, or so many more or fewer; end when they are ready', true);
  scale
    .usage('[options] [target] <4 | +1 | -1>')
    .argument('<target-or-number>', TARGET)
    .argument('[number]', 'how many workers: 4, +1 or -1')
    .action((first: string, second: string | undefined) => {
      const [target, change] = second === undefined ? [undefined, first] : [first, second];
      take({ ...addressed(scale, target), command: 'scale', change });
    });

  const stop = add('stop', 'send TERM to a manager; end when it has ended', true);
  withTarget(stop.option('--now', 'send QUIT: requests are not awaited'), (target) => {
    take({ ...addressed(stop, target), command: 'stop', now: stop.opts<Written>().now === true });
  });

  const reopen = add(
    'logs-reopen',
    'send USR1 to a manager; end when every process has opened its log files anew',
    true,
  );
  withTarget(reopen, (target) => take({ ...addressed(reopen, target), command: 'logs-reopen' }));

  const asking = (name: string, description: string, patience: number) =>
    add(name, description, false).option(
      '--timeout <duration>',
      `give up on a worker that says nothing for so long [${patience / 1000}s]`,
    );
  const asked = (command: Command, target: string | undefined, patience: number): Addressed & Patient => {
    const { timeout, ...rest } = addressed(command, target);
    return { ...rest, timeout: null, patience: timeout ?? patience };
  };

  const stack = asking(
    'stack',
    'say where the JavaScript of workers is now, and which requests they have in hand',
    STACK_PATIENCE,
  );
  stack
    .option('--json', 'as one object of JSON')
    .argument('[target]', TARGET)
    .argument('[worker]', 'its id or pid; none: all of them')
    .action((target: string | undefined, worker: string | undefined) => {
      const json = stack.opts<Written>().json === true;
      take({ ...asked(stack, target, STACK_PATIENCE), command: 'stack', worker, json });
    });

  const ofOne = (
    command: Command,
    act: (target: string | undefined, worker: string, file: ToFile) => void,
  ): void => {
    command
      .requiredOption('-o, --output <file>', 'write it here')
      .option('--force', 'replace a file that exists')
      .usage('[options] [target] <worker>')
      .argument('<target-or-worker>', TARGET)
      .argument('[worker]', 'its id or pid')
      .action((first: string, second: string | undefined) => {
        const [target, worker] = second === undefined ? [undefined, first] : [first, second];
        const { output = '', force = false } = command.opts<Written>();
        act(target, worker, { path: output, force });
      });
  };

  const profile = asking(
    'profile',
    'record what a worker spends its time on, into a file for the DevTools of Chrome',
    RECORDING_PATIENCE,
  ).option('--seconds <number>', 'for so long [10]');
  ofOne(profile, (target, worker, file) => {
    const { seconds = '10' } = profile.opts<Written>();
    const common = { ...asked(profile, target, RECORDING_PATIENCE), ...file };
    const checked = readOption(integer(1, LONGEST_PROFILE), '--seconds', seconds);
    take({ ...common, command: 'profile', worker, seconds: checked });
  });

  const snapshot = asking(
    'snapshot',
    'take a snapshot of the heap of a worker, which goes on meanwhile, into a file for the DevTools of Chrome',
    RECORDING_PATIENCE,
  ).option('--no-room-check', 'take it even if memory may not suffice');
  ofOne(snapshot, (target, worker, file) => {
    const { roomCheck = true } = snapshot.opts<Written>();
    const common = { ...asked(snapshot, target, RECORDING_PATIENCE), ...file };
    take({ ...common, command: 'snapshot', worker, checksRoom: roomCheck });
  });
}

const TARGET = "the manager's pid, pid file or name; none: the only one that runs";

function withTarget(command: Command, act: (target: string | undefined) => void): void {
  command.argument('[target]', TARGET).action((target: string | undefined) => act(target));
}

/** Commander takes them anywhere. Without effect they would mislead. */
function refuseOptionsOfStart(program: Command, command: Command): void {
  const [name] = Object.keys(program.opts()).filter((each) => program.getOptionValueSource(each) === 'cli');
  const option = program.options.find((each) => each.attributeName() === name);
  if (option === undefined) return;
  command.error(`error: ${option.long} is an option of a start, not of prefork ${command.name()}`);
}
