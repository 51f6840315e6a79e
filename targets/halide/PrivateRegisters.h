//===- PrivateRegisters.h - a thread's part of a block's registers --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seen only by the files of this folder that are compiled with RTTI and exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_PRIVATEREGISTERS_H
#define SINTER_TARGETS_HALIDE_PRIVATEREGISTERS_H

#include <Halide.h>

namespace sinter::halide {

/// What is computed at a block and stored in registers has room for the block's whole tile in every
/// thread. Where all accesses are at constant distances from one place, which is the thread's, only
/// those elements are kept. Stands last in Halide's lowering, when threads are loops around all.
Halide::Internal::IRMutator *createPrivateRegisters();

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_PRIVATEREGISTERS_H
