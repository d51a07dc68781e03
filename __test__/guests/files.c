/*
 * files.c: file operations through libc, as a program does them.
 *
 *   files OP ARG... [, OP ARG...]...     a lone comma separates operations
 *
 *   create P             a new file; fails if it exists
 *   write P TEXT | append P TEXT
 *   read P               `read P: TEXT`
 *   pread P OFFSET LEN   `pread P: TEXT`
 *   pwrite P OFFSET TEXT
 *   seek P FROM OFFSET WHENCE  reads from FROM, then seeks; WHENCE set, cur or end:
 *                        `seek P: POSITION REST`
 *   truncate P SIZE | allocate P OFFSET LEN
 *   sync P               fsync and fdatasync
 *   advise P             posix_fadvise, sequential
 *   flags P              F_GETFL of P opened with O_APPEND and without: `append=B plain=B`
 *   rewrite P TEXT       opens for writing, sets the flags that it gets (F_GETFL, F_SETFL),
 *                        seeks to 0 and writes: what many runtimes do
 *   rename A B | unlink P | mkdir P | rmdir P
 *   ls P                 names in order, `.` and `..` left out: `ls P: a/ b l@`
 *                        (/ directory, @ link, ? other)
 *   lsa P                the same with `.` and `..`
 *   stat P | lstat P     `type=T size=N nlink=N`, T: file, dir, link, char, other
 *   times P | ltimes P   `atim=S.NNNNNNNNN mtim=S.NNNNNNNNN`
 *   utimens P ATIM MTIM | lutimens P ATIM MTIM | futimens P ATIM MTIM
 *                        each S.NNNNNNNNN, `now` or `omit`
 *   symlink TARGET P | readlink P | link A B | linkf A B (follows a link at A)
 *   same A B             `yes` if both are one file, else `no`
 *   dirfd D NEW NAME     opens the directory D, renames it to NEW, then creates NAME through
 *                        the descriptor and reads it back: `create=E read=TEXT|E`
 *
 * One line per operation: `OP ARG: ok`, what is said above, or `OP ARG: errno N` (the
 * preview1 number). Exit code 0 if all went well, 1 if an operation failed, 64 if one
 * is unknown.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char buf[65536];

/* Each operation prints its own answer and gives 0, or prints nothing and gives -1 with errno
 * set, or gives 1 where `ok` is all there is to say. */
typedef int operation(char **arg);

static int transfer(int fd, const char *text) {
  if (fd < 0) return -1;
  size_t len = strlen(text);
  if (write(fd, text, len) != (ssize_t)len) return -1;
  return close(fd) == 0 ? 1 : -1;
}

static int op_create(char **arg) {
  int fd = open(arg[0], O_CREAT | O_EXCL | O_WRONLY, 0666);
  return fd < 0 || close(fd) != 0 ? -1 : 1;
}

static int op_write(char **arg) { return transfer(open(arg[0], O_CREAT | O_TRUNC | O_WRONLY, 0666), arg[1]); }
static int op_append(char **arg) { return transfer(open(arg[0], O_CREAT | O_APPEND | O_WRONLY, 0666), arg[1]); }

static int show(int fd, ssize_t n) {
  if (n < 0) return -1;
  fwrite(buf, 1, (size_t)n, stdout);
  return close(fd);
}

static int op_read(char **arg) {
  int fd = open(arg[0], O_RDONLY);
  return fd < 0 ? -1 : show(fd, read(fd, buf, sizeof buf));
}

static int op_pread(char **arg) {
  int fd = open(arg[0], O_RDONLY);
  size_t len = strtoul(arg[2], NULL, 0);
  if (len > sizeof buf) len = sizeof buf;
  return fd < 0 ? -1 : show(fd, pread(fd, buf, len, strtoll(arg[1], NULL, 0)));
}

static int op_pwrite(char **arg) {
  int fd = open(arg[0], O_CREAT | O_WRONLY, 0666);
  size_t len = strlen(arg[2]);
  if (fd < 0 || pwrite(fd, arg[2], len, strtoll(arg[1], NULL, 0)) != (ssize_t)len) return -1;
  return close(fd) == 0 ? 1 : -1;
}

static int op_seek(char **arg) {
  int fd = open(arg[0], O_RDONLY);
  if (fd < 0 || lseek(fd, strtoll(arg[1], NULL, 0), SEEK_SET) < 0) return -1;
  int whence = arg[3][0] == 's' ? SEEK_SET : arg[3][0] == 'c' ? SEEK_CUR : SEEK_END;
  off_t at = lseek(fd, strtoll(arg[2], NULL, 0), whence);
  if (at < 0) return -1;
  printf("%lld ", (long long)at);
  return show(fd, read(fd, buf, sizeof buf));
}

