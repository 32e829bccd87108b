// A chat whose rooms go over all workers, for Socket.IO's default client, which begins with long polling:
//
//     npm install prefork socket.io
//     npx prefork server.js -w 4 --sticky ip
const { createServer } = require('node:http');
const { Server } = require('socket.io');
const { WorkersAdapter } = require('./workers-adapter');

const server = createServer((_, response) => response.end(`pid ${process.pid}`));
const io = new Server(server, { adapter: WorkersAdapter });

io.on('connection', (socket) => {
  socket.on('join', (room, reply) => {
    socket.join(room);
    reply(process.pid);
  });
  socket.on('say', (room, text) => io.to(room).emit('said', { text, by: process.pid }));
  socket.on('who', async (room, reply) => {
    const sockets = await io.in(room).fetchSockets();
    reply(sockets.map(({ id }) => id));
  });
});

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1');
process.on('SIGTERM', () => io.close());
