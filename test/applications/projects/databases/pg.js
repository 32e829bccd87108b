const { createServer } = require('node:http');
const { Pool } = require('pg');

async function start() {
  const pool = new Pool({ connectionString: process.env.POSTGRESQL, max: 4 });
  await pool.query('SELECT 1');
  createServer(async (_, response) => {
    const { rows } = await pool.query('SELECT pg_backend_pid() AS backend');
    response.end(`pid ${process.pid}, backend ${rows[0].backend}`);
  }).listen(Number(process.env.PORT), '127.0.0.1');
}
start();
