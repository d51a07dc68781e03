// tree DIRECTORY: counts what is below a directory, and adds up the sizes.
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static long directories, files, bytes;

static int walk(const char *path) {
  DIR *stream = opendir(path);
  if (!stream) return perror(path), 1;
  struct dirent *entry;
  while ((entry = readdir(stream))) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
    struct stat stat;
    if (lstat(full, &stat) != 0) return perror(full), 1;
    if (S_ISDIR(stat.st_mode)) {
      directories++;
      if (walk(full)) return 1;
    } else {
      files++;
      bytes += stat.st_size;
    }
  }
  return closedir(stream);
}

int main(int argc, char **argv) {
  if (argc != 2 || walk(argv[1])) return 1;
  printf("%ld directories, %ld files, %ld bytes\n", directories, files, bytes);
  return 0;
}
