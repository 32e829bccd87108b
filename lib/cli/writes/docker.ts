import type { Subject } from './subject';

/** Where probes ask inside of the container. */
export const STATUS_PORT = 9100;

export function forDocker(subject: Subject): Record<string, string> {
  const { name, words, environment, port } = subject;
  const command = ['node_modules/.bin/prefork', '--bind', `:${port}`, '--log-format', 'json', ...words];
  const variables = [
    'NODE_ENV=production',
    ...environment
      .filter(([key]) => key !== 'NODE_ENV')
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  ];
  const dockerfile = `# docker build -t ${name} . && docker run -p ${port}:${port} --stop-timeout 40 ${name}
${stages(subject)}${variables.map((each) => `ENV ${each}`).join('\n')}
# For the probe below. --status of a command line would win.
ENV PREFORK_STATUS=127.0.0.1:${STATUS_PORT}
# Without the rights of root.
USER node
EXPOSE ${port}
# Whether the service lives. Docker only shows it; Kubernetes asks by itself.
HEALTHCHECK --interval=30s --timeout=3s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:${STATUS_PORT}/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# In brackets: a shell as process 1 would keep TERM to itself. prefork reaps orphans, so no init is needed.
# There are as many workers as docker run --cpus allows. docker stop waits 10 s unless --stop-timeout says more.
CMD ${JSON.stringify(command).replaceAll('","', '", "')}
`;
  const ignored = `# What is not to be in the image.
node_modules
.git
.env
Dockerfile
.dockerignore
`;
  return { Dockerfile: dockerfile, '.dockerignore': ignored };
}

/** The binary that comes with the package needs no compiler, so the slim image is enough. */
function stages({ node, packages, isBuilt }: Subject): string {
  const image = `node:${node}-bookworm-slim`;
  const install = (command: string) => `# Packages first: they change seldom, and are kept.
COPY ${packages.files} ./
RUN ${command}
`;
  if (!isBuilt) {
    return `FROM ${image}\nWORKDIR /srv/app\n${install(packages.production)}COPY . .\n`;
  }
  return `# Built with all packages, run without those for development.
FROM ${image} AS build
WORKDIR /srv/app
${install(packages.all)}COPY . .
RUN ${packages.build} && rm -rf node_modules

FROM ${image}
WORKDIR /srv/app
${install(packages.production)}COPY --from=build /srv/app ./
`;
}
