// prefork/jest runs a file by the code of Jest's own workers: a module with setup() and worker(), which sends what happens to
// its parent. It makes an environment by `new` of its module's `default`, whatever stands there by then, and tells it what
// it needs to know: settings, and for the file comments and path.
const assert = require('node:assert/strict');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const { canary, file, load, ROOT } = require('./helpers/canary');

canary(async () => {
  const jest = createRequire(createRequire(`${ROOT}/package.json`).resolve('jest'));
  const core = createRequire(jest.resolve('@jest/core'));
  const { JestPackages } = load('jest/packages');
  const { testWorker, workerProgram, structuredClone, showsColours } = new JestPackages(
    core.resolve('jest-runner'),
  );
  assert.deepEqual([workerProgram, typeof showsColours], [require.resolve(workerProgram), 'boolean']);
  const circular = { big: 1n };
  circular.self = circular;
  const copy = structuredClone.deserialize(structuredClone.serialize(circular, { json: true }));
  assert.equal(copy.self.self, copy.self);

  const path = file("/** @own yes */ test('passes', () => expect(prepared).toBe(true));", 'a.test.js');
  const rootDir = dirname(path);
  file('{}', 'package.json');
  const { readConfig } = core('jest-config');
  const argv = { _: [], $0: '', config: JSON.stringify({ rootDir, testEnvironment: 'node' }) };
  const { globalConfig, projectConfig: config } = await readConfig(argv, rootDir);
  const serializableModuleMap = core('jest-haste-map').ModuleMap.create(rootDir).toJSON();
  await testWorker.setup({ serializableResolvers: [{ config, serializableModuleMap }] });

  const environment = core(config.testEnvironment);
  const Original = environment.default;
  const prepared = new Original(
    { projectConfig: config, globalConfig },
    { console, docblockPragmas: {}, testPath: '' },
  );
  prepared.global.prepared = true;
  let asked;
  environment.default = new Proxy(Original, {
    construct: (_, settings, made) => {
      asked = { settings, isItself: made === environment.default };
      return prepared;
    },
  });
  const sent = [];
  process.send = (message) => sent.push(message);
  const result = await testWorker.worker({ config, globalConfig, path, context: {} });
  assert.equal(result.numPassingTests, 1);
  const [{ projectConfig }, told] = asked.settings;
  assert.deepEqual(JSON.stringify(projectConfig), JSON.stringify(config));
  assert.deepEqual(
    [asked.isItself, { ...told.docblockPragmas }, told.testPath],
    [true, { own: 'yes' }, path],
  );
  const events = sent.map(([, [event, [about]]]) => [event, about]);
  assert.deepEqual(events, [
    ['test-case-start', path],
    ['test-case-result', path],
  ]);
});
