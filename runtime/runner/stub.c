/*===- stub.c - libc.so.6 as the linker sees it ---------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Symbols in the place of the target's libc, so that linking the runner      *|
|* needs no sysroot.                                                          *|
\*===----------------------------------------------------------------------===*/

#define STUB(name)                                                                                 \
  void name(void) {}

STUB(__libc_start_main)
STUB(calloc)
STUB(dlerror)
STUB(dlopen)
STUB(dlsym)
STUB(fclose)
STUB(fopen)
STUB(fread)
STUB(fseek)
STUB(ftell)
STUB(fwrite)
STUB(malloc)
STUB(memcpy)
STUB(memset)
STUB(snprintf)
STUB(strlen)
