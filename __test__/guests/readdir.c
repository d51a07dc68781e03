/*
 * readdir.c: reads a directory with fd_readdir and a buffer of a given size.
 *
 *   readdir list PATH BUFLEN       the whole directory, going on from the last whole entry
 *   readdir again PATH BUFLEN      the same, then each entry once more from the cookie before it
 *   readdir once PATH BUFLEN COOKIE  one call
 *   readdir rewind PATH BUFLEN NAME  one call, creates NAME in the directory, the whole directory
 *
 * PATH is below descriptor 3. Prints per entry, in the host's order, `next=C ino=I type=T
 * NAME`; `list` and `rewind` end with `errno=E entries=N calls=N`; `again` adds
 * `reread_wrong=N`, the entries that their cookie did not give again; `once` ends with
 * `errno=E bufused=N beyond=N`, N the bytes changed past bufused. A directory that does not
 * end within 100000 calls prints `endless`. Exit code 0 if no call was refused.
 */
#include "guest.h"

static const char text[] = "readdir list|again PATH BUFLEN | once PATH BUFLEN COOKIE | rewind PATH BUFLEN NAME";

static int dir;
static uint8_t *buf;
static size_t buf_len;
static uint64_t entries, calls;

static struct entry {
  uint64_t cookie, ino;
} seen[4096];

/* Prints the entries that are whole in the buffer; gives the cookie of the last one. */
static uint64_t whole(size_t used, uint64_t cookie, int print) {
  for (size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
    __wasi_dirent_t dirent;
    memcpy(&dirent, buf + at, sizeof dirent);
    at += sizeof dirent;
    if (dirent.d_namlen > used - at) break;
    if (entries < sizeof seen / sizeof *seen) seen[entries] = (struct entry){cookie, dirent.d_ino};
    entries++;
    cookie = dirent.d_next;
    if (print) {
      out("next=");
      out_num(dirent.d_next);
      out_field("ino", dirent.d_ino);
      out_field("type", dirent.d_type);
      out(" ");
      out_bytes(buf + at, dirent.d_namlen);
      out("\n");
    }
    at += dirent.d_namlen;
  }
  return cookie;
}

static __wasi_errno_t list(void) {
  uint64_t cookie = __WASI_DIRCOOKIE_START;
  entries = calls = 0;
  for (;;) {
    __wasi_size_t used = 0;
    __wasi_errno_t err = __wasi_fd_readdir(dir, buf, buf_len, cookie, &used);
    if (err != 0) return err;
    if (++calls > 100000) {
      out("endless\n");
      return 0;
    }
    uint64_t before = entries;
    if (used > buf_len) used = buf_len;
    cookie = whole(used, cookie, 1);
    if (used < buf_len) return 0;
    /* The next entry needs more room than there is: grow as libc does. */
    if (entries == before) {
      buf_len *= 2;
      buf = realloc(buf, buf_len);
    }
  }
}

static uint64_t reread_wrong(void) {
  struct entry expected;
  uint64_t wrong = 0, count = entries < sizeof seen / sizeof *seen ? entries : sizeof seen / sizeof *seen;
  for (uint64_t i = count; i-- > 0;) {
    expected = seen[i];
    __wasi_size_t used = 0;
    __wasi_dirent_t dirent;
    if (__wasi_fd_readdir(dir, buf, buf_len, expected.cookie, &used) != 0 || used < sizeof dirent) {
      wrong++;
      continue;
    }
    memcpy(&dirent, buf, sizeof dirent);
    wrong += dirent.d_ino != expected.ino;
  }
  return wrong;
}

int main(int argc, char **argv) {
  if (argc < 4) usage(text);
  const char *op = argv[1];
  buf_len = number(argv[3]);
  buf = malloc(buf_len + 64);
  __wasi_rights_t rights = __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_PATH_CREATE_DIRECTORY;
  __wasi_errno_t err = __wasi_path_open(3, 0, argv[2], __WASI_OFLAGS_DIRECTORY, rights, rights, 0, &dir);
  if (err == 0) {
    if (strcmp(op, "once") == 0 && argc > 4) {
      __wasi_size_t used = 0;
      size_t beyond = 0;
      memset(buf, 0xa5, buf_len + 64);
      err = __wasi_fd_readdir(dir, buf, buf_len, number(argv[4]), &used);
      for (size_t i = used; i < buf_len + 64; i++) beyond += buf[i] != 0xa5;
      whole(used < buf_len ? used : buf_len, 0, 1);
      out("errno=");
      out_num(err);
      out_field("bufused", used);
      out_field("beyond", beyond);
      out("\n");
      out_flush();
      return err != 0;
    }
    if (strcmp(op, "rewind") == 0 && argc > 4) {
      __wasi_size_t used = 0;
      err = __wasi_fd_readdir(dir, buf, buf_len, __WASI_DIRCOOKIE_START, &used);
      if (err == 0) err = __wasi_path_create_directory(dir, argv[4]);
    } else if (strcmp(op, "list") != 0 && strcmp(op, "again") != 0) {
      usage(text);
    }
    if (err == 0) err = list();
  }
  uint64_t total = entries;
  uint64_t wrong = err == 0 && strcmp(op, "again") == 0 ? reread_wrong() : 0;
  out("errno=");
  out_num(err);
  out_field("entries", total);
  out_field("calls", calls);
  if (strcmp(op, "again") == 0) out_field("reread_wrong", wrong);
  out("\n");
  out_flush();
  return err != 0;
}
