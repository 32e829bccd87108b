// A store in memory that saves itself while it goes on, as Redis does with BGSAVE: the child of a fork has all records as they
// were at that moment, and writes them out.
//
//     node examples/background-save.mjs store.json
//     curl -X PUT -d red localhost:8889/colour
//     curl localhost:8889/colour                   red
//     curl -X POST localhost:8889/save             saved: 1
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { inChild } from 'prefork/parallel';

const path = process.argv[2] ?? 'store.json';
const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
const records = new Map(lines.map((line) => JSON.parse(line)));

/** In the child, where nobody changes a record meanwhile. The file is the old one or the new one, never half of one. */
function writeAll() {
  const file = openSync(`${path}.new`, 'w');
  for (const record of records) writeSync(file, `${JSON.stringify(record)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
  return records.size;
}

let saving;
function save() {
  saving ??= inChild(writeAll, { nice: 10 }).finally(() => {
    saving = undefined;
  });
  return saving;
}

async function answer({ method, url }, body) {
  if (method === 'PUT') records.set(url, body);
  if (method === 'POST' && url === '/save') return `saved: ${await save()}\n`;
  return `${records.get(url) ?? ''}\n`;
}

const server = createServer(async (request, response) => {
  try {
    response.end(await answer(request, await text(request)));
  } catch (error) {
    response.writeHead(500).end(`${error}\n`);
  }
});
server.listen(Number(process.env.PORT ?? 8889), () =>
  console.log(`http://localhost:${server.address().port}`),
);
