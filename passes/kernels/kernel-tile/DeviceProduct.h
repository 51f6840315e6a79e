//===- DeviceProduct.h - products and convolutions as tiles of blocks -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICEPRODUCT_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICEPRODUCT_H

#include "passes/kernels/kernel-tile/Model.h"

namespace sinter::tile {

/// Steps of a sum whose operands a block holds in shared memory.
constexpr int64_t productDepth = 8;

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
  int64_t realDepth = 0;    ///< the product of the sums' known extents
  bool paddedDepth = false; ///< k runs over zeros at the end
};

/// The kernel's only reduction, if it is a product that is worth tiles.
std::optional<Product> findProduct(kernel::FuncOp kernel);

/// Makes one loop of the sums, and stages of the operands.
void formProduct(Product &product);

/// Blocks, threads and registers for a kernel whose product is formed. False if the kernel around
/// it is of another kind; nothing is scheduled then.
bool scheduleProduct(Model &model, const Product &product);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICEPRODUCT_H
