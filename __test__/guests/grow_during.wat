;; grow_during.wat: grows its memory between calls and uses the new pages at once.
;;
;; A command without arguments. 16 times over: memory.grow(1), the realtime clock to the first
;; bytes of the new page, then one letter, from the very last byte of the memory, to standard
;; output through a ciovec in the new page. Prints `abcdefghijklmnop` and a newline; exit code
;; 0, or N * 128 + the errno of the call that was refused in round N, from 1.
;; The exported global `pages` is the size of the memory as the guest sees it.
(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\01\00\00\00") ;; ciovec { buf: 16, buf_len: 1 }
  (data (i32.const 16) "\n")

  (global $pages (export "pages") (mut i32) (i32.const 1))

  (func $check (param $round i32) (param $errno i32)
    (if (local.get $errno)
      (then (call $proc_exit
        (i32.add (i32.mul (local.get $round) (i32.const 128)) (local.get $errno))))))

  (func (export "_start")
    (local $round i32) (local $page i32) (local $last i32)
    (loop $next
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (local.set $page (i32.mul (memory.size) (i32.const 65536)))
      (drop (memory.grow (i32.const 1)))
      (global.set $pages (memory.size))
      (call $check (local.get $round)
        (call $clock_time_get (i32.const 0) (i64.const 1) (local.get $page)))
      (local.set $last (i32.add (local.get $page) (i32.const 65535)))
      (i32.store8 (local.get $last) (i32.add (local.get $round) (i32.const 96)))
      (i32.store offset=16 (local.get $page) (local.get $last))
      (i32.store offset=20 (local.get $page) (i32.const 1))
      (call $check (local.get $round)
        (call $fd_write (i32.const 1) (i32.add (local.get $page) (i32.const 16)) (i32.const 1)
          (i32.add (local.get $page) (i32.const 24))))
      (br_if $next (i32.lt_u (local.get $round) (i32.const 16))))
    (call $check (i32.const 17)
      (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
