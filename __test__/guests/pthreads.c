// A program with POSIX threads: pthreads.wasm [WHAT]
//
//   all      (the default) what <pthread.h> and <semaphore.h> have, each with several threads
//   returns  main returns while threads compute, wait for a condition, and sleep
//   exit     a thread exits while main waits to join it
//   most     threads without end, until there can be no more

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 1000

/** Ends the program where something is not as it must be. */
#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("%s:%d: %s\n", __func__, __LINE__, #condition);                   \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

/** Runs this in THREADS threads, whose arguments are their numbers; the sum of what they return. */
static intptr_t in_threads(void *(*run)(void *)) {
  pthread_t threads[THREADS];
  intptr_t sum = 0;
  for (intptr_t i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
  for (int i = 0; i < THREADS; i++) {
    void *result;
    CHECK(pthread_join(threads[i], &result) == 0);
    sum += (intptr_t)result;
  }
  return sum;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int locked;

static void *lock(void *number) {
  for (int i = 0; i < ROUNDS; i++) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    int before = locked;
    if (i % 100 == 0)
      sched_yield();
    locked = before + 1;
    CHECK(pthread_mutex_unlock(&mutex) == 0);
  }
  return number;
}

static void mutexes(void) {
  CHECK(in_threads(lock) == 0 + 1 + 2 + 3);
  CHECK(locked == THREADS * ROUNDS);

  pthread_mutexattr_t kind;
  pthread_mutex_t recursive;
  CHECK(pthread_mutexattr_init(&kind) == 0);
  CHECK(pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE) == 0);
  CHECK(pthread_mutex_init(&recursive, &kind) == 0);
  CHECK(pthread_mutex_lock(&recursive) == 0);
  CHECK(pthread_mutex_lock(&recursive) == 0);
  CHECK(pthread_mutex_unlock(&recursive) == 0);
  CHECK(pthread_mutex_unlock(&recursive) == 0);
  CHECK(pthread_mutex_destroy(&recursive) == 0);
}

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static intptr_t turn;

/** Each thread waits for its turn, and gives it to the next. */
static void *take_turns(void *number) {
  for (int i = 0; i < ROUNDS; i++) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    while (turn % THREADS != (intptr_t)number)
      CHECK(pthread_cond_wait(&condition, &mutex) == 0);
    turn++;
    CHECK(pthread_cond_broadcast(&condition) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
  }
  return NULL;
}

