/*
 * escape.c: tries an operation on a path and says what the host answered.
 *
 *   escape DIRFD OP PATH [OTHER]
 *
 * DIRFD is a number (`3`), or a number and a directory below it (`3/sub/dir`) that is
 * opened first, so that the attempts go through a descriptor of the guest's own. PATH
 * is the path under attack, OTHER a name that is inside.
 *
 *   read PATH              opens for reading, following links; prints the first line
 *   open PATH              every oflags (creat 1, directory 2, excl 4, trunc 8) with the rights
 *                          to read, write, both, readdir; with and without SYMLINK_FOLLOW
 *   stat PATH              with and without SYMLINK_FOLLOW; prints `FILETYPE,SIZE`
 *   set_times PATH         given times and the current time, with and without SYMLINK_FOLLOW
 *   readlink PATH          prints the target
 *   readdir PATH           prints the names, a comma behind each
 *   mkdir PATH | rmdir PATH | unlink PATH
 *   link_from PATH OTHER   links PATH to OTHER, and with SYMLINK_FOLLOW to OTHER.follow
 *   link_to PATH OTHER     links OTHER to PATH, then again with SYMLINK_FOLLOW
 *   rename_from PATH OTHER | rename_to PATH OTHER
 *   symlink_to PATH OTHER  makes the link OTHER with the target PATH
 *   symlink_at PATH OTHER  makes the link PATH with the target OTHER
 *   all PATH OTHER         creates the file OTHER, then every one of these, the destructive
 *                          ones last; links and renames use OTHER.from, OTHER.moved, OTHER.sym
 *
 * One line per attempt, `OP [oflags=O rights=R] [lookup=L] [now=B] errno=E`, then ` data=TEXT`
 * where something was read. `dirfd errno=E` alone if DIRFD could not be opened. Exit code 0
 * whatever the host answers. Under a host that lets a path out this really reads, overwrites
 * and deletes what PATH leads to: only for scratch directories.
 */
#include "guest.h"

static const char text[] = "escape DIRFD OP PATH [OTHER]";

#define ALL_RIGHTS ((__wasi_rights_t)0x0fffffff)
#define DIRECTORY_RIGHTS ((__wasi_rights_t)0x0fbffe98)
#define READ (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK)
#define WRITE (__WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK)
#define FOLLOW __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW

static int dirfd;
static uint8_t buf[4096];

static void result(__wasi_errno_t err) { out_field("errno", err); }
static void end(void) { out("\n"); }

/* An attempt is one line, whatever the file holds. */
static void data(size_t n) {
  const uint8_t *newline = memchr(buf, '\n', n);
  out(" data=");
  out_bytes(buf, newline == NULL ? n : (size_t)(newline - buf));
}

static void simple(const char *op, __wasi_errno_t err) {
  out(op);
  result(err);
  end();
}

static void try_read(const char *path) {
  int fd;
  __wasi_size_t n = 0;
  out("read");
  __wasi_errno_t err = __wasi_path_open(dirfd, FOLLOW, path, 0, READ, 0, 0, &fd);
  if (err == 0) {
    __wasi_iovec_t iov = {buf, sizeof buf};
    err = __wasi_fd_read(fd, &iov, 1, &n);
    (void)!__wasi_fd_close(fd);
  }
  result(err);
  if (err == 0) data(n);
  end();
}

static void try_open(const char *path) {
  static const __wasi_rights_t rights[] = {READ, WRITE, READ | WRITE, __WASI_RIGHTS_FD_READDIR};
  for (unsigned oflags = 0; oflags < 16; oflags++) {
    for (unsigned r = 0; r < 4; r++) {
      for (unsigned lookup = 0; lookup < 2; lookup++) {
        int fd;
        __wasi_errno_t err = __wasi_path_open(dirfd, lookup, path, (__wasi_oflags_t)oflags, rights[r], 0, 0, &fd);
        if (err == 0) (void)!__wasi_fd_close(fd);
        out("open");
        out_field("oflags", oflags);
        out_field("rights", rights[r]);
        out_field("lookup", lookup);
        result(err);
        end();
      }
    }
  }
}

static void try_stat(const char *path) {
  for (unsigned lookup = 0; lookup < 2; lookup++) {
    __wasi_filestat_t filestat;
    __wasi_errno_t err = __wasi_path_filestat_get(dirfd, lookup, path, &filestat);
    out("stat");
    out_field("lookup", lookup);
    result(err);
    if (err == 0) {
      out(" data=");
      out_num(filestat.filetype);
      out(",");
      out_num(filestat.size);
    }
    end();
  }
}

static void try_set_times(const char *path) {
  for (unsigned lookup = 0; lookup < 2; lookup++) {
    for (unsigned now = 0; now < 2; now++) {
      __wasi_fstflags_t flags = now ? __WASI_FSTFLAGS_ATIM_NOW | __WASI_FSTFLAGS_MTIM_NOW
                                    : __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM;
      out("set_times");
      out_field("lookup", lookup);
      out_field("now", now);
      result(__wasi_path_filestat_set_times(dirfd, lookup, path, 1000000000, 2000000000, flags));
      end();
    }
  }
}

