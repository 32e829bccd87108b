/** What a file of lib/ or native/ may use is said by its room: `npm run lint` holds it to that. */
import { expect, test } from 'vitest';

const rooms = import('../../tools/rooms.mjs');

/** The complaints about the sources with these files put in or in place of others. */
async function about(files: Record<string, string>): Promise<string[]> {
  const { complaints, sources } = await rooms;
  return complaints(new Map([...sources(), ...Object.entries(files)]));
}

test('The sources are as the rooms want them.', async () => {
  const { complaints, sources } = await rooms;
  expect(complaints(sources())).toEqual([]);
});

test.each([
  [
    'a room that uses one above it',
    { 'lib/fork/x.ts': "import { DEFAULTS } from '../manager/settings';" },
    [
      'lib/fork/x.ts uses lib/manager/settings.ts: lib/fork must not know lib/manager/settings.ts, which stands above it',
    ],
  ],
  [
    'the library that uses the command',
    { 'lib/manager/worker/x.ts': "export * from '../../cli/load';" },
    [
      'lib/manager/worker/x.ts uses lib/cli/load.ts: lib/manager/worker must not know lib/cli, which stands above it',
    ],
  ],
  [
    'a worker that knows the manager',
    { 'lib/manager/worker/x.ts': "import type { Peer } from '../manager/peers';" },
    [
      'lib/manager/worker/x.ts uses lib/manager/manager/peers.ts: lib/manager/worker must not know lib/manager/manager, which stands above it',
    ],
  ],
  [
    'a manager that knows the template, which runs code of the application',
    { 'lib/manager/manager/x.ts': "import { Template } from '../template/template';" },
    [
      'lib/manager/manager/x.ts uses lib/manager/template/template.ts: lib/manager/manager must not know lib/manager/template, which stands beside it',
    ],
  ],
  [
    'settings that know the command',
    { 'lib/cli/settings/x.ts': "import { makeLog } from '../log-lines';" },
    [
      'lib/cli/settings/x.ts uses lib/cli/log-lines.ts: lib/cli/settings must not know lib/cli, which stands above it',
    ],
  ],
  [
    'a file of the manager that has no floor',
    { 'lib/manager/x.ts': 'export const nothing = 0;' },
    ['lib/manager/x.ts: it is in no room that tools/rooms.mjs knows'],
  ],
  [
    'a room that uses its neighbour, by a type',
    { 'lib/wait/x.ts': "import type {\n  Turns,\n} from '../sockets/turns';" },
    ['lib/wait/x.ts uses lib/sockets/turns.ts: lib/wait must not know lib/sockets, which stands beside it'],
  ],
  [
    'a module that is loaded late',
    { 'lib/base/x.ts': "const later = () => require('../log') as typeof import('../log');" },
    ['lib/base/x.ts uses lib/log.ts: lib/base must not know lib/log.ts, which stands above it'],
  ],
  [
    'a circle',
    {
      'lib/wait/x.ts': "import { y } from './y';",
      'lib/wait/y.ts': "import { z } from './z';",
      'lib/wait/z.ts': "export { x } from './x';",
    },
    ['circle: lib/wait/x.ts -> lib/wait/y.ts -> lib/wait/z.ts -> lib/wait/x.ts'],
  ],
  [
    'a policy that does something',
    { 'lib/manager/policy/x.ts': "import { binding } from '../../base/binding';" },
    [
      'lib/manager/policy/x.ts uses lib/base/binding.ts: lib/manager/policy is pure, and takes nothing but types from elsewhere',
    ],
  ],
  [
    'a second one who loads the addon',
    { 'lib/os.ts': "import load = require('node-gyp-build');" },
    ['lib/os.ts uses node-gyp-build: base/binding.ts alone loads the addon'],
  ],
  [
    'one who loads it by another name',
    {
      'lib/os.ts':
        "createRequire(__filename)('../build/Release/prefork.node');\nprocess.dlopen(module, file);",
    },
    [
      'lib/os.ts uses ../build/Release/prefork.node: base/binding.ts alone loads the addon',
      'lib/os.ts uses dlopen: base/binding.ts alone loads the addon',
    ],
  ],
  [
    'code between stop and release that knows Node-API, and libuv',
    { 'native/fork/x.cc': '#include <napi.h>\n#include <uv.h>\n' },
    [
      'native/fork/x.cc uses napi.h: native/binding alone knows Node-API',
      'native/fork/x.cc uses uv.h: native/loop and binding alone know libuv',
    ],
  ],
  [
    'the ground floor that uses a fork',
    { 'native/posix/x.h': '#include "fork/fork.h"' },
    [
      'native/posix/x.h uses native/fork/fork.h: native/posix must not know native/fork, which stands above it',
    ],
  ],
  [
    'two headers that need each other',
    { 'native/loop/x.h': '#include "loop/y.h"', 'native/loop/y.h': '#include "loop/x.h"' },
    ['circle: native/loop/x -> native/loop/y -> native/loop/x'],
  ],
  [
    'a file in no room',
    { 'lib/util/x.ts': 'export const nothing = 0;' },
    ['lib/util/x.ts: it is in no room that tools/rooms.mjs knows'],
  ],
])('It complains of %s.', async (_what, files, complaint) => {
  expect(await about(files as Record<string, string>)).toEqual(complaint);
});

test('What a comment says is no import.', async () => {
  expect(
    await about({ 'lib/base/x.ts': "/** import { a } from '../manager'; */\n// import '../cli/main';\n" }),
  ).toEqual([]);
});
