import express from 'express';

const app = express();
app.get('/', (_, response) => response.send(`pid ${process.pid}, ${globalThis.preloaded}`));
app.listen(Number(process.env.PORT), '127.0.0.1');
