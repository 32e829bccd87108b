import { join } from 'node:path';
import { DEFAULTS } from '../../manager/settings';
import type { Subject } from './subject';

/** Longer than workers may take for their last requests, so that `prefork` decides. */
const STOP_SECONDS = DEFAULTS.gracefulTimeout / 1000 + 10;

export function forSystemd({ name, folder, words, environment, port }: Subject): Record<string, string> {
  const program = [process.execPath, join(folder, 'node_modules/.bin/prefork')];
  const options = ['--bind', `127.0.0.1:${port}`, '--status', `unix:/run/${name}/status.sock`];
  const variables: [string, string][] = [['NODE_ENV', 'production'], ...withoutMode(environment)];
  const unit = `# ${name}.service, for systemd. Adapt it, then:
#   sudo useradd --system ${name}
#   sudo cp ${name}.service /etc/systemd/system/ && sudo systemctl enable --now ${name}
# A new version: put its files in place, then sudo systemctl reload ${name}

[Unit]
Description=${name}
After=network.target

[Service]
# It counts as started when all workers are ready, and systemctl status shows how many there are.
Type=notify
# Without rights that it does not need.
User=${name}
NoNewPrivileges=yes
# For the Unix socket of its status: curl --unix-socket /run/${name}/status.sock http://localhost/readyz
RuntimeDirectory=${name}
WorkingDirectory=${folder.replaceAll('%', '%%')}
# Variables of the application.
${variables.map(([key, value]) => `Environment=${word(`${key}=${value}`)}`).join('\n')}
# prefork itself and no npx or shell: systemd listens to the main process of a service only.
ExecStart=${[...program, ...options, ...words].map(word).join(' ')}
# The files as they are now are put into service. A version that does not get ready is refused, and the old one serves on.
ExecReload=/bin/kill -HUP $MAINPID
# TERM goes to the manager only, which tells its workers.
KillMode=mixed
# More than --graceful-timeout, by default ${DEFAULTS.gracefulTimeout / 1000} s: prefork decides when to stop waiting for requests.
TimeoutStopSec=${STOP_SECONDS}
# A manager that does not show twice in this time that it lives is started again. Whether workers live, it watches itself.
WatchdogSec=30
# The kernel takes one worker when memory runs out: that is no reason to stop the others.
OOMPolicy=continue
Restart=on-failure

[Install]
WantedBy=multi-user.target
`;
  return { [`${name}.service`]: unit };
}

function withoutMode(environment: Subject['environment']): Subject['environment'] {
  return environment.filter(([name]) => name !== 'NODE_ENV');
}

/** systemd.service(5), "Command lines": what would end a word or stand for something else. */
function word(text: string): string {
  const literal = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /[\s"'\\;]/.test(literal) ? `"${literal.replaceAll(/["\\]/g, '\\$&')}"` : literal;
}
