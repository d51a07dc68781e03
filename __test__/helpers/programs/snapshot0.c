/* Compiled, linked and run in the sandbox: whatever this program asks of its
   host it asks in the words of the first snapshot of WASI. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      printf("line %d: %s\n", __LINE__, #condition); \
      exit(1); \
    } \
  } while (0)

int main(int argc, char **argv) {
  CHECK(argc == 2);

  int fd = open("/home/numbers", O_RDWR | O_CREAT | O_TRUNC, 0666);
  CHECK(fd >= 0);
  CHECK(write(fd, "0123456789", 10) == 10);
  CHECK(lseek(fd, 0, SEEK_CUR) == 10);
  CHECK(lseek(fd, -4, SEEK_END) == 6);
  CHECK(lseek(fd, -2, SEEK_CUR) == 4);
  CHECK(lseek(fd, 3, SEEK_SET) == 3);
  char digit;
  CHECK(read(fd, &digit, 1) == 1 && digit == '3');

  struct stat by_fd, by_path;
  CHECK(fstat(fd, &by_fd) == 0);
  CHECK(stat("/home/numbers", &by_path) == 0);
  CHECK(by_fd.st_size == 10 && by_path.st_size == 10);
  CHECK(by_fd.st_nlink == 1 && by_path.st_nlink == 1);
  CHECK(S_ISREG(by_fd.st_mode) && by_fd.st_ino == by_path.st_ino);
  CHECK(by_fd.st_mtim.tv_sec > 1500000000);
  close(fd);

  FILE *file = fopen("/home/numbers", "r+");
  CHECK(file != NULL);
  CHECK(fseek(file, -1, SEEK_END) == 0 && fgetc(file) == '9');
  rewind(file);
  CHECK(fputs("a", file) >= 0);
  CHECK(fclose(file) == 0);

  int names = 0;
  DIR *dir = opendir("/home");
  CHECK(dir != NULL);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    if (strcmp(entry->d_name, "numbers") == 0) names++;
  closedir(dir);
  CHECK(names == 1);

  struct timespec before, after, pause = {0, 30 * 1000 * 1000};
  CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
  CHECK(nanosleep(&pause, NULL) == 0);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
  long long slept = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  CHECK(slept >= pause.tv_nsec);

  CHECK(open("/home/missing", O_RDONLY) == -1 && errno == ENOENT);
  CHECK(open("/home/../above", O_RDONLY) == -1);

  printf("%s from snapshot 0\n", argv[1]);
  return 42;
}
