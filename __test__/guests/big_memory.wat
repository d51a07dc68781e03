;; big_memory.wat: calls whose pointers are all 2 GiB and higher.
;;
;; Exports: `memory`, 1 page to begin with, up to 4 GiB;
;; `reserve(pages) -> i32`, grows the memory to that many pages: 0, or -1 if there is no room.
;; The others give the errno and take `ptr`, the lowest address that they use (up to ptr + 127):
;; `clock_time_get(ptr)`: the realtime clock to ptr;
;; `fd_write(ptr)`: `high` and a newline to standard output, ciovec at ptr, nwritten at ptr + 8;
;; `random_get(ptr, len)`;
;; `create(ptr)`: the file `high` below descriptor 3, path at ptr + 16, its descriptor at ptr;
;; `fd_pwrite(fd, ptr)`: `high` and a newline at offset 3, ciovec at ptr, nwritten at ptr + 8;
;; `fd_seek(fd, offset, ptr)`: from the start, the new offset to ptr;
;; `poll_oneoff(ptr)`: waits 1 ms, subscription at ptr, event at ptr + 64, nevents at ptr + 96.
;; A reactor without _initialize.
(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite"
    (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek"
    (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get"
    (func $random_get (param i32 i32) (result i32)))

  (memory (export "memory") 1 65536)

  (func (export "reserve") (param $pages i32) (result i32)
    (if (i32.ge_u (memory.size) (local.get $pages)) (then (return (i32.const 0))))
    (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
      (then (return (i32.const -1))))
    (i32.const 0))

  ;; A ciovec at ptr for the text "high\n" that it puts at ptr + 16.
  (func $ciovec (param $ptr i32)
    (i32.store (local.get $ptr) (i32.add (local.get $ptr) (i32.const 16)))
    (i32.store offset=4 (local.get $ptr) (i32.const 5))
    (i64.store offset=16 (local.get $ptr) (i64.const 0x0a68676968)))

  (func (export "clock_time_get") (param $ptr i32) (result i32)
    (call $clock_time_get (i32.const 0) (i64.const 1) (local.get $ptr)))

  (func (export "fd_write") (param $ptr i32) (result i32)
    (call $ciovec (local.get $ptr))
    (call $fd_write (i32.const 1) (local.get $ptr) (i32.const 1)
      (i32.add (local.get $ptr) (i32.const 8))))

  (func (export "random_get") (param $ptr i32) (param $len i32) (result i32)
    (call $random_get (local.get $ptr) (local.get $len)))

  (func (export "create") (param $ptr i32) (result i32)
    (call $ciovec (local.get $ptr))
    ;; CREAT; FD_READ, FD_SEEK, FD_TELL, FD_WRITE
    (call $path_open (i32.const 3) (i32.const 0) (i32.add (local.get $ptr) (i32.const 16))
      (i32.const 4) (i32.const 1) (i64.const 0x66) (i64.const 0) (i32.const 0) (local.get $ptr)))

  (func (export "fd_pwrite") (param $fd i32) (param $ptr i32) (result i32)
    (call $ciovec (local.get $ptr))
    (call $fd_pwrite (local.get $fd) (local.get $ptr) (i32.const 1) (i64.const 3)
      (i32.add (local.get $ptr) (i32.const 8))))

  (func (export "fd_seek") (param $fd i32) (param $offset i64) (param $ptr i32) (result i32)
    (call $fd_seek (local.get $fd) (local.get $offset) (i32.const 0) (local.get $ptr)))

  (func (export "poll_oneoff") (param $ptr i32) (result i32)
    (memory.fill (local.get $ptr) (i32.const 0) (i32.const 128))
    (i32.store offset=16 (local.get $ptr) (i32.const 1)) ;; the monotonic clock
    (i64.store offset=24 (local.get $ptr) (i64.const 1000000))
    (call $poll_oneoff (local.get $ptr) (i32.add (local.get $ptr) (i32.const 64)) (i32.const 1)
      (i32.add (local.get $ptr) (i32.const 96)))))
