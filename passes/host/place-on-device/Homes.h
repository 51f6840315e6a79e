//===- Homes.h - which buffers a device works on ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_HOST_PLACEONDEVICE_HOMES_H
#define SINTER_PASSES_HOST_PLACEONDEVICE_HOMES_H

#include "dialects/kernel/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace sinter {

/// Whether a call is of a kernel that runs on the device.
bool isOnDevice(kernel::CallOp call);

/// The memrefs of a function by the memory that they may share, and where that memory is at home.
class Homes {
public:
  explicit Homes(mlir::func::FuncOp function);

  /// Of the device, and not of constants alone, which are on both sides.
  bool isDevice(mlir::Value memref) const;
  bool mayShare(mlir::Value a, mlir::Value b) const;

private:
  void collect(mlir::Operation *op);
  void join(mlir::Value a, mlir::Value b);
  void join(mlir::ValueRange a, mlir::ValueRange b);
  const void *leader(mlir::Value value) const;

  llvm::EquivalenceClasses<const void *> classes;
  llvm::DenseSet<const void *> device, changing; ///< leaders
};

} // namespace sinter

#endif // SINTER_PASSES_HOST_PLACEONDEVICE_HOMES_H
