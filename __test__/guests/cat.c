/*
 * cat.c: copies standard input to standard output.
 *
 *   cat [BUFFER_SIZE]     default 65536, at most 1048576
 *
 * Exit code 0 at end of file; a refused call prints `fd_read errno=N` or
 * `fd_write errno=N` on standard error and gives exit code 1.
 */
#include "guest.h"

static int fail(const char *call, __wasi_errno_t err) {
  out_fd = 2;
  out(call);
  out_field("errno", err);
  out("\n");
  out_flush();
  return 1;
}

int main(int argc, char **argv) {
  size_t size = argc > 1 ? number(argv[1]) : 65536;
  if (size == 0 || size > 1048576) usage("cat [BUFFER_SIZE]");
  uint8_t *buf = malloc(size);
  for (;;) {
    __wasi_iovec_t iov = {buf, size};
    __wasi_size_t nread = 0;
    __wasi_errno_t err = __wasi_fd_read(0, &iov, 1, &nread);
    if (err != 0) return fail("fd_read", err);
    if (nread == 0) return 0;
    for (size_t done = 0; done < nread;) {
      __wasi_ciovec_t ciov = {buf + done, nread - done};
      __wasi_size_t nwritten = 0;
      err = __wasi_fd_write(1, &ciov, 1, &nwritten);
      if (err != 0) return fail("fd_write", err);
      done += nwritten;
    }
  }
}
