/** Which applications are run, and what their users should know.
 *
 * - `of`: the package whose version is told; `project`: the folder in projects/ (light, if none is given)
 * - `file` in that folder, or `bin` in node_modules, is started with `args` (PORT is put in), alone after `alone` and under
 *   prefork after `options`; `cwd`, `env`, `nodeOptions` (FOLDER is put in)
 * - `path`, `headers`, `answers`: what is asked, and what the answer looks like; `client`: over what, if not HTTP
 * - `lasting`: connections that are open all the time
 * - `services`: which of services.mjs it needs
 * - `events`: what the manager logs beside the ordinary
 * - `connected`: it has connections open when it listens, so that each worker loads it
 * - `cannot`: why it runs on some Node not even alone
 * - `ci`: it is one of those that every run of CI examines */
export const applications = [
  { name: 'Express 4', of: 'express4', file: 'express-4.js', ci: true, note: 'closes its server at SIGTERM' },
  { name: 'Express 5', of: 'express', file: 'express-5.js', ci: true, note: '' },
  { name: 'Fastify', of: 'fastify', file: 'fastify.mjs', ci: true, note: '`app.close()` at SIGTERM' },
  { name: 'Koa', of: 'koa', file: 'koa.js', note: '' },
  {
    name: 'Hono',
    of: '@hono/node-server',
    file: 'hono.mjs',
    ci: true,
    note: 'closes its server and exits at SIGTERM',
  },
  { name: 'hapi', of: '@hapi/hapi', file: 'hapi.js', ci: true, note: '`server.stop()` at SIGTERM' },
  {
    name: 'terminus',
    of: '@godaddy/terminus',
    file: 'terminus.js',
    ci: true,
    note: 'ends the process itself, with SIGTERM',
  },
  {
    name: 'http-terminator',
    of: 'http-terminator',
    file: 'http-terminator.js',
    ci: true,
    note: 'closes idle connections itself',
  },
  {
    name: 'ws',
    of: 'ws',
    file: 'ws.js',
    lasting: 'ws',
    ci: true,
    note: 'WebSockets last through a reload; at the end they are closed with 1001',
  },
  {
    name: 'Socket.IO',
    of: 'socket.io',
    file: 'socket.io.js',
    lasting: 'socket.io',
    ci: true,
    note: "clients need `transports: ['websocket']`: a long-polling client's requests go to several workers",
  },
  {
    name: 'pino',
    of: 'pino',
    file: 'pino.js',
    note: 'lines carry the pid of the template',
  },
  {
    name: 'http-server',
    of: 'http-server',
    bin: 'http-server/bin/http-server',
    args: ['.', '-p', 'PORT', '-a', '127.0.0.1', '-s'],
    path: '/koa.js',
    answers: /require/,
    ci: true,
    note: 'exits at SIGTERM',
  },
  { name: 'Restify', project: 'more', of: 'restify', file: 'restify.js', note: '' },
  { name: 'h3', project: 'more', of: 'h3', file: 'h3.mjs', note: 'ends the process itself at SIGTERM' },
  {
    name: 'Apollo Server',
    project: 'more',
    of: '@apollo/server',
    file: 'apollo.mjs',
    path: '/?query={pid}',
    headers: { 'apollo-require-preflight': 'true' },
    note: '',
  },
  {
    name: 'GraphQL Yoga',
    project: 'more',
    of: 'graphql-yoga',
    file: 'yoga.mjs',
    path: '/graphql?query={pid}',
    note: '',
  },
  { name: 'tRPC', project: 'more', of: '@trpc/server', file: 'trpc.mjs', path: '/pid', note: '' },
  {
    name: 'gRPC',
    project: 'more',
    of: '@grpc/grpc-js',
    file: 'grpc.js',
    client: 'grpc',
    note: '`server.tryShutdown()` at SIGTERM',
  },
  {
    name: 'sirv-cli',
    project: 'more',
    of: 'sirv-cli',
    bin: 'sirv-cli/bin.js',
    args: ['.', '--port', 'PORT', '--host', '127.0.0.1', '--quiet'],
    path: '/tsx.ts',
    answers: /enum/,
    note: '',
  },
  { name: 'stoppable', project: 'more', of: 'stoppable', file: 'stoppable.js', note: 'exits at SIGTERM' },
  {
    name: 'winston',
    project: 'more',
    of: 'winston',
    file: 'winston.js',
    note: 'with a file that is rotated',
  },
  {
    name: 'piscina',
    project: 'more',
    of: 'piscina',
    file: 'piscina.js',
    note: 'threads that are there before `listen`',
  },
  {
    name: 'tsx',
    project: 'more',
    of: 'tsx',
    file: 'tsx.ts',
    alone: ['--import', 'tsx'],
    options: ['--import', 'tsx'],
    note: '`prefork --import tsx server.ts`',
  },
  { name: 'pg', project: 'databases', of: 'pg', file: 'pg.js', services: ['postgresql'], connected: true },
  {
    name: 'mysql2',
    project: 'databases',
    of: 'mysql2',
    file: 'mysql2.js',
    services: ['mariadb'],
    connected: true,
  },
  {
    name: 'ioredis',
    project: 'databases',
    of: 'ioredis',
    file: 'ioredis.js',
    services: ['redis'],
    connected: true,
  },
  {
    name: 'BullMQ',
    project: 'databases',
    of: 'bullmq',
    file: 'bullmq.js',
    services: ['redis'],
    connected: true,
  },
];

/** How a project is built, where it has to be; `scripts`: its packages have add-ons to compile. */
export const projects = {};
