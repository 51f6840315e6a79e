/*===- cpu.c - can this machine run the code? -----------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Compiled, like all of the runtime, for the base instruction set: it runs   *|
|* everywhere, and before any code that does not.                             *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

#include "processor.h" /* of the family's folder in targets/ */

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
