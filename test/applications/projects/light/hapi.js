const Hapi = require('@hapi/hapi');

async function start() {
  const server = Hapi.server({ port: Number(process.env.PORT), host: '127.0.0.1' });
  server.route({ method: 'GET', path: '/', handler: () => `pid ${process.pid}` });
  await server.start();
  process.on('SIGTERM', async () => {
    await server.stop({ timeout: 10_000 });
    process.exit(0);
  });
}
start();
