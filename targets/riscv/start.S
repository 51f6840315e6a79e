// start.S - where the runner (runtime/runner) begins on RISC-V: calls
// __libc_start_main(main, argc, argv, init, fini, rtld_fini, stack_end).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
.globl _start
_start:
.option push
.option norelax
  lla gp, __global_pointer$
.option pop
  mv a5, a0
  lla a0, main
  ld a1, 0(sp)
  addi a2, sp, 8
  andi sp, sp, -16
  li a3, 0
  li a4, 0
  mv a6, sp
  call __libc_start_main
.section .note.GNU-stack, "", %progbits
