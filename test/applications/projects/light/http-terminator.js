const { createServer } = require('node:http');
const { createHttpTerminator } = require('http-terminator');

const server = createServer((_, response) => response.end(`pid ${process.pid}`));
const terminator = createHttpTerminator({ server });
server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', async () => {
  await terminator.terminate();
  process.exit(0);
});
