// Fails if what it has exported is said to be another process's.
const express = require('express');

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

function isOwn(attributes) {
  return attributes['process.pid'] === process.pid && UUID.test(attributes['service.instance.id']);
}

const app = express();
app.get('/', (_, response) => {
  const { exported } = globalThis;
  if (exported !== undefined && !isOwn(exported)) response.status(500).send(JSON.stringify(exported));
  else response.send(`pid ${process.pid}`);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
