const { createServer } = require('node:http');
const { join } = require('node:path');
const { Piscina } = require('piscina');

const pool = new Piscina({ filename: join(__dirname, 'piscina-worker.js'), minThreads: 1, maxThreads: 2 });
createServer(async (_, response) => {
  response.end(`pid ${process.pid}, squared ${await pool.run(7)}`);
}).listen(Number(process.env.PORT), '127.0.0.1');
