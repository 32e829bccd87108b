/** PostgreSQL, MariaDB and Redis from Debian, each on a free port, with its data in a folder of the run, without root's
 * rights. They end with this process, however it ends. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const NOBODY = 65534;
const isRoot = process.getuid() === 0;
const drop = isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];

/** Debian keeps PostgreSQL's programs beside their version. */
function postgres(program) {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root) : [];
  if (versions.length === 0) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return join(root, versions.sort((a, b) => Number(a) - Number(b)).at(-1), 'bin', program);
}

const kinds = {
  postgresql: {
    prepare: (folder) => [postgres('initdb'), '-D', folder, '-U', 'prefork', '-A', 'trust', '--no-sync'],
    serve: (folder, port) => [
      postgres('postgres'),
      ...['-D', folder, '-p', port, '-k', folder, '-c', 'fsync=off', '-c', 'max_connections=200'],
    ],
    isReady: (port) => [postgres('pg_isready'), '--quiet', '-h', '127.0.0.1', '-p', port],
    ends: 'SIGINT', // "fast": without waiting for its clients
    env: (port) => ({ POSTGRESQL: `postgresql://prefork@127.0.0.1:${port}/postgres` }),
  },
  mariadb: {
    prepare: (folder) => [
      'mariadb-install-db',
      ...[
        '--no-defaults',
        `--datadir=${folder}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
      ],
    ],
    serve: (folder, port) => [
      '/usr/sbin/mariadbd',
      ...['--no-defaults', `--datadir=${folder}`, `--socket=${folder}/socket`, `--port=${port}`],
      '--bind-address=127.0.0.1',
    ],
    ends: 'SIGTERM',
    env: (port) => ({ MARIADB: `mysql://root@127.0.0.1:${port}/mysql` }),
  },
  redis: {
    serve: (folder, port) => [
      'redis-server',
      '--port',
      port,
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
    ],
    ends: 'SIGTERM',
    env: (port) => ({ REDIS: `redis://127.0.0.1:${port}` }),
  },
};

async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** What accepts may still be starting up. */
async function isReady(port, [command, ...args] = []) {
  if (!(await accepts(port))) return false;
  return command === undefined || spawnSync(command, args).status === 0;
}

/** What traces and errors are sent to: it takes everything. */
class Sink {
  async start() {
    this.server = createHttpServer((request, response) => {
      request.resume().on('end', () => response.end('{}'));
    }).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const url = `http://127.0.0.1:${this.server.address().port}`;
    return { SINK: url, OTEL_EXPORTER_OTLP_ENDPOINT: url, DD_TRACE_AGENT_URL: url };
  }

  end() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

class Service {
  constructor(kind, folder) {
    this.kind = kind;
    this.folder = folder;
  }

  async start() {
    const { prepare, serve, ends, env } = this.kind;
    mkdirSync(this.folder, { recursive: true });
    if (isRoot) chownSync(this.folder, NOBODY, NOBODY);
    const options = { cwd: this.folder, encoding: 'utf8', env: { ...process.env, HOME: this.folder } };
    if (prepare) {
      const tied = [...drop, '--pdeathsig=KILL', ...prepare(this.folder)];
      const { status, stdout, stderr } = spawnSync('setpriv', tied, options);
      if (status !== 0) throw new Error(`${prepare(this.folder)[0]}: ${stdout}${stderr}`);
    }
    const port = String(await freePort());
    const tied = [...drop, `--pdeathsig=${ends.slice(3)}`, ...serve(this.folder, port)];
    this.running = spawn('setpriv', tied, { ...options, stdio: 'ignore' });
    this.ended = once(this.running, 'close');
    while (!(await isReady(port, this.kind.isReady?.(port)))) {
      if (this.running.exitCode !== null) throw new Error(`${serve(this.folder, port)[0]} ended`);
      await sleep(20);
    }
    return env(port);
  }

  async end() {
    if (!this.running) return;
    this.running.kill(this.kind.ends);
    await this.ended;
  }
}

export class Services {
  #folder;
  #started = new Map();
  #environments = new Map();

  constructor(folder) {
    this.#folder = folder;
  }

  /** Where these are; each is started when it is asked for first. */
  async environment(names = []) {
    for (const name of names) {
      if (this.#environments.has(name)) continue;
      mkdirSync(this.#folder, { recursive: true });
      chmodSync(this.#folder, 0o755);
      const service = name === 'sink' ? new Sink() : new Service(kinds[name], join(this.#folder, name));
      this.#started.set(name, service);
      this.#environments.set(name, await service.start());
    }
    return Object.assign({}, ...names.map((name) => this.#environments.get(name)));
  }

  async end() {
    await Promise.all([...this.#started.values()].map((service) => service.end()));
  }
}
