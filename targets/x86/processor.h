/*===- processor.h - what the runtime asks of an x86-64 -------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_TARGETS_X86_PROCESSOR_H
#define SINTER_TARGETS_X86_PROCESSOR_H

enum { futexCall = 202 };

static inline void pause(void) { __builtin_ia32_pause(); }

/* In the place of a leaf: XCR0, the registers that the system saves. */
enum { extendedState = 0xffffffffu };

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t words[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(words[0]), "=b"(words[1]), "=c"(words[2]), "=d"(words[3])
                   : "a"(leaf), "c"(subleaf));
}

static inline uint32_t identification(const SinterRequirement *requirement) {
  uint32_t words[4];
  if (requirement->leaf == extendedState) {
    cpuid(1, 0, words);
    if (!(words[2] >> 27 & 1)) /* OSXSAVE: XCR0 can be read */
      return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
  }
  cpuid(requirement->leaf & 0x80000000u, 0, words);
  if (words[0] < requirement->leaf)
    return 0;
  cpuid(requirement->leaf, 0, words);
  if (requirement->subleaf && words[0] < requirement->subleaf) /* leaf 7's EAX: the last one */
    return 0;
  cpuid(requirement->leaf, requirement->subleaf, words);
  return words[requirement->word];
}

#endif /* SINTER_TARGETS_X86_PROCESSOR_H */
