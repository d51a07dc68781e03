;; imported_memory.wat: a command whose memory is imported as env.memory and not exported.
;;
;; Writes `imported` and a newline to standard output; exit code 0, or 1 if that is refused.
;; The host has to be told of the memory: finalizeBindings(instance, { memory }).
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "env" "memory" (memory 1))

  (data (i32.const 0) "\10\00\00\00\09\00\00\00") ;; ciovec { buf: 16, buf_len: 9 }
  (data (i32.const 16) "imported\n")

  (func (export "_start")
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 1))))))
