// start.S - where the runner (runtime/runner) begins on x86-64: calls
// __libc_start_main(main, argc, argv, init, fini, rtld_fini, stack_end).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
.globl _start
_start:
  xorl %ebp, %ebp
  movq %rdx, %r9
  popq %rsi
  movq %rsp, %rdx
  andq $-16, %rsp
  pushq %rax
  pushq %rsp
  xorl %r8d, %r8d
  xorl %ecx, %ecx
  leaq main(%rip), %rdi
  call __libc_start_main@PLT
  hlt
.section .note.GNU-stack, "", @progbits