static void try_readlink(const char *path) {
  __wasi_size_t n = 0;
  __wasi_errno_t err = __wasi_path_readlink(dirfd, path, buf, sizeof buf, &n);
  out("readlink");
  result(err);
  if (err == 0) data(n);
  end();
}

static void try_readdir(const char *path) {
  int fd;
  __wasi_size_t used = 0;
  __wasi_errno_t err =
      __wasi_path_open(dirfd, FOLLOW, path, __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR, 0, 0, &fd);
  if (err == 0) {
    err = __wasi_fd_readdir(fd, buf, sizeof buf, __WASI_DIRCOOKIE_START, &used);
    (void)!__wasi_fd_close(fd);
  }
  out("readdir");
  result(err);
  if (err == 0) {
    out(" data=");
    for (size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
      __wasi_dirent_t dirent;
      memcpy(&dirent, buf + at, sizeof dirent);
      at += sizeof dirent;
      if (dirent.d_namlen > used - at) break;
      out_bytes(buf + at, dirent.d_namlen);
      out(",");
      at += dirent.d_namlen;
    }
  }
  end();
}

static void try_link(const char *op, const char *old_path, const char *new_path, const char *new_path_follow) {
  for (unsigned lookup = 0; lookup < 2; lookup++) {
    out(op);
    out_field("lookup", lookup);
    result(__wasi_path_link(dirfd, lookup, old_path, dirfd, lookup ? new_path_follow : new_path));
    end();
  }
}

static char *joined(const char *name, const char *suffix) {
  char *s = malloc(strlen(name) + strlen(suffix) + 1);
  strcpy(s, name);
  return strcat(s, suffix);
}

static void attempt(const char *op, const char *path, const char *other) {
  if (strcmp(op, "read") == 0) try_read(path);
  else if (strcmp(op, "open") == 0) try_open(path);
  else if (strcmp(op, "stat") == 0) try_stat(path);
  else if (strcmp(op, "set_times") == 0) try_set_times(path);
  else if (strcmp(op, "readlink") == 0) try_readlink(path);
  else if (strcmp(op, "readdir") == 0) try_readdir(path);
  else if (strcmp(op, "mkdir") == 0) simple(op, __wasi_path_create_directory(dirfd, path));
  else if (strcmp(op, "rmdir") == 0) simple(op, __wasi_path_remove_directory(dirfd, path));
  else if (strcmp(op, "unlink") == 0) simple(op, __wasi_path_unlink_file(dirfd, path));
  else if (other == NULL) usage(text);
  else if (strcmp(op, "link_from") == 0) try_link(op, path, other, joined(other, ".follow"));
  else if (strcmp(op, "link_to") == 0) try_link(op, other, path, path);
  else if (strcmp(op, "rename_from") == 0) simple(op, __wasi_path_rename(dirfd, path, dirfd, other));
  else if (strcmp(op, "rename_to") == 0) simple(op, __wasi_path_rename(dirfd, other, dirfd, path));
  else if (strcmp(op, "symlink_to") == 0) simple(op, __wasi_path_symlink(path, dirfd, other));
  else if (strcmp(op, "symlink_at") == 0) simple(op, __wasi_path_symlink(other, dirfd, path));
  else usage(text);
}

static void attempt_all(const char *path, const char *other) {
  static const char *const ops[][2] = {
      {"read", ""},          {"stat", ""},     {"readlink", ""},       {"readdir", ""},   {"set_times", ""},
      {"symlink_to", ".sym"}, {"link_from", ".from"}, {"open", ""},    {"link_to", ""},   {"mkdir", ""},
      {"symlink_at", ""},    {"rename_to", ""}, {"rename_from", ".moved"}, {"unlink", ""}, {"rmdir", ""},
  };
  int fd;
  __wasi_errno_t err = __wasi_path_open(dirfd, 0, other, __WASI_OFLAGS_CREAT, WRITE, 0, 0, &fd);
  if (err == 0) (void)!__wasi_fd_close(fd);
  simple("prepare", err);
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) attempt(ops[i][0], path, joined(other, ops[i][1]));
}

int main(int argc, char **argv) {
  if (argc < 4) usage(text);
  char *below = strchr(argv[1], '/');
  if (below != NULL) *below++ = '\0';
  dirfd = (int)number(argv[1]);
  if (below != NULL) {
    __wasi_errno_t err =
        __wasi_path_open(dirfd, 0, below, __WASI_OFLAGS_DIRECTORY, DIRECTORY_RIGHTS, ALL_RIGHTS, 0, &dirfd);
    if (err != 0) {
      simple("dirfd", err);
      out_flush();
      return 0;
    }
  }
  const char *other = argc > 4 ? argv[4] : NULL;
  if (strcmp(argv[2], "all") != 0) attempt(argv[2], argv[3], other);
  else if (other == NULL) usage(text);
  else attempt_all(argv[3], other);
  out_flush();
  return 0;
}
