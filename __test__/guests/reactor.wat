;; reactor.wat: a module to be initialized and then called.
;;
;; Exports: `memory`; `_initialize`, which adds 1 to the exported global `initialized`;
;; `add(a, b) -> a + b`, which needs no host; `now() -> i64`, the realtime clock in
;; nanoseconds, or 0 minus the errno; `exit(code)`, which calls proc_exit.
(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  (global $initialized (export "initialized") (mut i32) (i32.const 0))

  (func (export "_initialize")
    (global.set $initialized (i32.add (global.get $initialized) (i32.const 1))))

  (func (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))

  (func (export "now") (result i64)
    (local $errno i32)
    (local.set $errno (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 0)))
    (if (result i64) (local.get $errno)
      (then (i64.sub (i64.const 0) (i64.extend_i32_u (local.get $errno))))
      (else (i64.load (i32.const 0)))))

  (func (export "exit") (param $code i32)
    (call $proc_exit (local.get $code))))
