const { createServer } = require('node:http');
const { createTerminus } = require('@godaddy/terminus');

const server = createServer((_, response) => response.end(`pid ${process.pid}`));
createTerminus(server, {
  signal: 'SIGTERM',
  timeout: 5000,
  healthChecks: { '/healthcheck': async () => {} },
  onSignal: async () => {},
});
server.listen(Number(process.env.PORT), '127.0.0.1');
