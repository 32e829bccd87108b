// Runs in a machine whose first process is systemd, as a service of it: has systemd start, reload, watch, activate and stop a
// service as docs/deployment.md has it, and prints `@ok …` or `@FAILED …` for each.
const { execFileSync, spawnSync } = require('node:child_process');
const { mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { get } = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');

const UNITS = '/etc/systemd/system';
const SHOP = '/srv/shop';
/** Seconds; the machine is emulated. */
const PATIENCE = 600;

const [SERVICE, SOCKET] = ['shop.service', 'shop.socket'].map((name) =>
  readFileSync(`/units/${name}`, 'utf8'),
);

function systemctl(...args) {
  const { status, stdout, stderr } = spawnSync('systemctl', args, {
    encoding: 'utf8',
    timeout: PATIENCE * 1000,
  });
  if (status !== 0) throw new Error(`systemctl ${args.join(' ')}: ${status} ${stdout} ${stderr}`);
  return stdout.trim();
}

const show = (name, unit = 'shop.service') => systemctl('show', '--property', name, '--value', unit);
const log = () =>
  execFileSync('journalctl', ['--unit', 'shop.service', '--output', 'cat'], { encoding: 'utf8' });
const manager = () => Number(show('MainPID'));
const children = (pid) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
const titleOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0.*/s, '').trim();
const workers = () => children(manager()).filter((pid) => /: worker \d/.test(titleOf(pid)));

/** How things stand when something has failed: as systemd sees the service, and as the kernel does. */
function scene() {
  const properties = 'ActiveState,SubState,Result,MainPID,NRestarts,StatusText';
  const processes = spawnSync('ps', ['-eo', 'pid,ppid,stat,wchan:24,pending,blocked,ignored,caught,args'], {
    encoding: 'utf8',
  });
  return `${systemctl('show', '--property', properties, 'shop.service')}\n${processes.stdout}`;
}

function check(condition, what) {
  if (!condition) throw new Error(what);
}

async function until(what, holds) {
  const end = Date.now() + PATIENCE * 1000;
  for (;;) {
    let seen;
    try {
      seen = await holds();
    } catch {
      seen = false; // not yet
    }
    if (seen) return;
    check(Date.now() < end, `not within ${PATIENCE} s: ${what}`);
    await sleep(100);
  }
}

function ask(path = '/', port = 8080) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more) => {
        text += more;
      });
      response.on('end', () => resolve(text)).on('error', reject);
    }).on('error', reject);
  });
}

function application(version) {
  return `
    const kept = [];
    require('node:http').createServer((request, response) => {
      if (request.url === '/eat') for (;;) kept.push(Buffer.alloc(2 ** 24, 1));
      response.end('version ${version}');
    }).listen(3000);`;
}

const deploy = (source) => writeFileSync(`${SHOP}/server.js`, source);

/** The unit of the page, with other lines in the section [Service], and without some. */
function install(changes = {}) {
  const lines = SERVICE.split('\n').filter((line) => !Object.hasOwn(changes, line.split('=')[0]));
  const more = Object.entries(changes).flatMap(([name, value]) => (value === null ? [] : `${name}=${value}`));
  lines.splice(lines.indexOf('[Service]') + 1, 0, ...more);
  writeFileSync(`${UNITS}/shop.service`, lines.join('\n'));
  systemctl('daemon-reload');
}

function end() {
  for (const unit of ['shop.socket', 'shop.service']) spawnSync('systemctl', ['stop', unit]);
  spawnSync('systemctl', ['reset-failed']);
  rmSync(`${UNITS}/shop.socket`, { force: true });
  execFileSync('journalctl', ['--rotate', '--quiet']);
  execFileSync('journalctl', ['--vacuum-time=1ms', '--quiet']);
}

async function reloads() {
  deploy(application(1));
  systemctl('start', 'shop.service');
  check(show('ActiveState') === 'active', `it is ${show('ActiveState')}`);
  check(/^2 ready/.test(show('StatusText')), `its status is ${show('StatusText')}`);
  const before = manager();
  const old = children(before);
  deploy(application(2));
  systemctl('reload', 'shop.service');
  await until('the new version is ready', () => /replaced_all/.test(log()));
  await until('the old one has gone', () => !children(before).some((pid) => old.includes(pid)));
  for (let i = 0; i < 10; i++) check((await ask()) === 'version 2', 'an old version answered');
  deploy("throw new Error('no such table')");
  systemctl('reload', 'shop.service');
  await until('the broken one is refused', () => /replacement_refused/.test(log()));
  check((await ask()) === 'version 2', 'the version before it does not serve on');
  await until('the status says so', () => /^2 ready, 0 booting/.test(show('StatusText')));
  check(manager() === before, 'it is another process');
  check(show('ActiveState') === 'active', `it is ${show('ActiveState')}`);
  systemctl('stop', 'shop.service');
  check(show('Result') === 'success' && show('ExecMainStatus') === '0', `it ended with ${show('Result')}`);
  check(/shutdown_finished/.test(log()), log());
}

