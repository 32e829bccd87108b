declare module 'node-gyp-build' {
  /** Loads the prebuilt or freshly built addon of the package in `directory`. */
  function load(directory: string): unknown;
  namespace load {
    /** The file that it would load. */
    function path(directory: string): string;
  }
  export = load;
}
