;; snapshot0.wat: imports wasi_unstable and uses the layouts and numbers that snapshot 0 has and
;; preview1 has not.
;;
;; A reactor without _initialize; below descriptor 3 it needs the file `data`. Exports:
;; `open() -> fd`: opens `data` for reading and writing; 0 minus the errno if that is refused.
;; `seek(fd, offset, whence) -> i64`: the new offset, or 0 minus the errno. Whence is snapshot
;;   0's: 0 current, 1 end, 2 start.
;; `fd_filestat(fd) -> errno`, `path_filestat() -> errno` (of `data`): fill the record that
;;   `dev`, `ino`, `filetype`, `nlink`, `size`, `atim`, `mtim`, `ctim` (all () -> i64) then read
;;   from a filestat of 56 bytes; `beyond() -> i64` is the 8 bytes after it, -1 if untouched.
;; `poll_clock(id, timeout, flags) -> errno`: one clock subscription with userdata 11.
;; `poll_both(fd, timeout) -> errno`: the monotonic clock with userdata 11 and FD_READ of fd with
;;   userdata 22, 56 bytes apart.
;; After either: `nevents() -> i32`, `event_userdata(i) -> i64`, `event_error(i) -> i32`,
;;   `event_type(i) -> i32`.
(module
  (import "wasi_unstable" "fd_filestat_get"
    (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek"
    (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "path_filestat_get"
    (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 16) "data")

  ;; 0 result of open and seek, 16 path, 256 filestat, 512 subscriptions, 1024 events, 2048 nevents

  (func $negated (param $errno i32) (result i64)
    (i64.sub (i64.const 0) (i64.extend_i32_u (local.get $errno))))

  (func (export "open") (result i32)
    (local $errno i32)
    ;; FD_READ, FD_SEEK, FD_TELL, FD_WRITE, FD_FILESTAT_GET, POLL_FD_READWRITE
    (local.set $errno (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4)
      (i32.const 0) (i64.const 0x8200066) (i64.const 0) (i32.const 0) (i32.const 0)))
    (if (result i32) (local.get $errno)
      (then (i32.sub (i32.const 0) (local.get $errno)))
      (else (i32.load (i32.const 0)))))

  (func (export "seek") (param $fd i32) (param $offset i64) (param $whence i32) (result i64)
    (local $errno i32)
    (local.set $errno
      (call $fd_seek (local.get $fd) (local.get $offset) (local.get $whence) (i32.const 0)))
    (if (result i64) (local.get $errno)
      (then (call $negated (local.get $errno)))
      (else (i64.load (i32.const 0)))))

  (func $mark_filestat
    (memory.fill (i32.const 256) (i32.const 255) (i32.const 128)))

  (func (export "fd_filestat") (param $fd i32) (result i32)
    (call $mark_filestat)
    (call $fd_filestat_get (local.get $fd) (i32.const 256)))

  (func (export "path_filestat") (result i32)
    (call $mark_filestat)
    (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4)
      (i32.const 256)))

  (func (export "dev") (result i64) (i64.load (i32.const 256)))
  (func (export "ino") (result i64) (i64.load (i32.const 264)))
  (func (export "filetype") (result i64) (i64.load8_u (i32.const 272)))
  (func (export "nlink") (result i64) (i64.load32_u (i32.const 276)))
  (func (export "size") (result i64) (i64.load (i32.const 280)))
  (func (export "atim") (result i64) (i64.load (i32.const 288)))
  (func (export "mtim") (result i64) (i64.load (i32.const 296)))
  (func (export "ctim") (result i64) (i64.load (i32.const 304)))
  (func (export "beyond") (result i64) (i64.load (i32.const 312)))

  ;; A subscription_clock begins with a userdata of its own, which preview1 dropped.
  (func $subscribe_clock (param $id i32) (param $timeout i64) (param $flags i32)
    (memory.fill (i32.const 512) (i32.const 0) (i32.const 112))
    (i64.store (i32.const 512) (i64.const 11))
    (i64.store (i32.const 528) (i64.const 33))
    (i32.store (i32.const 536) (local.get $id))
    (i64.store (i32.const 544) (local.get $timeout))
    (i32.store16 (i32.const 560) (local.get $flags)))

  (func $poll (param $nsubscriptions i32) (result i32)
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 64))
    (i32.store (i32.const 2048) (i32.const 0))
    (call $poll_oneoff (i32.const 512) (i32.const 1024) (local.get $nsubscriptions)
      (i32.const 2048)))

  (func (export "poll_clock") (param $id i32) (param $timeout i64) (param $flags i32) (result i32)
    (call $subscribe_clock (local.get $id) (local.get $timeout) (local.get $flags))
    (call $poll (i32.const 1)))

  (func (export "poll_both") (param $fd i32) (param $timeout i64) (result i32)
    (call $subscribe_clock (i32.const 1) (local.get $timeout) (i32.const 0))
    (i64.store (i32.const 568) (i64.const 22))
    (i32.store8 (i32.const 576) (i32.const 1))
    (i32.store (i32.const 584) (local.get $fd))
    (call $poll (i32.const 2)))

  (func $event (param $i i32) (result i32)
    (i32.add (i32.const 1024) (i32.mul (local.get $i) (i32.const 32))))

  (func (export "nevents") (result i32) (i32.load (i32.const 2048)))
  (func (export "event_userdata") (param $i i32) (result i64)
    (i64.load (call $event (local.get $i))))
  (func (export "event_error") (param $i i32) (result i32)
    (i32.load16_u offset=8 (call $event (local.get $i))))
  (func (export "event_type") (param $i i32) (result i32)
    (i32.load8_u offset=10 (call $event (local.get $i)))))
