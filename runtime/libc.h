/*===- libc.h - the few functions of libc that a model calls --------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Declared here, not included, so that one source gives bitcode for every    *|
|* Linux target without that target's headers. Only functions whose arguments *|
|* look the same on all of them, and that are in libc.so.6 since glibc 2.34   *|
|* (the threads); no condition variables, whose unversioned symbols are those *|
|* of 2002.                                                                   *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_RUNTIME_LIBC_H
#define SINTER_RUNTIME_LIBC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

void *memcpy(void *__restrict to, const void *__restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
char *strstr(const char *text, const char *part);
int snprintf(char *to, size_t n, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *to, size_t n, const char *format, va_list);

int posix_memalign(void **memory, size_t alignment, size_t bytes);
void free(void *);
int madvise(void *memory, size_t bytes, int advice);

/* jmp_buf is 200 bytes on x86-64, 312 on AArch64, 344 on RISC-V. */
typedef struct {
  unsigned char bytes[384] __attribute__((aligned(16)));
} JumpBuffer;
int _setjmp(JumpBuffer *) __attribute__((returns_twice));
void longjmp(JumpBuffer *, int) __attribute__((noreturn));

typedef unsigned long pthread_t;
int pthread_create(pthread_t *, const void *attributes, void *(*)(void *), void *);
int pthread_join(pthread_t, void **);
int pthread_sigmask(int how, const void *set, void *old);
int sched_getaffinity(int pid, size_t bytes, void *mask);
long syscall(long number, ...);

struct timespec {
  long tv_sec, tv_nsec;
};
int clock_gettime(int clock, struct timespec *);
unsigned long getauxval(unsigned long key);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* SINTER_RUNTIME_LIBC_H */
