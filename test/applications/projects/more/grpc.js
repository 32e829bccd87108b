const { Server, ServerCredentials } = require('@grpc/grpc-js');
const greeter = require('./greeter');

const server = new Server();
server.addService(greeter, {
  hello: (_, callback) => callback(null, { message: `pid ${process.pid}` }),
});
server.bindAsync(`127.0.0.1:${process.env.PORT}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});

process.on('SIGTERM', () => {
  server.tryShutdown((error) => {
    if (error) console.error(error);
  });
});
