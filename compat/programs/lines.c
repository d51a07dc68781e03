/*
 * Reads lines and prints each with its number, in capitals: `lines`; or prints
 * so many lines of its own: `lines COUNT`. How many there were goes to standard
 * error.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void check(FILE *stream, const char *name) {
  if (!ferror(stream)) return;
  perror(name);
  exit(1);
}

static long transform(void) {
  long count = 0;
  int before = '\n';
  for (int c; (c = getchar()) != EOF; before = c) {
    if (before == '\n') printf("%ld ", ++count);
    putchar(toupper(c));
  }
  check(stdin, "stdin");
  return count;
}

static long produce(long count) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 20);
  for (long number = 0; number < count; number++) printf("line %ld\n", number);
  return count;
}

int main(int argc, char **argv) {
  long count = argc > 1 ? produce(atol(argv[1])) : transform();
  fflush(stdout);
  check(stdout, "stdout");
  fprintf(stderr, "%ld lines\n", count);
}
