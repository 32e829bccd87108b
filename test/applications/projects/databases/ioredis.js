const { createServer } = require('node:http');
const { Redis } = require('ioredis');

async function start() {
  const redis = new Redis(process.env.REDIS);
  await redis.ping();
  createServer(async (_, response) => {
    response.end(`pid ${process.pid}, hit ${await redis.incr('hits')}`);
  }).listen(Number(process.env.PORT), '127.0.0.1');
}
start();