static int op_truncate(char **arg) { return truncate(arg[0], strtoll(arg[1], NULL, 0)) == 0 ? 1 : -1; }

static int op_allocate(char **arg) {
  int fd = open(arg[0], O_CREAT | O_WRONLY, 0666);
  if (fd < 0) return -1;
  errno = posix_fallocate(fd, strtoll(arg[1], NULL, 0), strtoll(arg[2], NULL, 0));
  return errno != 0 || close(fd) != 0 ? -1 : 1;
}

static int op_sync(char **arg) {
  int fd = open(arg[0], O_WRONLY);
  return fd < 0 || fsync(fd) != 0 || fdatasync(fd) != 0 || close(fd) != 0 ? -1 : 1;
}

static int op_advise(char **arg) {
  int fd = open(arg[0], O_RDONLY);
  if (fd < 0) return -1;
  errno = posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return errno != 0 || close(fd) != 0 ? -1 : 1;
}

static int op_flags(char **arg) {
  int append = open(arg[0], O_WRONLY | O_APPEND), plain = open(arg[0], O_WRONLY);
  if (append < 0 || plain < 0) return -1;
  int append_flags = fcntl(append, F_GETFL), plain_flags = fcntl(plain, F_GETFL);
  printf("append=%d plain=%d", (append_flags & O_APPEND) != 0, (plain_flags & O_APPEND) != 0);
  return close(append) | close(plain);
}

static int op_rewrite(char **arg) {
  int fd = open(arg[0], O_WRONLY);
  if (fd < 0) return -1;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags) != 0 || lseek(fd, 0, SEEK_SET) != 0) return -1;
  return transfer(fd, arg[1]);
}

static int op_rename(char **arg) { return rename(arg[0], arg[1]) == 0 ? 1 : -1; }
static int op_unlink(char **arg) { return unlink(arg[0]) == 0 ? 1 : -1; }
static int op_mkdir(char **arg) { return mkdir(arg[0], 0777) == 0 ? 1 : -1; }
static int op_rmdir(char **arg) { return rmdir(arg[0]) == 0 ? 1 : -1; }

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int list(const char *path, int dots) {
  DIR *dir = opendir(path);
  if (dir == NULL) return -1;
  char **names = NULL;
  size_t count = 0;
  struct dirent *entry;
  while (errno = 0, (entry = readdir(dir)) != NULL) {
    if (!dots && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)) continue;
    char mark = entry->d_type == DT_DIR ? '/' : entry->d_type == DT_LNK ? '@' : entry->d_type == DT_REG ? 0 : '?';
    names = realloc(names, (count + 1) * sizeof *names);
    names[count] = malloc(strlen(entry->d_name) + 2);
    sprintf(names[count++], "%s%c", entry->d_name, mark);
  }
  if (errno != 0) return -1;
  if (count > 0) qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) printf(i == 0 ? "%s" : " %s", names[i]);
  return closedir(dir);
}

static int op_ls(char **arg) { return list(arg[0], 0); }
static int op_lsa(char **arg) { return list(arg[0], 1); }

static int print_stat(int failed, const struct stat *st) {
  if (failed) return -1;
  const char *type = S_ISREG(st->st_mode)   ? "file"
                     : S_ISDIR(st->st_mode) ? "dir"
                     : S_ISLNK(st->st_mode) ? "link"
                     : S_ISCHR(st->st_mode) ? "char"
                                            : "other";
  printf("type=%s size=%lld nlink=%llu", type, (long long)st->st_size, (unsigned long long)st->st_nlink);
  return 0;
}

