/*
 * poll.c: one poll_oneoff over the subscriptions that it is given.
 *
 *   poll SUBSCRIPTION...
 *     read:FD          FD can be read
 *     write:FD         FD can be written
 *     after:ID:NS      NS nanoseconds from now, on clock ID, as a relative timeout
 *     at:ID:NS         NS nanoseconds from now, on clock ID, as an absolute time
 *     past:ID          the absolute time 1, long gone
 *     abs:ID:NS        the absolute time NS
 *     raw:ID:NS:FLAGS  timeout and subclockflags as they stand
 *
 * Subscription I carries userdata 1000 + I. Prints, before the call if the first
 * argument is `-v`, `polling`; then `errno=E nevents=N`, one line per event in the
 * host's order, `userdata=U errno=E type=T nbytes=B flags=F` (T: 0 clock, 1 read,
 * 2 write), and `elapsed_us=N` by the monotonic clock. Exit code 0 if the call succeeded.
 */
#include "guest.h"

#define MAX 64

static __wasi_subscription_t subscriptions[MAX];
static __wasi_event_t events[MAX];

static const char text[] = "poll [-v] read:FD|write:FD|after:ID:NS|at:ID:NS|past:ID|abs:ID:NS|raw:ID:NS:FLAGS...";

static uint64_t now(uint32_t id) {
  uint64_t t = 0;
  if (__wasi_clock_time_get(id, 0, &t) != 0) t = 0;
  return t;
}

/* Cuts the field that `*rest` begins with off at its colon. */
static char *field(char **rest) {
  char *start = *rest;
  if (start == NULL) usage(text);
  char *colon = strchr(start, ':');
  if (colon != NULL) *colon = '\0';
  *rest = colon == NULL ? NULL : colon + 1;
  return start;
}

static void subscribe(__wasi_subscription_t *s, char *arg) {
  char *kind = field(&arg);
  if (strcmp(kind, "read") == 0 || strcmp(kind, "write") == 0) {
    s->u.tag = kind[0] == 'r' ? __WASI_EVENTTYPE_FD_READ : __WASI_EVENTTYPE_FD_WRITE;
    s->u.u.fd_read.file_descriptor = (int)number(field(&arg));
    return;
  }
  s->u.tag = __WASI_EVENTTYPE_CLOCK;
  __wasi_subscription_clock_t *clock = &s->u.u.clock;
  clock->id = (uint32_t)number(field(&arg));
  if (strcmp(kind, "past") == 0) {
    clock->timeout = 1;
    clock->flags = __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
    return;
  }
  clock->timeout = number(field(&arg));
  if (strcmp(kind, "at") == 0) clock->timeout += now(clock->id);
  else if (strcmp(kind, "raw") == 0) clock->flags = (uint16_t)number(field(&arg));
  else if (strcmp(kind, "after") != 0 && strcmp(kind, "abs") != 0) usage(text);
  if (kind[0] == 'a' && kind[1] != 'f') clock->flags = __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
}

int main(int argc, char **argv) {
  int verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
  int count = argc - 1 - verbose;
  if (count > MAX) usage(text);
  if (verbose) {
    out("polling\n");
    out_flush();
  }
  uint64_t start = now(__WASI_CLOCKID_MONOTONIC);
  for (int i = 0; i < count; i++) {
    subscriptions[i].userdata = 1000u + (unsigned)i;
    subscribe(&subscriptions[i], argv[1 + verbose + i]);
  }
  __wasi_size_t nevents = 0;
  __wasi_errno_t err = __wasi_poll_oneoff(subscriptions, events, (size_t)count, &nevents);
  uint64_t elapsed = now(__WASI_CLOCKID_MONOTONIC) - start;
  out("errno=");
  out_num(err);
  out_field("nevents", nevents);
  out("\n");
  for (__wasi_size_t i = 0; i < nevents && i < MAX; i++) {
    const __wasi_event_t *e = &events[i];
    out("userdata=");
    out_num(e->userdata);
    out_field("errno", e->error);
    out_field("type", e->type);
    out_field("nbytes", e->fd_readwrite.nbytes);
    out_field("flags", e->fd_readwrite.flags);
    out("\n");
  }
  out("elapsed_us=");
  out_num(elapsed / 1000);
  out("\n");
  out_flush();
  return err != 0;
}
