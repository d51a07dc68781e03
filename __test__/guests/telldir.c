/*
 * telldir.c: what a C library makes of a directory stream.
 *
 *   telldir tell DIR            tells the place behind each entry, then goes back to some
 *   telldir remove DIR          the same, with every second entry removed in between
 *   telldir each unlink DIR N   removes each entry when it is read
 *   telldir each rename DIR N   renames each entry to `new` and its name when it is read
 *   telldir each create DIR N   creates `new` and its name beside each entry when it is read
 *   telldir rewind DIR NAME     creates NAME behind the back of a stream, and rewinds it
 *
 * DIR has N files that are called `file` and a number below N. Prints `entries=N wrong=N`: for the places the
 * entries behind them that were others, for `each` the files that were read not once, for `rewind` 1
 * if NAME was not read. Exit code 0 if no call failed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 30000

static struct place {
  char name[64];
  long behind;
  int gone;
} places[MOST];

static int seen[MOST];

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static DIR *open_stream(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) fail(path);
  return dir;
}

static char *below(const char *dir, const char *prefix, const char *name) {
  static char paths[2][512];
  static int turn;
  turn = !turn;
  snprintf(paths[turn], sizeof paths[turn], "%s/%s%s", dir, prefix, name);
  return paths[turn];
}

static void create(const char *path) {
  int fd = open(path, O_CREAT | O_WRONLY, 0666);
  if (fd < 0) fail(path);
  close(fd);
}

static void tell(const char *path, int removing) {
  DIR *dir = open_stream(path);
  struct dirent *entry;
  int count = 0, wrong = 0;
  while (count < MOST && (entry = readdir(dir)) != NULL) {
    snprintf(places[count].name, sizeof places[count].name, "%s", entry->d_name);
    places[count++].behind = telldir(dir);
  }
  if (removing) {
    for (int i = 0; i < count; i += 2) {
      if (strncmp(places[i].name, "file", 4) != 0) continue;
      if (unlink(below(path, "", places[i].name)) != 0) fail(places[i].name);
      places[i].gone = 1;
    }
  }
  /* From the back, so that no place is where the stream is. Then from the place behind that. */
  for (int i = count - 1; i >= 0; i -= 31) {
    long place = places[i].behind;
    for (int next = i + 1, step = 0; step < 2; next++, step++) {
      while (next < count && places[next].gone) next++;
      seekdir(dir, place);
      entry = readdir(dir);
      if (next >= count) {
        wrong += entry != NULL;
        break;
      }
      if (entry == NULL || strcmp(entry->d_name, places[next].name) != 0) wrong++;
      place = telldir(dir);
    }
  }
  closedir(dir);
  printf("entries=%d wrong=%d\n", count, wrong);
}

static void each(const char *what, const char *path, int total) {
  DIR *dir = open_stream(path);
  struct dirent *entry;
  int wrong = 0;
  while ((entry = readdir(dir)) != NULL) {
    if (strncmp(entry->d_name, "file", 4) != 0) continue;
    int number = atoi(entry->d_name + 4);
    if (number < MOST) seen[number]++;
    char *old = below(path, "", entry->d_name), *new = below(path, "new", entry->d_name);
    if (strcmp(what, "create") == 0) create(new);
    else if ((strcmp(what, "rename") == 0 ? rename(old, new) : unlink(old)) != 0) fail(old);
  }
  closedir(dir);
  for (int i = 0; i < total; i++) wrong += seen[i] != 1;
  printf("entries=%d wrong=%d\n", total, wrong);
}

static void rewind_with(const char *path, const char *name) {
  DIR *dir = open_stream(path);
  struct dirent *entry;
  int count = 0, found = 0;
  while (readdir(dir) != NULL) continue;
  create(below(path, "", name));
  rewinddir(dir);
  while ((entry = readdir(dir)) != NULL) {
    count++;
    found |= strcmp(entry->d_name, name) == 0;
  }
  closedir(dir);
  printf("entries=%d wrong=%d\n", count, !found);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "tell") == 0) tell(argv[2], 0);
  else if (argc == 3 && strcmp(argv[1], "remove") == 0) tell(argv[2], 1);
  else if (argc == 5 && strcmp(argv[1], "each") == 0) each(argv[2], argv[3], atoi(argv[4]));
  else if (argc == 4 && strcmp(argv[1], "rewind") == 0) rewind_with(argv[2], argv[3]);
  else return 64;
  return 0;
}
