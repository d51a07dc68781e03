;; hello.wat: writes `hello` and a newline to standard output.
;;
;; A command without arguments, exit code 0; the exit code 1 means that fd_write was refused.
;; Built twice: hello.wasm; hello_unstable.wasm, which imports wasi_unstable.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\06\00\00\00") ;; ciovec { buf: 16, buf_len: 6 }
  (data (i32.const 16) "hello\n")

  (func (export "_start")
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 1))))))
