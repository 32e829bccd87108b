import { createServer } from 'node:http';

// An enum is more than type stripping can do.
enum Word {
  Pid = 'pid',
}

createServer((_, response) => {
  response.end(`${Word.Pid} ${process.pid}`);
}).listen(Number(process.env['PORT']), '127.0.0.1');
