//===- MergeStaging.h - one wait for several stages in shared memory ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seen only by the files of this folder that are compiled with RTTI and exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_MERGESTAGING_H
#define SINTER_TARGETS_HALIDE_MERGESTAGING_H

#include <Halide.h>

namespace sinter::halide {

/// Halide puts a barrier behind each stage that a block computes. Stages that are brought to shared
/// memory one after another, as the two operands of a product are, need none between them: without
/// it a thread asks the memory for all of its elements before it waits for the first. The caller
/// owns it; a pipeline takes it as a last lowering pass.
Halide::Internal::IRMutator *createMergeStaging();

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_MERGESTAGING_H
