const { createServer } = require('node:http');
const { createPool } = require('mysql2/promise');

async function start() {
  const pool = createPool({ uri: process.env.MARIADB, connectionLimit: 4 });
  await pool.query('SELECT 1');
  createServer(async (_, response) => {
    const [rows] = await pool.query('SELECT CONNECTION_ID() AS connection');
    response.end(`pid ${process.pid}, connection ${rows[0].connection}`);
  }).listen(Number(process.env.PORT), '127.0.0.1');
}
start();
