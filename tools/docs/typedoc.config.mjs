// Makes one page in docs/api per module that package.json exports, from the docstrings.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

// `prefork` itself comes last: the other pages describe what it re-exports.
const modules = Object.values(exports)
  .map((file) => /^\.\/dist\/(.*)\.js$/.exec(file)?.[1])
  .filter((name) => name !== undefined)
  .reverse();

/** `export = TestRunner` has a name, too. */
function nameWhatIsAssigned({ converter }) {
  converter.on('createDeclaration', (_, reflection) => {
    if (reflection.name === 'export=') reflection.name = reflection.escapedName = 'TestRunner';
  });
}

/** @type {import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions} */
export default {
  name: 'prefork',
  entryPoints: modules.map((name) => join(ROOT, 'lib', `${name}.ts`)),
  tsconfig: join(ROOT, 'tsconfig.build.json'),
  out: join(ROOT, 'docs', 'api'),
  plugin: ['typedoc-plugin-markdown', nameWhatIsAssigned],
  readme: 'none',
  sortEntryPoints: false,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: false,
  excludeExternals: true,
  // With line numbers every change of a source would change the pages.
  disableSources: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  treatWarningsAsErrors: true,
  // Spelled out where they are used.
  intentionallyNotExported: ['Level', 'Protocol', 'GlobalConfig', 'RunContext', 'Test', 'Watcher'],
  requiredToBeDocumented: [
    'Module',
    'Enum',
    'EnumMember',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Property',
    'Method',
    'Accessor',
    'TypeAlias',
  ],
  router: 'module',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  expandObjects: true,
  parametersFormat: 'list',
  interfacePropertiesFormat: 'list',
  typeDeclarationFormat: 'list',
  sanitizeComments: true,
};
