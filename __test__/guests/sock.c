/*
 * sock.c: one sock_* call on a descriptor that the guest was given.
 *
 *   sock recv FD LEN [RIFLAGS]     RIFLAGS: 1 peek, 2 wait for all
 *   sock send FD TEXT [SIFLAGS]    TEXT goes as two buffers, split in the middle
 *   sock shutdown FD HOW           HOW: 1 read, 2 write, 3 both
 *   sock accept FD [FDFLAGS]       then sends `hello` on the accepted socket, reads
 *                                  until its end and closes it
 *
 * Prints `recv errno=E n=N roflags=F data=TEXT`, `send errno=E n=N`,
 * `shutdown errno=E`, or `accept errno=E fd=N send_errno=E n=N recv_errno=E data=TEXT`;
 * on standard output, or on standard error when FD is 1. Exit code 0 if the named
 * call succeeded.
 */
#include "guest.h"

static const char text[] = "sock recv FD LEN [RIFLAGS] | send FD TEXT [SIFLAGS] | shutdown FD HOW | accept FD [FDFLAGS]";
static uint8_t buf[65536];

static void out_data(size_t n) {
  out(" data=");
  out_bytes(buf, n);
}

int main(int argc, char **argv) {
  if (argc < 3) usage(text);
  const char *op = argv[1];
  int fd = (int)number(argv[2]);
  uint32_t flags = argc > 4 ? (uint32_t)number(argv[4]) : 0;
  __wasi_errno_t err;
  __wasi_size_t n = 0;
  if (fd == 1) out_fd = 2;
  if (strcmp(op, "recv") == 0 && argc > 3) {
    __wasi_iovec_t iov = {buf, number(argv[3])};
    if (iov.buf_len > sizeof buf) usage(text);
    __wasi_roflags_t roflags = 0;
    err = __wasi_sock_recv(fd, &iov, 1, (__wasi_riflags_t)flags, &n, &roflags);
    out("recv");
    out_field("errno", err);
    out_field("n", n);
    out_field("roflags", roflags);
    out_data(n);
  } else if (strcmp(op, "send") == 0 && argc > 3) {
    size_t len = strlen(argv[3]), half = len / 2;
    const uint8_t *bytes = (const uint8_t *)argv[3];
    __wasi_ciovec_t ciovs[2] = {{bytes, half}, {bytes + half, len - half}};
    err = __wasi_sock_send(fd, ciovs, 2, (__wasi_siflags_t)flags, &n);
    out("send");
    out_field("errno", err);
    out_field("n", n);
  } else if (strcmp(op, "shutdown") == 0 && argc > 3) {
    err = __wasi_sock_shutdown(fd, (__wasi_sdflags_t)number(argv[3]));
    out("shutdown");
    out_field("errno", err);
  } else if (strcmp(op, "accept") == 0) {
    int conn = 0;
    err = __wasi_sock_accept(fd, argc > 3 ? (__wasi_fdflags_t)number(argv[3]) : 0, &conn);
    out("accept");
    out_field("errno", err);
    if (err == 0) {
      out_field("fd", (uint64_t)conn);
      __wasi_ciovec_t ciov = {(const uint8_t *)"hello", 5};
      out_field("send_errno", __wasi_sock_send(conn, &ciov, 1, 0, &n));
      size_t have = 0;
      __wasi_errno_t recv_err = 0;
      while (have < sizeof buf) {
        __wasi_iovec_t iov = {buf + have, sizeof buf - have};
        __wasi_roflags_t roflags;
        recv_err = __wasi_sock_recv(conn, &iov, 1, 0, &n, &roflags);
        if (recv_err != 0 || n == 0) break;
        have += n;
      }
      out_field("n", have);
      out_field("recv_errno", recv_err);
      out_data(have);
      (void)!__wasi_fd_close(conn);
    }
  } else {
    usage(text);
  }
  out("\n");
  out_flush();
  return err != 0;
}
