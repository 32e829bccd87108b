// Module.runMain() runs the program that `process.argv` names as the main one, a CommonJS module or another.
const assert = require('node:assert/strict');
const { get } = require('node:http');
const { text } = require('node:stream/consumers');
const { canary, file, ROOT, Running } = require('./helpers/canary');

const APPLICATIONS = {
  'app.js': `const isMain = require.main === module;
    require('node:http').createServer((_, response) => response.end(\`\${isMain} \${process.argv[2]}\`)).
      listen(0, '127.0.0.1', function () { console.log(\`port=\${this.address().port};\`); });`,
  'app.mjs': `import { createServer } from 'node:http';
    createServer((_, response) => response.end(\`\${process.argv[1] === import.meta.filename} \${process.argv[2]}\`)).
      listen(0, '127.0.0.1', function () { console.log(\`port=\${this.address().port};\`); });`,
};

canary(async () => {
  for (const [name, source] of Object.entries(APPLICATIONS)) {
    const command = [`${ROOT}/dist/cli/main.js`, '-w', '1', '--no-warmup', file(source, name), 'argument'];
    const running = new Running(command);
    const [, port] = await running.until(/port=(\d+);/);
    const answer = await new Promise((resolve, reject) => {
      get({ port, host: '127.0.0.1', agent: false }, (response) => resolve(text(response))).on(
        'error',
        reject,
      );
    });
    assert.equal(answer, 'true argument', name);
    running.process.kill('SIGTERM');
    assert.equal((await running.ended).status, 0);
  }
});
