// As an agent would be loaded: from a package that only Plug'n'Play can find.
globalThis.preloaded = typeof require('express');
