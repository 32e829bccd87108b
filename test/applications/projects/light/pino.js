// The transport writes in a thread of its own.
const { createServer } = require('node:http');
const pino = require('pino');

const log = pino(
  pino.transport({ target: 'pino/file', options: { destination: process.env.LOG_FILE, append: true } }),
);
log.info('loaded');
createServer((request, response) => {
  log.info({ url: request.url }, 'asked');
  response.end(`pid ${process.pid}`);
}).listen(Number(process.env.PORT), '127.0.0.1');
