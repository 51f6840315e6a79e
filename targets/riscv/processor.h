/*===- processor.h - what the runtime asks of a RISC-V --------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_TARGETS_RISCV_PROCESSOR_H
#define SINTER_TARGETS_RISCV_PROCESSOR_H

enum { futexCall = 98 };

static inline void pause(void) { __asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010"); }

enum {
  AT_HWCAP = 16, /* getauxval: the one-letter extensions, from bit 0 for A */
  hwprobe = 258, /* the system call: bits of the key in the place of a subleaf; Linux 6.4 */
  vlenb = 0xc22, /* the register: bytes of a vector register */
  vector = 1 << ('V' - 'A'),
};

static inline uint64_t probe(uint32_t key) {
  struct {
    int64_t key;
    uint64_t value;
  } pair = {key, 0};
  return syscall(hwprobe, &pair, (size_t)1, (size_t)0, NULL, 0) == 0 && pair.key >= 0 ? pair.value
                                                                                      : 0;
}

/* Every power of two up to the bytes of a vector register. */
static inline uint64_t vectorLengths(void) {
  unsigned long bytes;
  if (!(getauxval(AT_HWCAP) & vector))
    return 0;
  __asm__ volatile("csrr %0, 0xc22" : "=r"(bytes));
  return 2 * bytes - 1;
}

static inline uint32_t identification(const SinterRequirement *requirement) {
  uint64_t bits = requirement->leaf == hwprobe ? probe(requirement->subleaf)
                  : requirement->leaf == vlenb ? vectorLengths()
                                               : getauxval(requirement->leaf);
  return (uint32_t)(requirement->word ? bits >> 32 : bits);
}

#endif /* SINTER_TARGETS_RISCV_PROCESSOR_H */
