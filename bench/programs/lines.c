// lines COUNT: writes short lines to stdout, a call each.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  for (long i = 0, count = atol(argv[1]); i < count; i++) {
    char line[32];
    int n = snprintf(line, sizeof line, "line %ld\n", i);
    if (write(STDOUT_FILENO, line, n) != n) return 1;
  }
  return 0;
}
