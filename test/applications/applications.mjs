/** Which applications are run, and what their users should know. `file` is in projects/light/, `bin` in an installed package.
 * `complains`: what it writes to standard error, alone too. */
export const applications = [
  { name: 'Express 4', of: 'express4', file: 'express-4.js', note: 'closes its server at SIGTERM' },
  { name: 'Express 5', of: 'express', file: 'express-5.js', note: '' },
  { name: 'Fastify', of: 'fastify', file: 'fastify.mjs', note: '`app.close()` at SIGTERM' },
  { name: 'Koa', of: 'koa', file: 'koa.js', note: '' },
  { name: 'Hono', of: '@hono/node-server', file: 'hono.mjs', note: 'closes its server and exits at SIGTERM' },
  { name: 'hapi', of: '@hapi/hapi', file: 'hapi.js', note: '`server.stop()` at SIGTERM' },
  {
    name: 'terminus',
    of: '@godaddy/terminus',
    file: 'terminus.js',
    note: 'ends the process itself, with SIGTERM',
  },
  {
    name: 'http-terminator',
    of: 'http-terminator',
    file: 'http-terminator.js',
    note: 'closes idle connections itself',
  },
  {
    name: 'ws',
    of: 'ws',
    file: 'ws.js',
    lasting: 'ws',
    note: 'WebSockets last through a reload; at the end they are closed with 1001',
  },
  {
    name: 'Socket.IO',
    of: 'socket.io',
    file: 'socket.io.js',
    lasting: 'socket.io',
    note: "clients need `transports: ['websocket']`: a long-polling client's requests go to several workers",
  },
  {
    name: 'pino',
    of: 'pino',
    file: 'pino.js',
    note: 'with a transport: what is logged before `listen` may appear once per worker; lines carry the pid of the template',
  },
  {
    name: 'http-server',
    of: 'http-server',
    bin: 'bin/http-server',
    complains: /DEP0066|--trace-deprecation/,
    note: 'exits at SIGTERM',
  },
];
