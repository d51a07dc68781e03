/*
 * serve.c: a server that sends back what it gets, for many connections at a time, at a
 * listener that it was given.
 *
 *   serve FD [COUNT]    ends when COUNT connections have come and gone, else never
 *
 * Prints `served=N` when it ends, and `refused=E` with the errno if it cannot accept.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"

#define MOST 1024

static struct pollfd fds[MOST];
static nfds_t used;
static char buf[65536];

/* Waits where a descriptor that does not wait has no room. */
static int send_back(int fd, size_t len) {
  for (size_t sent = 0; sent < len;) {
    ssize_t n = write(fd, buf + sent, len - sent);
    if (n >= 0) {
      sent += n;
      continue;
    }
    if (errno != EAGAIN) return -1;
    struct pollfd room = {fd, POLLOUT, 0};
    (void)!poll(&room, 1, -1);
  }
  return 0;
}

static int accept_one(int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) return errno == EAGAIN ? 0 : errno;
  fds[used++] = (struct pollfd){fd, POLLIN, 0};
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) usage("serve FD [COUNT]");
  int listener = (int)number(argv[1]);
  uint64_t count = argc > 2 ? number(argv[2]) : UINT64_MAX, served = 0;
  int refused = 0;
  fds[used++] = (struct pollfd){listener, POLLIN, 0};
  while (served < count && refused == 0) {
    /* Who has no more room leaves the next ones in the queue. */
    fds[0].events = used < MOST ? POLLIN : 0;
    if (poll(fds, used, -1) < 0) break;
    for (nfds_t i = used; i-- > 1;) {
      if (!fds[i].revents) continue;
      ssize_t n = read(fds[i].fd, buf, sizeof buf);
      if (n > 0 && send_back(fds[i].fd, (size_t)n) == 0) continue;
      if (n < 0 && errno == EAGAIN) continue;
      close(fds[i].fd);
      fds[i] = fds[--used];
      served++;
    }
    if (fds[0].revents) refused = accept_one(listener);
  }
  if (refused) out("refused"), out("="), out_num((uint64_t)refused);
  else out("served"), out("="), out_num(served);
  out("\n");
  out_flush();
  return refused;
}
