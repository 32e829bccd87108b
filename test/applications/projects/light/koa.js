const Koa = require('koa');

const app = new (Koa.default ?? Koa)();
app.use((context) => {
  context.body = `pid ${process.pid}`;
});
app.listen(Number(process.env.PORT), '127.0.0.1');
