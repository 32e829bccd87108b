// Knows nothing of what it is started with.
const express = require('express');

const app = express();
app.get('/', (_, response) => {
  response.send(`pid ${process.pid}`);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
