const Database = require('better-sqlite3');
const { createServer } = require('node:http');

const database = new Database(`${process.env.LOG_FILE}.db`, { timeout: 10_000 });
database.pragma('journal_mode = WAL');
database.exec('CREATE TABLE IF NOT EXISTS hits (pid INTEGER)');
const insert = database.prepare('INSERT INTO hits VALUES (?)');
createServer((_, response) => {
  insert.run(process.pid);
  response.end(`pid ${process.pid}`);
}).listen(Number(process.env.PORT), '127.0.0.1');
