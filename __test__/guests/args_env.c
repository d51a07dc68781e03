/*
 * args_env.c: prints what the guest was started with.
 *
 *   args_env [ARG...]
 *
 * One line per argument, the program name included: `arg I: VALUE`;
 * then one per environment entry: `env I: NAME=VALUE`. Exit code 0.
 */
#include <stdio.h>

extern char **environ;

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("arg %d: %s\n", i, argv[i]);
  for (int i = 0; environ[i] != NULL; i++) printf("env %d: %s\n", i, environ[i]);
  return 0;
}
