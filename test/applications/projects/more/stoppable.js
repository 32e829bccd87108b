const { createServer } = require('node:http');
const stoppable = require('stoppable');

const server = stoppable(createServer((_, response) => response.end(`pid ${process.pid}`)));
server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  server.stop((error) => {
    process.exit(error ? 1 : 0);
  });
});
