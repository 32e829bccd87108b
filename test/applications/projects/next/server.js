// The custom server of Next's own documentation.
const { createServer } = require('node:http');
const next = require('next');

const port = Number(process.env.PORT);
const app = next({ dev: false, hostname: '127.0.0.1', port });
const handle = app.getRequestHandler();
app.prepare().then(() => {
  createServer((request, response) => handle(request, response)).listen(port, '127.0.0.1');
});
