/*
 * nonblock.c: what NONBLOCK means on the standard streams.
 *
 *   nonblock flags           the flags of descriptor 0 before and after setting NONBLOCK
 *   nonblock read            sets NONBLOCK on 0, then reads once
 *   nonblock drain           sets NONBLOCK on 0, then reads to the end; polls at each EAGAIN
 *   nonblock plain           sets nothing, reads to the end; EAGAIN is counted and retried
 *   nonblock clear           sets NONBLOCK on 0, clears it again, then reads as `plain` does
 *   nonblock write BYTES     sets NONBLOCK on 1, writes BYTES times `x`; polls at each EAGAIN
 *   nonblock plainwrite BYTES  the same without setting NONBLOCK
 *
 * Reports on standard error (standard output may be what is being written):
 * `set errno=E`, then one line: `before=F set_errno=E after=F`, `errno=E n=N`, or
 * `errno=E n=TOTAL again=TIMES` (EAGAIN is 6). Exit code 0 if the last call succeeded.
 */
#include "guest.h"

static const char text[] = "nonblock flags|read|drain|plain|clear|write BYTES|plainwrite BYTES";
static uint8_t buf[65536];

static unsigned flags_of(int fd) {
  __wasi_fdstat_t fdstat;
  memset(&fdstat, 0, sizeof fdstat);
  return __wasi_fd_fdstat_get(fd, &fdstat) == 0 ? fdstat.fs_flags : 0xffff;
}

static void set_flags(int fd, __wasi_fdflags_t flags) {
  out("set");
  out_field("errno", __wasi_fd_fdstat_set_flags(fd, flags));
  out("\n");
}

static void wait_for(int fd, __wasi_eventtype_t type) {
  __wasi_subscription_t subscription = {.u.tag = type};
  subscription.u.u.fd_read.file_descriptor = fd;
  __wasi_event_t event;
  __wasi_size_t n;
  if (__wasi_poll_oneoff(&subscription, &event, 1, &n) != 0) (void)!__wasi_sched_yield();
}

static int report(__wasi_errno_t err, uint64_t n) {
  out("errno=");
  out_num(err);
  out_field("n", n);
  return err != 0;
}

static int move_all(int fd, uint64_t limit) {
  uint64_t total = 0, again = 0;
  __wasi_errno_t err = 0;
  while (total < limit) {
    __wasi_size_t n = 0;
    uint64_t want = limit - total < sizeof buf ? limit - total : sizeof buf;
    __wasi_iovec_t iov = {buf, want};
    err = fd == 0 ? __wasi_fd_read(fd, &iov, 1, &n) : __wasi_fd_write(fd, (__wasi_ciovec_t *)&iov, 1, &n);
    if (err == __WASI_ERRNO_AGAIN) {
      again++;
      wait_for(fd, fd == 0 ? __WASI_EVENTTYPE_FD_READ : __WASI_EVENTTYPE_FD_WRITE);
      continue;
    }
    if (err != 0 || n == 0) break;
    total += n;
  }
  int code = report(err, total);
  out_field("again", again);
  return code;
}

int main(int argc, char **argv) {
  if (argc < 2) usage(text);
  const char *op = argv[1];
  int code = 0;
  out_fd = 2;
  if (strcmp(op, "flags") == 0) {
    out("before=");
    out_num(flags_of(0));
    out_field("set_errno", __wasi_fd_fdstat_set_flags(0, __WASI_FDFLAGS_NONBLOCK));
    out_field("after", flags_of(0));
  } else if (strcmp(op, "read") == 0) {
    set_flags(0, __WASI_FDFLAGS_NONBLOCK);
    __wasi_iovec_t iov = {buf, sizeof buf};
    __wasi_size_t n = 0;
    __wasi_errno_t err = __wasi_fd_read(0, &iov, 1, &n);
    code = report(err, n);
  } else if (strcmp(op, "drain") == 0) {
    set_flags(0, __WASI_FDFLAGS_NONBLOCK);
    code = move_all(0, UINT64_MAX);
  } else if (strcmp(op, "plain") == 0) {
    code = move_all(0, UINT64_MAX);
  } else if (strcmp(op, "clear") == 0) {
    set_flags(0, __WASI_FDFLAGS_NONBLOCK);
    set_flags(0, 0);
    code = move_all(0, UINT64_MAX);
  } else if (argc == 3 && (strcmp(op, "write") == 0 || strcmp(op, "plainwrite") == 0)) {
    if (op[0] == 'w') set_flags(1, __WASI_FDFLAGS_NONBLOCK);
    memset(buf, 'x', sizeof buf);
    code = move_all(1, number(argv[2]));
  } else {
    usage(text);
  }
  out("\n");
  out_flush();
  return code;
}
