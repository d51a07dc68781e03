;; both_versions.wat: a command that imports from both versions of WASI, as one does that was linked
;; of objects for the old and for the new wasi-libc. What one version opens, moves or closes, the
;; other uses, each with the layouts and numbers that are its own.
;;
;; Below descriptor 3 it needs the file `data` of 10 bytes. Prints "both\n" and exits with 0, or
;; exits with the number of the first check that failed: see the calls of `$check`.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open1 (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "path_open"
    (func $open0 (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close1 (param i32) (result i32)))
  (import "wasi_unstable" "fd_close" (func $close0 (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek"
    (func $seek1 (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek"
    (func $seek0 (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fstat1 (param i32 i32) (result i32)))
  (import "wasi_unstable" "fd_filestat_get" (func $fstat0 (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get"
    (func $stat1 (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "path_filestat_get"
    (func $stat0 (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll1 (param i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "poll_oneoff"
    (func $poll0 (param i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_write" (func $write0 (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit1 (param i32)))
  (import "wasi_unstable" "proc_exit" (func $exit0 (param i32)))

  (memory (export "memory") 1)

  ;; 0 result of open and seek, 16 path, 32 iovec, 40 its text, 256 filestat,
  ;; 512 subscriptions, 1024 events, 2048 nevents
  (data (i32.const 16) "data")
  (data (i32.const 32) "\28\00\00\00\05\00\00\00both\n")

  ;; FD_READ, FD_SEEK, FD_TELL, FD_FILESTAT_GET, POLL_FD_READWRITE
  (global $rights i64 (i64.const 0x8200026))

  (func $check (param $number i32) (param $is i64) (param $expected i64)
    (if (i64.ne (local.get $is) (local.get $expected))
      (then (call $exit1 (local.get $number)))))

  (func $check_errno (param $number i32) (param $errno i32) (param $expected i32)
    (call $check (local.get $number)
      (i64.extend_i32_u (local.get $errno)) (i64.extend_i32_u (local.get $expected))))

  (func $succeeds (param $number i32) (param $errno i32)
    (call $check_errno (local.get $number) (local.get $errno) (i32.const 0)))

  ;; The new offset that the last seek wrote.
  (func $offset_is (param $number i32) (param $errno i32) (param $offset i64)
    (call $succeeds (local.get $number) (local.get $errno))
    (call $check (local.get $number) (i64.load (i32.const 0)) (local.get $offset)))

  (func $mark (memory.fill (i32.const 256) (i32.const 255) (i32.const 128)))

  ;; A filestat of 64 bytes: size at 32, ctim at 56. nlink has 8 bytes at 24.
  (func $is_filestat1 (param $number i32) (param $errno i32)
    (call $succeeds (local.get $number) (local.get $errno))
    (call $check (local.get $number) (i64.load (i32.const 280)) (i64.const 1))
    (call $check (local.get $number) (i64.load (i32.const 288)) (i64.const 10))
    (call $check (local.get $number)
      (i64.extend_i32_u (i64.ne (i64.load (i32.const 312)) (i64.const -1))) (i64.const 1)))

  ;; A filestat of 56 bytes: nlink has 4 bytes at 20, size is at 24; nothing at 56.
  (func $is_filestat0 (param $number i32) (param $errno i32)
    (call $succeeds (local.get $number) (local.get $errno))
    (call $check (local.get $number) (i64.load32_u (i32.const 276)) (i64.const 1))
    (call $check (local.get $number) (i64.load (i32.const 280)) (i64.const 10))
    (call $check (local.get $number) (i64.load (i32.const 312)) (i64.const -1)))

  ;; Two subscriptions, each of so many bytes: to the monotonic clock, whose payload has the clock's
  ;; id at `$clock`, for an hour, with userdata 11; and to reading from a descriptor, with userdata 22.
  (func $subscribe (param $fd i32) (param $size i32) (param $clock i32)
    (memory.fill (i32.const 512) (i32.const 0) (i32.const 128))
    (memory.fill (i32.const 1024) (i32.const 255) (i32.const 64))
    (i32.store (i32.const 2048) (i32.const -1))
    (i64.store (i32.const 512) (i64.const 11))
    (i32.store (i32.add (i32.const 528) (local.get $clock)) (i32.const 1))
    (i64.store (i32.add (i32.const 536) (local.get $clock)) (i64.const 3600000000000))
    (i64.store (i32.add (i32.const 512) (local.get $size)) (i64.const 22))
    (i32.store8 (i32.add (i32.const 520) (local.get $size)) (i32.const 1))
    (i32.store (i32.add (i32.const 528) (local.get $size)) (local.get $fd)))

  ;; That the descriptor can be read, and nothing else.
  (func $is_readable (param $number i32) (param $errno i32)
    (call $succeeds (local.get $number) (local.get $errno))
    (call $check (local.get $number) (i64.load32_u (i32.const 2048)) (i64.const 1))
    (call $check (local.get $number) (i64.load (i32.const 1024)) (i64.const 22))
    (call $check (local.get $number) (i64.load16_u (i32.const 1032)) (i64.const 0))
    (call $check (local.get $number) (i64.load8_u (i32.const 1034)) (i64.const 1)))

  ;; Both versions, on a descriptor that one of them has opened.
  (func $use (param $first i32) (param $fd i32)
    ;; whence: 0, 1, 2 are start, current, end in preview1, and current, end, start in snapshot 0
    (call $offset_is (local.get $first)
      (call $seek0 (local.get $fd) (i64.const 3) (i32.const 2) (i32.const 0)) (i64.const 3))
    (call $offset_is (i32.add (local.get $first) (i32.const 1))
      (call $seek1 (local.get $fd) (i64.const 2) (i32.const 1) (i32.const 0)) (i64.const 5))
    (call $offset_is (i32.add (local.get $first) (i32.const 2))
      (call $seek0 (local.get $fd) (i64.const 1) (i32.const 0) (i32.const 0)) (i64.const 6))
    (call $offset_is (i32.add (local.get $first) (i32.const 3))
      (call $seek1 (local.get $fd) (i64.const -1) (i32.const 2) (i32.const 0)) (i64.const 9))
    (call $offset_is (i32.add (local.get $first) (i32.const 4))
      (call $seek0 (local.get $fd) (i64.const -2) (i32.const 1) (i32.const 0)) (i64.const 8))

    (call $mark)
    (call $is_filestat1 (i32.add (local.get $first) (i32.const 5))
      (call $fstat1 (local.get $fd) (i32.const 256)))
    (call $mark)
    (call $is_filestat0 (i32.add (local.get $first) (i32.const 6))
      (call $fstat0 (local.get $fd) (i32.const 256)))
    (call $mark)
    (call $is_filestat1 (i32.add (local.get $first) (i32.const 7))
      (call $stat1 (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 256)))
    ;; What one version sees of memory that has grown, the other sees, too.
    (drop (memory.grow (i32.const 1)))
    (call $mark)
    (call $is_filestat0 (i32.add (local.get $first) (i32.const 8))
      (call $stat0 (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 256)))

    (call $subscribe (local.get $fd) (i32.const 48) (i32.const 0))
    (call $is_readable (i32.add (local.get $first) (i32.const 9))
      (call $poll1 (i32.const 512) (i32.const 1024) (i32.const 2) (i32.const 2048)))
    (call $subscribe (local.get $fd) (i32.const 56) (i32.const 8))
    (call $is_readable (i32.add (local.get $first) (i32.const 10))
      (call $poll0 (i32.const 512) (i32.const 1024) (i32.const 2) (i32.const 2048))))

  (func (export "_start")
    (local $fd i32)
    (call $succeeds (i32.const 1)
      (call $open1 (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
        (global.get $rights) (i64.const 0) (i32.const 0) (i32.const 0)))
    (local.set $fd (i32.load (i32.const 0)))
    (call $use (i32.const 10) (local.get $fd))
    (call $succeeds (i32.const 2) (call $close0 (local.get $fd)))
    (call $check_errno (i32.const 3) (call $close1 (local.get $fd)) (i32.const 8))

    (call $succeeds (i32.const 4)
      (call $open0 (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
        (global.get $rights) (i64.const 0) (i32.const 0) (i32.const 0)))
    (local.set $fd (i32.load (i32.const 0)))
    (call $use (i32.const 30) (local.get $fd))
    (call $succeeds (i32.const 5) (call $close1 (local.get $fd)))
    (call $check_errno (i32.const 6) (call $close0 (local.get $fd)) (i32.const 8))

    (call $succeeds (i32.const 7)
      (call $write0 (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 2048)))
    (call $exit0 (i32.const 0))))
