// copy FROM TO BYTES: copies a file through a buffer of so many bytes.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  size_t size = strtoul(argv[3], NULL, 10);
  char *buffer = malloc(size);
  int from = open(argv[1], O_RDONLY);
  int to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (!buffer || from < 0 || to < 0) return perror("copy"), 1;
  ssize_t n;
  while ((n = read(from, buffer, size)) > 0)
    if (write(to, buffer, n) != n) return perror("write"), 1;
  if (n < 0 || close(to) != 0) return perror("copy"), 1;
  return 0;
}
