// pages FILE COUNT: writes and reads pages of a file in no order, as a database does.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 512, PAGES = 4096 };

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) return perror("open"), 1;
  if (ftruncate(fd, PAGE * PAGES) != 0) return perror("ftruncate"), 1;
  uint32_t state = 1, sum = 0;
  uint32_t page[PAGE / sizeof(uint32_t)];
  for (long i = 0, count = atol(argv[2]); i < count; i++) {
    state = state * 1664525 + 1013904223;
    off_t at = (off_t)(state >> 8 & (PAGES - 1)) * PAGE;
    if (pread(fd, page, PAGE, at) != PAGE) return perror("pread"), 1;
    sum += page[i % (PAGE / sizeof *page)];
    page[state >> 25] = state;
    if (pwrite(fd, page, PAGE, at) != PAGE) return perror("pwrite"), 1;
  }
  printf("%u\n", sum);
  return close(fd) == 0 ? 0 : 1;
}
