// Of this addon there may be several files in one process: npm installs a second one wherever two
// dependencies ask for versions that do not go together, and worker threads choose for themselves.
//
// Those of one version serve as one: the first that was loaded registers itself for all, so that
// there is one list of environments, of children and of shared pipes, and one mapping that
// processes share. Those of other versions have their own, and one thing in common with it: the
// right to stop the other threads. (See docs/fork-safety.md, "Two copies".)
//
// Each file can be told by a note (elf(5), SHT_NOTE), which any thread finds without a symbol, a
// variable of the environment or a file.
#pragma once

#include <node_api.h>

namespace prefork {

using RegisterCopy = napi_value (*)(napi_env env, napi_value exports);

// The one that registers for this file: its own or that of the first file of this version.
RegisterCopy registrar();

// Has this file's forks take turns with those of all files, of whatever version. Before the first.
void take_turns_with_other_versions();

}  // namespace prefork

// What the first file registers, in this or another one's place. Its address is in the note.
extern "C" __attribute__((visibility("hidden"))) napi_value prefork_register(napi_env env,
                                                                             napi_value exports);
