/*
 * close_stdio.c: closes standard streams, waits, opens a file.
 *
 *   close_stdio PATH FD...
 *
 * Closes each FD, sleeps 1 ms, creates PATH below descriptor 3 and writes into it:
 * `close FD errno=E` per FD, `sleep errno=E`, `open fd=N`. The report is in the file,
 * since there may be no other place left for it. Exit code 0, or 1 if PATH could not
 * be created.
 */
#include "guest.h"

int main(int argc, char **argv) {
  if (argc < 2) usage("close_stdio PATH FD...");
  __wasi_errno_t errs[16];
  if (argc > 18) usage("close_stdio PATH FD...");
  for (int i = 2; i < argc; i++) errs[i - 2] = __wasi_fd_close((int)number(argv[i]));
  __wasi_subscription_t subscription = {.u.tag = __WASI_EVENTTYPE_CLOCK};
  subscription.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  subscription.u.u.clock.timeout = 1000000;
  __wasi_event_t event;
  __wasi_size_t n;
  __wasi_errno_t sleep_err = __wasi_poll_oneoff(&subscription, &event, 1, &n);
  int fd;
  if (__wasi_path_open(3, 0, argv[1], __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE, 0, 0, &fd) != 0) return 1;
  out_fd = fd;
  for (int i = 2; i < argc; i++) {
    out("close ");
    out(argv[i]);
    out_field("errno", errs[i - 2]);
    out("\n");
  }
  out("sleep");
  out_field("errno", sleep_err);
  out("\nopen");
  out_field("fd", (uint64_t)fd);
  out("\n");
  out_flush();
  return 0;
}
