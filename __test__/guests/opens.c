/*
 * opens.c: opens one file again and again.
 *
 *   opens keep PATH COUNT      keeps every descriptor
 *   opens close PATH COUNT     closes each before the next
 *   opens renumber PATH COUNT  opens one, then renumbers each new one over it
 *
 * PATH is opened for reading below descriptor 3; stops at the first refusal.
 * Prints `call=NAME errno=E opened=N lowest=L highest=H`: the call that was refused
 * (`none` if all went well), how many opens succeeded, the range of the descriptors.
 * Exit code 0 if nothing was refused.
 */
#include "guest.h"

int main(int argc, char **argv) {
  if (argc != 4) usage("opens keep|close|renumber PATH COUNT");
  char mode = argv[1][0];
  uint64_t count = number(argv[3]), opened = 0;
  int lowest = -1, highest = -1, kept = -1;
  const char *call = "none";
  __wasi_errno_t err = 0;
  for (; opened < count; opened++) {
    int fd = -1;
    err = __wasi_path_open(3, 0, argv[2], 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd);
    if (err != 0) {
      call = "path_open";
      break;
    }
    if (lowest < 0 || fd < lowest) lowest = fd;
    if (fd > highest) highest = fd;
    if (mode == 'c') {
      call = "fd_close";
      if ((err = __wasi_fd_close(fd)) != 0) break;
    } else if (mode == 'r') {
      call = "fd_renumber";
      if (kept < 0) kept = fd;
      else if ((err = __wasi_fd_renumber(fd, kept)) != 0) break;
    }
    call = "none";
  }
  out("call=");
  out(call);
  out_field("errno", err);
  out_field("opened", opened);
  out_field("lowest", (uint64_t)(lowest < 0 ? 0 : lowest));
  out_field("highest", (uint64_t)(highest < 0 ? 0 : highest));
  out("\n");
  out_flush();
  return err != 0;
}
