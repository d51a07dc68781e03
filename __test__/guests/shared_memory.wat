;; shared_memory.wat: a module whose memory is shared, imported as env.memory and exported too.
;;
;; Import `new WebAssembly.Memory({ initial: 1, maximum: N, shared: true })`, N up to 65536.
;; Bytes 0 to 31 of the memory are set when the module is instantiated.
;; Exports: `memory`; `_start`, which writes `shared` and a newline to standard output;
;; `grow(pages) -> i32`, memory.grow; `write_at(ptr) -> errno`, which puts a ciovec at ptr and
;; `at ptr` with a newline behind it, writes that to standard output and leaves nwritten at
;; ptr + 8; `clock_at(ptr) -> errno`, the realtime clock to ptr.
(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "env" "memory" (memory 1 65536 shared))
  (export "memory" (memory 0))

  (data (i32.const 0) "\10\00\00\00\07\00\00\00") ;; ciovec { buf: 16, buf_len: 7 }
  (data (i32.const 16) "shared\n")

  (func (export "_start")
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 1)))))

  (func (export "grow") (param $pages i32) (result i32)
    (memory.grow (local.get $pages)))

  (func (export "write_at") (param $ptr i32) (result i32)
    (i32.store (local.get $ptr) (i32.add (local.get $ptr) (i32.const 16)))
    (i32.store offset=4 (local.get $ptr) (i32.const 7))
    (i64.store offset=16 (local.get $ptr) (i64.const 0x0a727470207461)) ;; "at ptr\n"
    (call $fd_write (i32.const 1) (local.get $ptr) (i32.const 1)
      (i32.add (local.get $ptr) (i32.const 8))))

  (func (export "clock_at") (param $ptr i32) (result i32)
    (call $clock_time_get (i32.const 0) (i64.const 1) (local.get $ptr))))