const deeds = {
  'the unit of the page: start, reload, broken reload, stop': async () => {
    install();
    await reloads();
  },
  'Type=notify-reload without ExecReload: the same': async () => {
    install({ Type: 'notify-reload', ExecReload: null });
    await reloads();
  },
  'USR2: another program takes over, as the same service': async () => {
    install();
    deploy(application(1));
    systemctl('start', 'shop.service');
    const before = manager();
    const old = children(before);
    deploy(application(2));
    systemctl('kill', '--kill-who=main', '--signal=USR2', 'shop.service');
    await until('it has taken over', () => /succession_finished/.test(log()));
    await until('the new version is ready', () => /replaced_all/.test(log()));
    await until('the old one has gone', () => !children(before).some((pid) => old.includes(pid)));
    for (let i = 0; i < 10; i++) check((await ask()) === 'version 2', 'an old version answered');
    check(manager() === before && show('NRestarts') === '0', 'it is another process');
    await until('the status says so', () => /^2 ready, 0 booting/.test(show('StatusText')));
    systemctl('stop', 'shop.service');
    check(show('Result') === 'success' && show('ExecMainStatus') === '0', `it ended with ${show('Result')}`);
  },
  'a manager that stands still is restarted by the watchdog': async () => {
    install({ WatchdogSec: '20' });
    deploy(application(1));
    systemctl('start', 'shop.service');
    const before = manager();
    process.kill(before, 'SIGSTOP');
    await until(
      'another one serves',
      async () => manager() > 0 && manager() !== before && (await ask()) === 'version 1',
    );
    check(show('NRestarts') === '1', `${show('NRestarts')} restarts`);
  },
  'a manager that only waits satisfies it': async () => {
    install({ WatchdogSec: '10' });
    deploy(application(1));
    systemctl('start', 'shop.service');
    await sleep(45_000);
    check(show('NRestarts') === '0' && show('ActiveState') === 'active', `${show('NRestarts')} restarts`);
  },
  'socket activation: port 80 without root, nothing refused during a restart': async () => {
    const start = /^ExecStart=(.*) --bind \S+(.*)$/m.exec(SERVICE);
    install({ ExecStart: `${start[1]}${start[2]}` });
    writeFileSync(`${UNITS}/shop.socket`, SOCKET);
    systemctl('daemon-reload');
    deploy(application(1));
    systemctl('start', 'shop.socket');
    check((await ask('/', 80)) === 'version 1', 'no answer');
    check(/^Uid:\s+1000\s/m.test(readFileSync(`/proc/${manager()}/status`, 'utf8')), 'it is root');
    deploy(application(2));
    const restarting = new Promise((resolve) => {
      const child = require('node:child_process').spawn('systemctl', ['restart', 'shop.service']);
      child.on('exit', resolve);
    });
    let isOver = false;
    restarting.then(() => {
      isOver = true;
    });
    const answers = [];
    while (!isOver) answers.push(await ask('/', 80));
    check(answers.length > 0 && answers.every((answer) => /^version [12]$/.test(answer)), answers.join());
    check((await ask('/', 80)) === 'version 2', 'the old version answered');
  },
  'memory runs out: the kernel takes a worker, the log says so, and with OOMPolicy=continue the service goes on':
    async () => {
      install({ MemoryMax: '400M', OOMPolicy: 'continue' });
      deploy(application(1));
      systemctl('start', 'shop.service');
      const before = manager();
      await ask('/eat').catch(() => {});
      await until('it is said', () => /was killed by the kernel \(SIGKILL\): memory had run out/.test(log()));
      await until('there are two workers again', () => workers().length === 2);
      check((await ask()) === 'version 1', 'no answer');
      check(manager() === before, 'it is another manager');
      check(show('ActiveState') === 'active', `it is ${show('ActiveState')}`);
    },
  'without it systemd restarts the service': async () => {
    install({ MemoryMax: '400M', OOMPolicy: null });
    deploy(application(1));
    systemctl('start', 'shop.service');
    const before = manager();
    await ask('/eat').catch(() => {});
    await until(
      'it is restarted',
      async () => manager() > 0 && manager() !== before && (await ask()) === 'version 1',
    );
    console.log(`Result=${show('Result')} NRestarts=${show('NRestarts')}`);
  },
};

async function main() {
  mkdirSync(SHOP, { recursive: true });
  const wanted = new RegExp(process.argv[2] ?? '.');
  for (const [name, deed] of Object.entries(deeds)) {
    if (!wanted.test(name)) continue;
    const started = Date.now();
    try {
      await deed();
      console.log(`@ok ${name} (${Math.round((Date.now() - started) / 1000)} s)`);
    } catch (error) {
      console.log(`@FAILED ${name}: ${error.stack}`);
      console.log(`${scene()}\n${log()}`);
    }
    end();
  }
  console.log('@end');
}
main();
