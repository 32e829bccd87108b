// The graceful shutdown of Express's own documentation ("Health Checks and Graceful Shutdown").
const express = require('express4');

const app = express();
app.get('/', (_, response) => response.send(`pid ${process.pid}`));
const server = app.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  server.close(() => {});
});
