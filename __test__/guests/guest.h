/*
 * guest.h: what the raw guests share. Output and number parsing without stdio,
 * so that a guest makes no call but the ones that its test is about.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#define EXIT_USAGE 64

static int out_fd = 1;
static char out_buf[4096];
static size_t out_len;

/* A failed write leaves no way to report it, so it ends the guest. */
static void out_flush(void) {
  const char *p = out_buf;
  while (out_len > 0) {
    __wasi_ciovec_t ciov = {(const uint8_t *)p, out_len};
    __wasi_size_t n = 0;
    __wasi_errno_t err = __wasi_fd_write(out_fd, &ciov, 1, &n);
    if (err == __WASI_ERRNO_AGAIN) {
      (void)!__wasi_sched_yield();
      continue;
    }
    if (err != 0) __wasi_proc_exit(74);
    p += n;
    out_len -= n;
  }
}

static void out_bytes(const void *bytes, size_t len) {
  const char *p = bytes;
  for (size_t i = 0; i < len; i++) {
    if (out_len == sizeof out_buf) out_flush();
    out_buf[out_len++] = p[i];
  }
}

static void out(const char *s) { out_bytes(s, strlen(s)); }

static void out_num(uint64_t n) {
  char digits[20];
  size_t i = sizeof digits;
  do digits[--i] = '0' + n % 10;
  while ((n /= 10) != 0);
  out_bytes(digits + i, sizeof digits - i);
}

/* " name=number" */
static void out_field(const char *name, uint64_t n) {
  out(" ");
  out(name);
  out("=");
  out_num(n);
}

/* Accepts decimal and 0x; anything else ends the guest with EXIT_USAGE. */
static uint64_t number(const char *s) {
  uint64_t n = 0;
  unsigned base = 10;
  if (s[0] == '0' && s[1] == 'x') base = 16, s += 2;
  if (*s == '\0') __wasi_proc_exit(EXIT_USAGE);
  for (; *s != '\0'; s++) {
    unsigned digit = *s >= 'a' ? *s - 'a' + 10u : (unsigned)(*s - '0');
    if (digit >= base) __wasi_proc_exit(EXIT_USAGE);
    n = n * base + digit;
  }
  return n;
}

static _Noreturn void usage(const char *text) {
  out_fd = 2;
  out("usage: ");
  out(text);
  out("\n");
  out_flush();
  __wasi_proc_exit(EXIT_USAGE);
}

#endif
