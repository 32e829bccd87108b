const restify = require('restify');

const server = restify.createServer();
server.get('/', (_, response, next) => {
  response.send(`pid ${process.pid}`);
  next();
});
server.listen(Number(process.env.PORT), '127.0.0.1');
