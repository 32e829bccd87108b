const { createServer } = require('node:http');
const { WebSocketServer } = require('ws');

const server = createServer((_, response) => response.end(`pid ${process.pid}`));
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (message) => socket.send(String(message)));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
