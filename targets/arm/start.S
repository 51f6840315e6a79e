// start.S - where the runner (runtime/runner) begins on AArch64: calls
// __libc_start_main(main, argc, argv, init, fini, rtld_fini, stack_end).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
.globl _start
_start:
  mov x29, #0
  mov x30, #0
  mov x5, x0
  ldr x1, [sp]
  add x2, sp, #8
  mov x6, sp
  adrp x0, main
  add x0, x0, :lo12:main
  mov x3, #0
  mov x4, #0
  bl __libc_start_main
.section .note.GNU-stack, "", %progbits
