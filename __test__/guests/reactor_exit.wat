;; reactor_exit.wat: a reactor whose _initialize calls proc_exit(5).
;;
;; Exports: `memory`, `_initialize`, and the global `survived`, 1 if the call came back.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  (global $survived (export "survived") (mut i32) (i32.const 0))

  (func (export "_initialize")
    (call $proc_exit (i32.const 5))
    (global.set $survived (i32.const 1))))
