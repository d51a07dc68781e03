/*
 * exit.c: ends with the exit code that it is given.
 *
 *   exit CODE [TEXT]      CODE up to 4294967295, decimal or 0x
 *   exit return           returns from main instead, exit code 0
 *
 * Prints TEXT, if there is one, before it ends. What follows proc_exit writes
 * `survived` to standard output: a host that shows it has let the guest live on.
 */
#include "guest.h"

/* The header calls proc_exit noreturn, and the compiler would drop what follows. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) void
proc_exit(uint32_t rval);

int main(int argc, char **argv) {
  if (argc < 2) usage("exit CODE [TEXT] | exit return");
  if (argc > 2) {
    out(argv[2]);
    out("\n");
    out_flush();
  }
  if (strcmp(argv[1], "return") == 0) return 0;
  proc_exit((uint32_t)number(argv[1]));
  out("survived\n");
  out_flush();
  return 0;
}
