// Where V8's own generator cannot be renewed, contexts of node:vm are noted as they are made, in whichever of three ways.
const assert = require('node:assert/strict');
const { canary, inChild, load } = require('./helpers/canary');

const FAMILY = ['createContext', 'Script.runInNewContext', 'runInNewContext'];

canary(async () => {
  const { binding } = load('base/binding');
  binding.random_is_known = () => false;
  binding.random_survey = () => {};
  binding.random_renew = () => 0;
  load();
  const vm = require('node:vm');
  const options = { contextName: 'canary', microtaskMode: 'afterEvaluate' };
  const draws = [
    vm.runInContext('() => Math.random()', vm.createContext({}, { name: 'canary' })),
    new vm.Script('() => Math.random()').runInNewContext({}, options),
    vm.runInNewContext('() => Math.random()', {}, options),
  ];
  const drawn = () => draws.map((draw) => draw());
  const [inParent, child] = [[], await inChild(drawn)];
  inParent.push(...drawn());
  FAMILY.forEach((name, i) => {
    assert.notEqual(child[i], inParent[i], `a context of ${name} draws alike in both processes`);
  });
});
