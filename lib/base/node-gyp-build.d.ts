declare module 'node-gyp-build' {
  /** Loads the prebuilt or freshly built addon of the package in `directory`. */
  function load(directory: string): unknown;
  export = load;
}
