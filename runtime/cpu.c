/*===- cpu.c - can this machine run the code? -----------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Compiled, like all of the runtime, for the base instruction set: it runs   *|
|* everywhere, and before any code that does not.                             *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

#if defined(__x86_64__)

/* In the place of a leaf: XCR0, the registers that the system saves. */
enum { extendedState = 0xffffffffu };

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t words[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(words[0]), "=b"(words[1]), "=c"(words[2]), "=d"(words[3])
                   : "a"(leaf), "c"(subleaf));
}

static uint32_t identification(const SinterRequirement *requirement) {
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

#else

static uint32_t identification(const SinterRequirement *requirement) {
  unsigned long bits = getauxval(requirement->leaf);
  return (uint32_t)(requirement->word ? bits >> 32 : bits);
}

#endif

SinterStatus sinterChooseVariant(const SinterInternal *internal,
                                 const SinterContextOptions *options,
                                 const SinterVariant **chosen) {
  SinterStatus status = SINTER_UNSUPPORTED_CPU;
  for (int32_t v = 0; v < internal->variants; ++v) {
    const SinterVariant *variant = internal->variant[v];
    const SinterRequirement *requirement = variant->requirements;
    while (requirement->mask &&
           (identification(requirement) & requirement->mask) == requirement->mask)
      ++requirement;
    if (requirement->mask)
      continue;
    status = variant->driver ? hooksOf(variant->driver)->find(variant, options) : SINTER_OK;
    *chosen = variant;
    if (!status)
      break;
  }
  return status;
}
