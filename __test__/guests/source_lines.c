// source_lines.c: traps in a function that another one calls. Its module has the names
// of both, and the lines of this file.

static volatile int most;

__attribute__((noinline)) static int check(int number) {
  if (number > most) __builtin_trap();
  return number;
}

void _start(void) {
  most = 1;
  most = check(most + 1);
}
