//===- DeviceProduct.h - products and convolutions as tiles of blocks -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICEPRODUCT_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICEPRODUCT_H

#include "passes/kernels/kernel-tile/Model.h"

namespace sinter::tile {

/// The product of a kernel, with loops of `op`.
struct Product {
  mutable mlir::linalg::GenericOp op; // its accessors are not const
  int n = -1;                         ///< the result's innermost loop
  llvm::SmallVector<int, 2> rows;     ///< innermost first: those that only the other operand has
  llvm::SmallVector<int, 4> sums;     ///< loops of the sum; none once it is formed
  int k = -1;                         ///< the only one, once it is formed
  unsigned second = 1;                ///< the operand that has n
  bool isDeep[2] = {};                ///< whether an operand's neighbours in memory are steps of k
  /// Iterations, with sizes to expect.
  int64_t rowCount = 1, columns = 1, depth = 1;
  int64_t step = 8;         ///< of k, whose operands a block holds in shared memory at once
  int64_t realDepth = 0;    ///< the product of the sums' known extents
  bool paddedDepth = false; ///< k runs over zeros at the end
};

/// A stage, if it is a product that is worth tiles.
std::optional<Product> findProduct(mlir::linalg::LinalgOp stage);

/// Makes one loop of the sums, and stages of the operands.
void formProduct(Product &product);

/// Blocks, threads and registers for a stage that is kept in memory, one element of which needs one
/// of a product that is formed. `rootLoops` are the stage's loops for the dimensions of the
/// product's result. Returns the loop inside which a thread computes its elements.
std::string scheduleProduct(Model &model, Stage &root, const Product &product,
                            llvm::ArrayRef<int> rootLoops);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICEPRODUCT_H
