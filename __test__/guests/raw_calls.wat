;; raw_calls.wat: every call of preview1 as an export of the same name, so that JavaScript can
;; make any of them from wasm, with any numbers.
;;
;; Exports: `memory`, 2 pages to begin with, up to 4 GiB, all zero; the 46 calls with their
;; witx parameters, pointer and length for each string, then the pointers of the results.
;; Each gives the errno; proc_exit gives nothing. A reactor without _initialize: bind it with
;; initialize(). Built three times: raw_calls.wasm; raw_calls_unstable.wasm, which imports
;; wasi_unstable; raw_calls_shared.wasm, whose memory is shared and imported as env.memory
;; (`new WebAssembly.Memory({ initial: 2, maximum: 65536, shared: true })` or less).
(module
  (import "wasi_snapshot_preview1" "args_get"
    (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get"
    (func $clock_res_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get"
    (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_advise"
    (func $fd_advise (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate"
    (func $fd_allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close"
    (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_datasync"
    (func $fd_datasync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get"
    (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags"
    (func $fd_fdstat_set_flags (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_rights"
    (func $fd_fdstat_set_rights (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get"
    (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size"
    (func $fd_filestat_set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_times"
    (func $fd_filestat_set_times (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread"
    (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get"
    (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
    (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite"
    (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir"
    (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber"
    (func $fd_renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek"
    (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_sync"
    (func $fd_sync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_tell"
    (func $fd_tell (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory"
    (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get"
    (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_set_times"
    (func $path_filestat_set_times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link"
    (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_readlink"
    (func $path_readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory"
    (func $path_remove_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename"
    (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink"
    (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file"
    (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit"
    (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "proc_raise"
    (func $proc_raise (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get"
    (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield"
    (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept"
    (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv"
    (func $sock_recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send"
    (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown"
    (func $sock_shutdown (param i32 i32) (result i32)))

  (memory (export "memory") 2 65536)

  (func (export "args_get") (param $argv i32) (param $argv_buf i32) (result i32)
    (call $args_get (local.get $argv) (local.get $argv_buf)))
  (func (export "args_sizes_get")
    (param $argc_ptr i32) (param $argv_buf_size_ptr i32) (result i32)
    (call $args_sizes_get (local.get $argc_ptr) (local.get $argv_buf_size_ptr)))
  (func (export "clock_res_get") (param $id i32) (param $resolution_ptr i32) (result i32)
    (call $clock_res_get (local.get $id) (local.get $resolution_ptr)))
  (func (export "clock_time_get")
    (param $id i32) (param $precision i64) (param $time_ptr i32) (result i32)
    (call $clock_time_get (local.get $id) (local.get $precision) (local.get $time_ptr)))
  (func (export "environ_get") (param $environ i32) (param $environ_buf i32) (result i32)
    (call $environ_get (local.get $environ) (local.get $environ_buf)))
  (func (export "environ_sizes_get")
    (param $environc_ptr i32) (param $environ_buf_size_ptr i32) (result i32)
    (call $environ_sizes_get (local.get $environc_ptr) (local.get $environ_buf_size_ptr)))
  (func (export "fd_advise")
    (param $fd i32) (param $offset i64) (param $len i64) (param $advice i32) (result i32)
    (call $fd_advise (local.get $fd) (local.get $offset) (local.get $len) (local.get $advice)))
  (func (export "fd_allocate") (param $fd i32) (param $offset i64) (param $len i64) (result i32)
    (call $fd_allocate (local.get $fd) (local.get $offset) (local.get $len)))
  (func (export "fd_close") (param $fd i32) (result i32)
    (call $fd_close (local.get $fd)))
  (func (export "fd_datasync") (param $fd i32) (result i32)
    (call $fd_datasync (local.get $fd)))
  (func (export "fd_fdstat_get") (param $fd i32) (param $fdstat_ptr i32) (result i32)
    (call $fd_fdstat_get (local.get $fd) (local.get $fdstat_ptr)))
  (func (export "fd_fdstat_set_flags") (param $fd i32) (param $flags i32) (result i32)
    (call $fd_fdstat_set_flags (local.get $fd) (local.get $flags)))
  (func (export "fd_fdstat_set_rights")
    (param $fd i32) (param $fs_rights_base i64) (param $fs_rights_inheriting i64) (result i32)
    (call $fd_fdstat_set_rights (local.get $fd) (local.get $fs_rights_base)
      (local.get $fs_rights_inheriting)))
  (func (export "fd_filestat_get") (param $fd i32) (param $filestat_ptr i32) (result i32)
    (call $fd_filestat_get (local.get $fd) (local.get $filestat_ptr)))
  (func (export "fd_filestat_set_size") (param $fd i32) (param $size i64) (result i32)
    (call $fd_filestat_set_size (local.get $fd) (local.get $size)))
  (func (export "fd_filestat_set_times")
    (param $fd i32) (param $atim i64) (param $mtim i64) (param $fst_flags i32) (result i32)
    (call $fd_filestat_set_times (local.get $fd) (local.get $atim) (local.get $mtim)
      (local.get $fst_flags)))
  (func (export "fd_pread")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32) (param $offset i64)
    (param $nread_ptr i32) (result i32)
    (call $fd_pread (local.get $fd) (local.get $iovs) (local.get $iovs_len)
      (local.get $offset) (local.get $nread_ptr)))
  (func (export "fd_prestat_get") (param $fd i32) (param $prestat_ptr i32) (result i32)
    (call $fd_prestat_get (local.get $fd) (local.get $prestat_ptr)))
  (func (export "fd_prestat_dir_name")
    (param $fd i32) (param $path i32) (param $path_len i32) (result i32)
    (call $fd_prestat_dir_name (local.get $fd) (local.get $path) (local.get $path_len)))
  (func (export "fd_pwrite")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32) (param $offset i64)
    (param $nwritten_ptr i32) (result i32)
    (call $fd_pwrite (local.get $fd) (local.get $iovs) (local.get $iovs_len)
      (local.get $offset) (local.get $nwritten_ptr)))
  (func (export "fd_read")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32) (param $nread_ptr i32) (result i32)
    (call $fd_read (local.get $fd) (local.get $iovs) (local.get $iovs_len)
      (local.get $nread_ptr)))
  (func (export "fd_readdir")
    (param $fd i32) (param $buf i32) (param $buf_len i32) (param $cookie i64)
    (param $bufused_ptr i32) (result i32)
    (call $fd_readdir (local.get $fd) (local.get $buf) (local.get $buf_len)
      (local.get $cookie) (local.get $bufused_ptr)))
  (func (export "fd_renumber") (param $fd i32) (param $to i32) (result i32)
    (call $fd_renumber (local.get $fd) (local.get $to)))
  (func (export "fd_seek")
    (param $fd i32) (param $offset i64) (param $whence i32) (param $newoffset_ptr i32) (result i32)
    (call $fd_seek (local.get $fd) (local.get $offset) (local.get $whence)
      (local.get $newoffset_ptr)))
  (func (export "fd_sync") (param $fd i32) (result i32)
    (call $fd_sync (local.get $fd)))
  (func (export "fd_tell") (param $fd i32) (param $offset_ptr i32) (result i32)
    (call $fd_tell (local.get $fd) (local.get $offset_ptr)))
  (func (export "fd_write")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32) (param $nwritten_ptr i32) (result i32)
    (call $fd_write (local.get $fd) (local.get $iovs) (local.get $iovs_len)
      (local.get $nwritten_ptr)))
  (func (export "path_create_directory")
    (param $fd i32) (param $path i32) (param $path_len i32) (result i32)
    (call $path_create_directory (local.get $fd) (local.get $path) (local.get $path_len)))
  (func (export "path_filestat_get")
    (param $fd i32) (param $flags i32) (param $path i32) (param $path_len i32)
    (param $filestat_ptr i32) (result i32)
    (call $path_filestat_get (local.get $fd) (local.get $flags) (local.get $path)
      (local.get $path_len) (local.get $filestat_ptr)))
  (func (export "path_filestat_set_times")
    (param $fd i32) (param $flags i32) (param $path i32) (param $path_len i32) (param $atim i64)
    (param $mtim i64) (param $fst_flags i32) (result i32)
    (call $path_filestat_set_times (local.get $fd) (local.get $flags) (local.get $path)
      (local.get $path_len) (local.get $atim) (local.get $mtim) (local.get $fst_flags)))
  (func (export "path_link")
    (param $old_fd i32) (param $old_flags i32) (param $old_path i32) (param $old_path_len i32)
    (param $new_fd i32) (param $new_path i32) (param $new_path_len i32) (result i32)
    (call $path_link (local.get $old_fd) (local.get $old_flags) (local.get $old_path)
      (local.get $old_path_len) (local.get $new_fd) (local.get $new_path)
      (local.get $new_path_len)))
  (func (export "path_open")
    (param $fd i32) (param $dirflags i32) (param $path i32) (param $path_len i32)
    (param $oflags i32) (param $fs_rights_base i64) (param $fs_rights_inheriting i64)
    (param $fdflags i32) (param $opened_fd_ptr i32) (result i32)
    (call $path_open (local.get $fd) (local.get $dirflags) (local.get $path)
      (local.get $path_len) (local.get $oflags) (local.get $fs_rights_base)
      (local.get $fs_rights_inheriting) (local.get $fdflags) (local.get $opened_fd_ptr)))
  (func (export "path_readlink")
    (param $fd i32) (param $path i32) (param $path_len i32) (param $buf i32)
    (param $buf_len i32) (param $bufused_ptr i32) (result i32)
    (call $path_readlink (local.get $fd) (local.get $path) (local.get $path_len)
      (local.get $buf) (local.get $buf_len) (local.get $bufused_ptr)))
  (func (export "path_remove_directory")
    (param $fd i32) (param $path i32) (param $path_len i32) (result i32)
    (call $path_remove_directory (local.get $fd) (local.get $path) (local.get $path_len)))
  (func (export "path_rename")
    (param $fd i32) (param $old_path i32) (param $old_path_len i32) (param $new_fd i32)
    (param $new_path i32) (param $new_path_len i32) (result i32)
    (call $path_rename (local.get $fd) (local.get $old_path) (local.get $old_path_len)
      (local.get $new_fd) (local.get $new_path) (local.get $new_path_len)))
  (func (export "path_symlink")
    (param $old_path i32) (param $old_path_len i32) (param $fd i32) (param $new_path i32)
    (param $new_path_len i32) (result i32)
    (call $path_symlink (local.get $old_path) (local.get $old_path_len) (local.get $fd)
      (local.get $new_path) (local.get $new_path_len)))
  (func (export "path_unlink_file")
    (param $fd i32) (param $path i32) (param $path_len i32) (result i32)
    (call $path_unlink_file (local.get $fd) (local.get $path) (local.get $path_len)))
  (func (export "poll_oneoff")
    (param $in i32) (param $out i32) (param $nsubscriptions i32) (param $nevents_ptr i32) (result i32)
    (call $poll_oneoff (local.get $in) (local.get $out) (local.get $nsubscriptions)
      (local.get $nevents_ptr)))
  (func (export "proc_exit") (param $rval i32)
    (call $proc_exit (local.get $rval)))
  (func (export "proc_raise") (param $sig i32) (result i32)
    (call $proc_raise (local.get $sig)))
  (func (export "random_get") (param $buf i32) (param $buf_len i32) (result i32)
    (call $random_get (local.get $buf) (local.get $buf_len)))
  (func (export "sched_yield") (result i32)
    (call $sched_yield))
  (func (export "sock_accept")
    (param $fd i32) (param $flags i32) (param $opened_fd_ptr i32) (result i32)
    (call $sock_accept (local.get $fd) (local.get $flags) (local.get $opened_fd_ptr)))
  (func (export "sock_recv")
    (param $fd i32) (param $ri_data i32) (param $ri_data_len i32) (param $ri_flags i32)
    (param $ro_datalen_ptr i32) (param $ro_flags_ptr i32) (result i32)
    (call $sock_recv (local.get $fd) (local.get $ri_data) (local.get $ri_data_len)
      (local.get $ri_flags) (local.get $ro_datalen_ptr) (local.get $ro_flags_ptr)))
  (func (export "sock_send")
    (param $fd i32) (param $si_data i32) (param $si_data_len i32) (param $si_flags i32)
    (param $so_datalen_ptr i32) (result i32)
    (call $sock_send (local.get $fd) (local.get $si_data) (local.get $si_data_len)
      (local.get $si_flags) (local.get $so_datalen_ptr)))
  (func (export "sock_shutdown") (param $fd i32) (param $how i32) (result i32)
    (call $sock_shutdown (local.get $fd) (local.get $how)))
)
