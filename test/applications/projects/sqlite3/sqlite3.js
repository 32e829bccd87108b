const { createServer } = require('node:http');
const { Database } = require('sqlite3');

const database = new Database(`${process.env.LOG_FILE}.db`);
database.configure('busyTimeout', 10_000);
database.run('CREATE TABLE IF NOT EXISTS hits (pid INTEGER)', (error) => {
  if (error) throw error;
  createServer((_, response) => {
    database.run('INSERT INTO hits VALUES (?)', process.pid, (error) => {
      response.statusCode = error ? 500 : 200;
      response.end(error ? error.message : `pid ${process.pid}`);
    });
  }).listen(Number(process.env.PORT), '127.0.0.1');
});
