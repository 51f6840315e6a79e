/*===- processor.h - what the runtime asks of an AArch64 ------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_TARGETS_ARM_PROCESSOR_H
#define SINTER_TARGETS_ARM_PROCESSOR_H

enum { futexCall = 98 };

static inline void pause(void) { __asm__ volatile("yield"); }

/* A requirement's leaf is a key of getauxval. */
static inline uint32_t identification(const SinterRequirement *requirement) {
  unsigned long bits = getauxval(requirement->leaf);
  return (uint32_t)(requirement->word ? bits >> 32 : bits);
}

#endif /* SINTER_TARGETS_ARM_PROCESSOR_H */