static void conditions(void) {
  in_threads(take_turns);
  CHECK(turn == THREADS * ROUNDS);

  struct timespec soon;
  CHECK(clock_gettime(CLOCK_REALTIME, &soon) == 0);
  soon.tv_nsec += 20 * 1000 * 1000;
  if (soon.tv_nsec >= 1000 * 1000 * 1000) {
    soon.tv_sec++;
    soon.tv_nsec -= 1000 * 1000 * 1000;
  }
  CHECK(pthread_mutex_lock(&mutex) == 0);
  int error;
  do
    error = pthread_cond_timedwait(&condition, &mutex, &soon);
  while (error == 0);
  CHECK(error == ETIMEDOUT);
  CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static _Thread_local int own = 7;
static _Thread_local char larger[1000];
static pthread_key_t key;
static atomic_int destroyed;

static void destroy(void *value) { destroyed += (int)(intptr_t)value; }

static void *keep(void *number) {
  // Each has the values that they begin with, also in a thread that was another before.
  CHECK(own == 7 && larger[999] == 0);
  CHECK(pthread_getspecific(key) == NULL);
  own += (int)(intptr_t)number;
  memset(larger, own, sizeof larger);
  CHECK(pthread_setspecific(key, (void *)(intptr_t)own) == 0);
  usleep(1000);
  CHECK(larger[999] == own);
  CHECK(pthread_getspecific(key) == (void *)(intptr_t)own);
  return (void *)(intptr_t)own;
}

static void thread_locals(void) {
  CHECK(pthread_key_create(&key, destroy) == 0);
  for (int i = 1; i <= 3; i++) {
    CHECK(in_threads(keep) == 4 * 7 + 6);
    CHECK(destroyed == i * (4 * 7 + 6));
  }
  CHECK(own == 7);
  CHECK(pthread_key_delete(key) == 0);
}

static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t barrier;
static sem_t semaphore;
static atomic_int ran, inside, serial;

static void run_once(void) { ran++; }

static void *others(void *number) {
  for (int i = 0; i < ROUNDS / 10; i++) {
    CHECK(pthread_once(&once, run_once) == 0);
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
      serial++;
    CHECK(sem_wait(&semaphore) == 0);
    CHECK(++inside <= 2);
    inside--;
    CHECK(sem_post(&semaphore) == 0);
    if (number == NULL) {
      CHECK(pthread_rwlock_wrlock(&readers) == 0);
      locked = i;
    } else {
      CHECK(pthread_rwlock_rdlock(&readers) == 0);
      CHECK(locked == i || locked == i - 1 || i == 0);
    }
    CHECK(pthread_rwlock_unlock(&readers) == 0);
  }
  return NULL;
}

static void the_others(void) {
  CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
  CHECK(sem_init(&semaphore, 0, 2) == 0);
  in_threads(others);
  CHECK(ran == 1 && serial == ROUNDS / 10);
}

static void *detach(void *number) {
  CHECK(pthread_detach(pthread_self()) == 0);
  CHECK(sem_post(&semaphore) == 0);
  return number;
}

/** A thread whose stack is as large as it was asked for, and one that nobody joins. */
static void *fill(void *size) {
  volatile char stack[200 * 1000];
  for (size_t i = 0; i < sizeof stack; i++)
    stack[i] = (char)i;
  return stack[1000] == (char)1000 ? size : NULL;
}

static void attributes(void) {
  pthread_attr_t large;
  pthread_t thread;
  void *result;
  CHECK(pthread_attr_init(&large) == 0);
  CHECK(pthread_attr_setstacksize(&large, 256 * 1024) == 0);
  CHECK(pthread_create(&thread, &large, fill, &large) == 0);
  CHECK(pthread_join(thread, &result) == 0 && result == &large);

  CHECK(sem_init(&semaphore, 0, 0) == 0);
  CHECK(pthread_create(&thread, NULL, detach, NULL) == 0);
  CHECK(sem_wait(&semaphore) == 0);
}

static void *compute(void *arg) {
  sem_post(&semaphore);
  for (volatile int i = 0;; i++)
    ;
  return arg;
}

static void *wait_for_ever(void *arg) {
  pthread_mutex_lock(&mutex);
  sem_post(&semaphore);
  while (pthread_cond_wait(&condition, &mutex) == 0)
    ;
  return arg;
}

static void *sleep_long(void *arg) {
  sem_post(&semaphore);
  sleep(1u << 30);
  return arg;
}

static int returns(void) {
  void *(*const each[])(void *) = {compute, wait_for_ever, sleep_long};
  pthread_t thread;
  CHECK(sem_init(&semaphore, 0, 0) == 0);
  for (int i = 0; i < 3; i++)
    CHECK(pthread_create(&thread, NULL, each[i], NULL) == 0);
  for (int i = 0; i < 3; i++)
    CHECK(sem_wait(&semaphore) == 0);
  puts("returns");
  return 5;
}

static void at_exit(void) { puts("at exit"); }

static void *exit_here(void *arg) {
  exit(6);
  return arg;
}

static int exits(void) {
  pthread_t thread;
  atexit(at_exit);
  CHECK(pthread_create(&thread, NULL, exit_here, NULL) == 0);
  pthread_join(thread, NULL);
  puts("went on");
  return 1;
}

static void *wait_for_main(void *arg) {
  CHECK(pthread_mutex_lock(&mutex) == 0);
  CHECK(pthread_mutex_unlock(&mutex) == 0);
  return arg;
}

static int most(void) {
  static pthread_t threads[5000];
  int count = 0, error;
  CHECK(pthread_mutex_lock(&mutex) == 0);
  while ((error = pthread_create(&threads[count], NULL, wait_for_main, NULL)) == 0)
    CHECK(++count < 5000);
  CHECK(pthread_mutex_unlock(&mutex) == 0);
  for (int i = 0; i < count; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  printf("%d %s\n", count, error == EAGAIN ? "EAGAIN" : strerror(error));
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "all";
  if (strcmp(what, "returns") == 0)
    return returns();
  if (strcmp(what, "exit") == 0)
    return exits();
  if (strcmp(what, "most") == 0)
    return most();
  mutexes();
  conditions();
  thread_locals();
  the_others();
  attributes();
  puts("all");
}
