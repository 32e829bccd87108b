// prefork/log beside Python's logging. argv: one case.
import { closeSync, createWriteStream, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { accessLog, appLog, basicConfig, genLog } from 'prefork/log';
import { _exit, fork, pipe, wait } from 'prefork/os';

const print = (text) => writeSync(1, text);

function everyLevel() {
  for (const log of [genLog, appLog, accessLog]) {
    log.debug('debug %s', 1);
    log.info('info %s', 2);
    log.warning('warning %s', 3);
    log.error('error %s', 4);
    log.critical('critical %s', 5);
  }
}

const configured = (options) => () => {
  basicConfig(options);
  everyLevel();
};

function args() {
  basicConfig({ format: '%(message)s' });
  appLog.warning('%s died', 'worker 3');
  appLog.warning('%d of %5.1f|%-6s|%r', 7, 3.75, 'x', "it's");
  appLog.warning('100%');
  appLog.warning('%(name)s %(n)03d', { name: 'x', n: 7 });
  appLog.warning('no place');
  appLog.warning(42);
  appLog.warning(null);
}

function mistakes() {
  basicConfig();
  appLog.warning('no place', 'x');
  appLog.warning('%s and %s', 'x');
  appLog.warning('%d', 'x');
  appLog.warning('%y', 1, 'two');
  appLog.warning(42, 'x');
  appLog.warning('goes on');
}

function hiddenMistake() {
  appLog.info('%d', 'x');
  appLog.warning('goes on');
}

function goesOn(options) {
  basicConfig({ format: '%(message)s', ...options });
  appLog.warning('%s died', 'worker 3');
  appLog.warning('last');
  print('goes on\n');
}

const broken = {
  write() {
    throw new Error('no room');
  },
};

function closedStream() {
  const stream = createWriteStream('log');
  stream.end();
  goesOn({ stream });
}

function nobodyReads() {
  const [reading, writing] = pipe();
  closeSync(reading);
  goesOn({ stream: writing });
}

class Shy {
  toString() {
    throw new Error('no text');
  }

  [inspect.custom]() {
    return 'Shy';
  }
}

class Shyer extends Shy {
  [inspect.custom]() {
    throw new Error('nor that');
  }
}

function noText() {
  basicConfig();
  appLog.warning('%s died', new Shy());
  appLog.warning(new Shy());
  appLog.warning('%s died', new Shyer());
  appLog.warning('goes on');
}

function exception() {
  basicConfig();
  appLog.exception('Failed: %s', 'x', new Error('oops'));
}

function excInfo() {
  basicConfig({ format: '%(levelname)s %(message)s' });
  const error = new Error('oops');
  appLog.error('Failed: %s', 'x', error);
  appLog.critical('Worse', error);
}

function filename() {
  basicConfig({ filename: 'log', format: '%(levelname)s %(message)s', level: 'INFO' });
  appLog.info('first');
  if (fork() === 0) {
    appLog.info('of the child');
    _exit(0);
  }
  wait();
  appLog.info('last');
  print(readFileSync('log', 'utf8'));
}

function filemode() {
  writeFileSync('log', 'before\n');
  basicConfig({ filename: 'log', filemode: 'w', format: '%(message)s' });
  appLog.warning('after');
  print(readFileSync('log', 'utf8'));
}

const refused = (options) => () => {
  try {
    basicConfig(options);
  } catch (error) {
    print(error.syscall ? `${error.code}\n` : 'refused\n');
  }
};

function twice() {
  basicConfig({ format: 'first %(message)s' });
  basicConfig({ format: 'second %(message)s' });
  appLog.warning('x');
  basicConfig({ format: 'third %(message)s', force: true });
  appLog.warning('x');
}

const shown = (options) => () => {
  basicConfig({ stream: process.stdout, ...options });
  appLog.warning('x');
};

const CASES = {
  'every level, nothing configured': everyLevel,
  'every level, basicConfig': configured({}),
  'level by name': configured({ level: 'INFO' }),
  'level by number': configured({ level: 10 }),
  'level beyond all': configured({ level: 60 }),
  'a format': configured({ format: '[%(levelname)-8s] %(name)s: %(message)s' }),
  'a format with numbers': configured({ format: '%(levelno)03d %(message)s' }),
  'module and function': configured({ format: '%(module)s %(filename).4s %(levelname).1s %(message)s' }),
  'on standard output': configured({ stream: process.stdout, format: '%(message)s' }),
  arguments: args,
  mistakes,
  'a mistake that nobody sees': hiddenMistake,
  'a stream that raises': () => goesOn({ stream: broken }),
  'a full disk': () => goesOn({ filename: '/dev/full' }),
  'a closed stream': closedStream,
  'a pipe that nobody reads': nobodyReads,
  'an argument without a text': noText,
  exception,
  exc_info: excInfo,
  'filename, and a child': filename,
  filemode,
  'a folder that is not there': refused({ filename: 'missing/log' }),
  'stream and filename': refused({ filename: 'log', stream: process.stdout }),
  'no such level': refused({ level: 'loud' }),
  'no such option': refused({ fmt: '%(message)s' }),
  'no such conversion': refused({ format: '%(message)y' }),
  'a format of nothing': refused({ format: 'line' }),
  twice,
  asctime: shown({ format: '%(asctime)s|%(message)s' }),
  datefmt: shown({ format: '%(asctime)s|%(message)s', datefmt: '%d/%m/%y %H:%M %A %B %j %p %%' }),
  'an empty datefmt': shown({ format: '%(asctime)s|%(message)s', datefmt: '' }),
};

CASES[process.argv[2]]();
