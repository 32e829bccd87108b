const { createServer } = require('node:http');
const { Server } = require('socket.io');

const server = createServer((_, response) => response.end(`pid ${process.pid}`));
const io = new Server(server);
io.on('connection', (socket) => {
  socket.on('echo', (message, reply) => reply(message));
});
server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  io.close();
});
