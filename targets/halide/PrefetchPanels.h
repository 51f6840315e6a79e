//===- PrefetchPanels.h - the next panel, while this one is used -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seen only by the files of this folder that are compiled with RTTI and exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_PREFETCHPANELS_H
#define SINTER_TARGETS_HALIDE_PREFETCHPANELS_H

#include <Halide.h>

namespace sinter::halide {

/// A sum goes through a panel of an argument, as packed weights are, again and again: for each tile
/// of rows. The first time it comes from memory, faster than memory gives it, and then the memory
/// idles. So each pass fetches a part of the next panel into the second cache, some lines a step.
/// Stands last in Halide's lowering.
Halide::Internal::IRMutator *createPrefetchPanels();

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_PREFETCHPANELS_H
