/*
 * bulk_iovs.c: one call with many buffers.
 *
 *   bulk_iovs write|pwrite PATH COUNT SIZE [OFFSET]
 *   bulk_iovs read|pread   PATH COUNT SIZE [OFFSET]
 *
 * COUNT buffers (up to 1000000) whose lengths go 0, 1, ... SIZE, 0, 1, ...: empty
 * ones are in the middle of full ones. PATH is opened below descriptor 3, created
 * by the writing calls; `-` is standard input or output. Byte I of the whole is
 * (I * 7 + I / 251) mod 256, counted from 0 at the first buffer.
 *
 * Prints `errno=E n=N total=T bad=B`: N what the call says it moved, T the sum of
 * the lengths; B (reading) how many of the N bytes are not the expected one, plus
 * how many bytes beyond N were touched. The line goes to standard error when
 * the writing call writes to standard output. Exit code 0 if the call succeeded.
 */
#include "guest.h"

static const char text[] = "bulk_iovs write|pwrite|read|pread PATH COUNT SIZE [OFFSET]";
static uint8_t expected(size_t i) { return (uint8_t)(i * 7 + i / 251); }

int main(int argc, char **argv) {
  if (argc < 5) usage(text);
  const char *op = argv[1];
  int positioned = op[0] == 'p';
  int writes = strcmp(op + positioned, "write") == 0;
  if (!writes && strcmp(op + positioned, "read") != 0) usage(text);
  size_t count = number(argv[3]), size = number(argv[4]);
  uint64_t offset = argc > 5 ? number(argv[5]) : 0;
  if (count > 1000000) usage(text);

  int fd = writes ? 1 : 0;
  __wasi_errno_t err = 0;
  if (strcmp(argv[2], "-") != 0) {
    __wasi_rights_t rights = __WASI_RIGHTS_FD_SEEK | (writes ? __WASI_RIGHTS_FD_WRITE : __WASI_RIGHTS_FD_READ);
    err = __wasi_path_open(3, 0, argv[2], writes ? __WASI_OFLAGS_CREAT : 0, rights, 0, 0, &fd);
  }

  __wasi_iovec_t *iovs = malloc((count + 1) * sizeof *iovs);
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += iovs[i].buf_len = i % (size + 1);
  uint8_t *bytes = malloc(total + 1);
  if (iovs == NULL || bytes == NULL) return 71;
  uint8_t *p = bytes;
  for (size_t i = 0; i < count; i++) iovs[i].buf = p, p += iovs[i].buf_len;
  /* A reading call must change every byte that it reports and no other. */
  for (size_t i = 0; i < total; i++) bytes[i] = writes ? expected(i) : (uint8_t)~expected(i);

  const __wasi_ciovec_t *ciovs = (const __wasi_ciovec_t *)iovs;
  __wasi_size_t n = 0;
  if (err == 0) {
    if (writes) err = positioned ? __wasi_fd_pwrite(fd, ciovs, count, offset, &n) : __wasi_fd_write(fd, ciovs, count, &n);
    else err = positioned ? __wasi_fd_pread(fd, iovs, count, offset, &n) : __wasi_fd_read(fd, iovs, count, &n);
  }
  size_t bad = 0;
  if (!writes)
    for (size_t i = 0; i < total; i++) bad += bytes[i] != (i < n ? expected(i) : (uint8_t)~expected(i));

  if (writes && fd == 1) out_fd = 2;
  out("errno=");
  out_num(err);
  out_field("n", n);
  out_field("total", total);
  out_field("bad", bad);
  out("\n");
  out_flush();
  return err != 0;
}
