/*
 * race.c: does one operation for a while, as fast as it can, while the host swaps
 * parts of the path for links that lead outside.
 *
 *   race read PATH MS     opens PATH, following links, and reads its first bytes
 *   race create PATH MS   opens PATH with CREAT, writes `guest`, unlinks PATH
 *   race mkdir PATH MS    creates the directory PATH and removes it
 *   race readdir PATH MS  opens the directory PATH and reads its first names
 *
 * PATH is below descriptor 3, MS in milliseconds. Prints `tries=N ok=N outside=N`:
 * `ok` how many opens (or mkdirs) succeeded, `outside` how many reads gave a content,
 * or directories a name, that begins with `SECRET`. What the writing operations did
 * outside is for the caller to look at. Exit code 0.
 */
#include "guest.h"

#define SECRET "SECRET"

static const char text[] = "race read|create|mkdir|readdir PATH MS";
static uint8_t buf[1024];

static uint64_t now(void) {
  uint64_t t = 0;
  (void)!__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &t);
  return t;
}

static int shows_secret(size_t n) {
  for (size_t i = 0; i + sizeof SECRET - 1 <= n; i++)
    if (memcmp(buf + i, SECRET, sizeof SECRET - 1) == 0) return 1;
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) usage(text);
  const char *op = argv[1], *path = argv[2];
  int reads = strcmp(op, "read") == 0, creates = strcmp(op, "create") == 0;
  int lists = strcmp(op, "readdir") == 0, makes = strcmp(op, "mkdir") == 0;
  if (!(reads || creates || lists || makes)) usage(text);
  __wasi_rights_t rights = reads ? __WASI_RIGHTS_FD_READ : creates ? __WASI_RIGHTS_FD_WRITE : __WASI_RIGHTS_FD_READDIR;
  __wasi_oflags_t oflags = reads ? 0 : creates ? __WASI_OFLAGS_CREAT : __WASI_OFLAGS_DIRECTORY;
  uint64_t end = now() + number(argv[3]) * 1000000, tries = 0, ok = 0, outside = 0;
  do {
    for (int i = 0; i < 64; i++) {
      tries++;
      if (makes) {
        if (__wasi_path_create_directory(3, path) != 0) continue;
        ok++;
        (void)!__wasi_path_remove_directory(3, path);
        continue;
      }
      int fd;
      if (__wasi_path_open(3, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, oflags, rights, 0, 0, &fd) != 0) continue;
      ok++;
      __wasi_size_t n = 0;
      __wasi_iovec_t iov = {buf, sizeof buf};
      __wasi_ciovec_t ciov = {(const uint8_t *)"guest", 5};
      if (reads && __wasi_fd_read(fd, &iov, 1, &n) == 0) outside += shows_secret(n);
      if (lists && __wasi_fd_readdir(fd, buf, sizeof buf, 0, &n) == 0) outside += shows_secret(n);
      if (creates) (void)!__wasi_fd_write(fd, &ciov, 1, &n);
      (void)!__wasi_fd_close(fd);
      if (creates) (void)!__wasi_path_unlink_file(3, path);
    }
  } while (now() < end);
  out("tries=");
  out_num(tries);
  out_field("ok", ok);
  out_field("outside", outside);
  out("\n");
  out_flush();
  return 0;
}