static int print_times(int failed, const struct stat *st) {
  if (failed) return -1;
  printf("atim=%lld.%09ld mtim=%lld.%09ld", (long long)st->st_atim.tv_sec, st->st_atim.tv_nsec,
         (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
  return 0;
}

static struct stat st;

static int op_stat(char **arg) { return print_stat(stat(arg[0], &st), &st); }
static int op_lstat(char **arg) { return print_stat(lstat(arg[0], &st), &st); }
static int op_times(char **arg) { return print_times(stat(arg[0], &st), &st); }
static int op_ltimes(char **arg) { return print_times(lstat(arg[0], &st), &st); }

static struct timespec timespec_of(const char *s) {
  struct timespec t = {0, strcmp(s, "now") == 0 ? UTIME_NOW : UTIME_OMIT};
  if (strcmp(s, "now") == 0 || strcmp(s, "omit") == 0) return t;
  char *fraction;
  t.tv_sec = strtoll(s, &fraction, 10);
  t.tv_nsec = *fraction == '.' ? strtol(fraction + 1, NULL, 10) : 0;
  return t;
}

static int set_times(char **arg, int flag) {
  struct timespec times[2] = {timespec_of(arg[1]), timespec_of(arg[2])};
  return utimensat(AT_FDCWD, arg[0], times, flag) == 0 ? 1 : -1;
}

static int op_utimens(char **arg) { return set_times(arg, 0); }
static int op_lutimens(char **arg) { return set_times(arg, AT_SYMLINK_NOFOLLOW); }

static int op_futimens(char **arg) {
  struct timespec times[2] = {timespec_of(arg[1]), timespec_of(arg[2])};
  int fd = open(arg[0], O_WRONLY);
  return fd < 0 || futimens(fd, times) != 0 || close(fd) != 0 ? -1 : 1;
}

static int op_symlink(char **arg) { return symlink(arg[0], arg[1]) == 0 ? 1 : -1; }

static int op_readlink(char **arg) {
  ssize_t n = readlink(arg[0], buf, sizeof buf);
  if (n < 0) return -1;
  printf("%.*s", (int)n, buf);
  return 0;
}

static int op_link(char **arg) { return linkat(AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0) == 0 ? 1 : -1; }
static int op_linkf(char **arg) { return linkat(AT_FDCWD, arg[0], AT_FDCWD, arg[1], AT_SYMLINK_FOLLOW) == 0 ? 1 : -1; }

static int op_same(char **arg) {
  struct stat a, b;
  if (stat(arg[0], &a) != 0 || stat(arg[1], &b) != 0) return -1;
  printf(a.st_ino == b.st_ino && a.st_dev == b.st_dev ? "yes" : "no");
  return 0;
}

static int op_dirfd(char **arg) {
  int dir = open(arg[0], O_RDONLY | O_DIRECTORY);
  if (dir < 0 || rename(arg[0], arg[1]) != 0) return -1;
  int fd = openat(dir, arg[2], O_CREAT | O_WRONLY, 0666);
  int failed = fd < 0 || write(fd, "through", 7) != 7 || close(fd) != 0;
  printf("create=%d read=", failed ? errno : 0);
  fd = openat(dir, arg[2], O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf);
  if (n < 0) printf("%d", errno);
  else printf("%.*s", (int)n, buf);
  return close(dir);
}

static const struct {
  const char *name;
  int args;
  operation *run;
} operations[] = {
    {"create", 1, op_create},     {"write", 2, op_write},       {"append", 2, op_append},
    {"read", 1, op_read},         {"pread", 3, op_pread},       {"pwrite", 3, op_pwrite},
    {"seek", 4, op_seek},         {"truncate", 2, op_truncate}, {"allocate", 3, op_allocate},
    {"sync", 1, op_sync},         {"advise", 1, op_advise},     {"flags", 1, op_flags},
    {"rewrite", 2, op_rewrite},   {"rename", 2, op_rename},     {"unlink", 1, op_unlink},
    {"mkdir", 1, op_mkdir},       {"rmdir", 1, op_rmdir},       {"ls", 1, op_ls},
    {"lsa", 1, op_lsa},           {"stat", 1, op_stat},         {"lstat", 1, op_lstat},
    {"times", 1, op_times},       {"ltimes", 1, op_ltimes},     {"utimens", 3, op_utimens},
    {"lutimens", 3, op_lutimens}, {"futimens", 3, op_futimens}, {"symlink", 2, op_symlink},
    {"readlink", 1, op_readlink}, {"link", 2, op_link},         {"linkf", 2, op_linkf},
    {"same", 2, op_same},         {"dirfd", 3, op_dirfd},
};

static int usage(const char *what) {
  fprintf(stderr, "files: %s\nusage: files OP ARG... [, OP ARG...]...\n", what);
  return 64;
}

int main(int argc, char **argv) {
  int code = 0;
  if (argc < 2) return usage("no operation");
  for (int i = 1; i < argc;) {
    size_t op = 0, count = sizeof operations / sizeof *operations;
    while (op < count && strcmp(operations[op].name, argv[i]) != 0) op++;
    int next = i + 1;
    while (next < argc && strcmp(argv[next], ",") != 0) next++;
    if (op == count || next - i - 1 != operations[op].args) return usage(argv[i]);
    printf("%s %s: ", argv[i], argv[i + 1]);
    errno = 0;
    int result = operations[op].run(argv + i + 1);
    if (result < 0) printf("errno %d", errno), code = 1;
    else if (result > 0) printf("ok");
    putchar('\n');
    fflush(stdout);
    i = next + 1;
  }
  return code;
}
