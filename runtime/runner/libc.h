/*===- libc.h - what the runner calls -------------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Declared, not included, as in runtime/libc.h: no target's headers are      *|
|* needed to compile it. stub.c stands for them when the runner is linked.       *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_RUNTIME_RUNNER_LIBC_H
#define SINTER_RUNTIME_RUNNER_LIBC_H

#include "runtime/libc.h"

typedef struct FILE FILE;
FILE *fopen(const char *path, const char *mode);
int fclose(FILE *);
int fseek(FILE *, long offset, int whence);
long ftell(FILE *);
size_t fread(void *, size_t size, size_t count, FILE *);
size_t fwrite(const void *, size_t size, size_t count, FILE *);
void *malloc(size_t);
void *calloc(size_t count, size_t size);
void *dlopen(const char *path, int mode);
void *dlsym(void *library, const char *name);
char *dlerror(void);

enum { SEEK_SET = 0, SEEK_END = 2, RTLD_NOW = 2 };

#endif /* SINTER_RUNTIME_RUNNER_LIBC_H */
