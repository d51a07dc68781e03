;; exit_caught_table.wat: calls proc_exit(7) inside a try_table with catch_all_ref and goes on
;; if that catches anything.
;;
;; A command without arguments. A guest that survives its exit sets the exported global
;; `survived` to 1, writes `survived` and a newline to standard output, creates the file
;; `survived` below descriptor 3, and returns. Needs the standard exception handling (exnref):
;; Node 24 and up; ask WebAssembly.validate first.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\09\00\00\00") ;; ciovec { buf: 16, buf_len: 9 }
  (data (i32.const 16) "survived\n")

  (global $survived (export "survived") (mut i32) (i32.const 0))

  (func $live_on
    (global.set $survived (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 8) (i32.const 1)
      (i64.const 0x40) (i64.const 0) (i32.const 0) (i32.const 8))))

  (func (export "_start")
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught)
        (call $proc_exit (i32.const 7)))
      (return))
    drop
    (call $live_on)))
