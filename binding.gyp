{
  "targets": [
    {
      "target_name": "prefork",
      "conditions": [
        ["OS=='linux'", {
          "sources": [
            "native/addon.cc",
            "native/binding/acceptor.cc",
            "native/binding/channel.cc",
            "native/binding/disposition.cc",
            "native/binding/environments.cc",
            "native/binding/exec.cc",
            "native/binding/fork.cc",
            "native/binding/held_signals.cc",
            "native/binding/loop.cc",
            "native/binding/pass_descriptors.cc",
            "native/binding/output.cc",
            "native/binding/paths.cc",
            "native/binding/process.cc",
            "native/binding/random.cc",
            "native/binding/socket.cc",
            "native/binding/stack_report.cc",
            "native/binding/supervise.cc",
            "native/binding/turns.cc",
            "native/binding/wait.cc",
            "native/fork/credentials.cc",
            "native/fork/critical.cc",
            "native/fork/cut_off.cc",
            "native/fork/descriptors.cc",
            "native/fork/epoll.cc",
            "native/fork/event_loop.cc",
            "native/fork/eventfd.cc",
            "native/fork/faults.cc",
            "native/fork/fork.cc",
            "native/fork/inotify.cc",
            "native/fork/kernel_state.cc",
            "native/fork/libc.cc",
            "native/fork/maps.cc",
            "native/fork/memory.cc",
            "native/fork/pipe.cc",
            "native/fork/procfs.cc",
            "native/fork/read_file.cc",
            "native/fork/requirements.cc",
            "native/fork/rings.cc",
            "native/fork/threads.cc",
            "native/fork/timerfd.cc",
            "native/loop/active.cc",
            "native/loop/child_processes.cc",
            "native/loop/finished_closes.cc",
            "native/loop/first_async.cc",
            "native/loop/fs_watchers.cc",
            "native/loop/held_signals.cc",
            "native/loop/pid_watch.cc",
            "native/loop/socket_files.cc",
            "native/loop/wait_signals.cc",
            "native/posix/affinity.cc",
            "native/posix/channel.cc",
            "native/posix/closing_filter.cc",
            "native/posix/disposition.cc",
            "native/posix/exec.cc",
            "native/posix/pass_descriptors.cc",
            "native/posix/memory_file.cc",
            "native/posix/output.cc",
            "native/posix/paths.cc",
            "native/posix/process.cc",
            "native/posix/random.cc",
            "native/posix/shared_pipes.cc",
            "native/posix/socket.cc",
            "native/posix/supervise.cc",
            "native/posix/turns.cc",
            "native/posix/wait.cc",
            "native/runtime/cxx.cc",
            "native/runtime/glibc.cc",
            "native/v8/isolate.cc",
            "native/v8/math_random.cc",
            "native/v8/random_survey.cc"
          ]
        }, {
          "type": "none"
        }]
      ],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_ADDON_API_CPP_EXCEPTIONS_ALL_DISABLED",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        # A worker may be terminated in the middle of a native call: no error can be thrown then, and none need be.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags": ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fvisibility-inlines-hidden"],
      "ldflags": [
        "-Wl,-z,nodelete",
        "-Wl,-z,now",
        "-Wl,--as-needed",
        "-Wl,--exclude-libs,ALL",
        "-Wl,--version-script=<(module_root_dir)/native/exports.map",
        "-static-libgcc"
      ]
    }
  ]
}
