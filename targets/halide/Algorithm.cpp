//===- Algorithm.cpp - linalg on tensors as Halide functions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/Algorithm.h"

#include "dialects/kernel/Buffers.h"

using namespace sinter;
using namespace sinter::halide;
using Halide::Expr;
namespace H = Halide;

Algorithm::Algorithm(kernel::FuncOp kernel, Backend backend) : kernel(kernel), backend(backend) {
  for (mlir::BlockArgument argument : kernel.getBody().getArguments())
    addArgument(argument);
  // Reductions that the schedule factors.
  llvm::DenseMap<unsigned, kernel::RFactorOp> factors;
  if (kernel.hasSchedule())
    for (auto factor : kernel.getSchedule().front().getOps<kernel::RFactorOp>())
      factors[mlir::cast<mlir::OpResult>(factor.getStage()).getResultNumber()] = factor;
  for (auto [i, op] : llvm::enumerate(kernel.getStages()))
    addStage(op, factors.lookup(i));
  addOutputs();
}

/// Fixes what is known of a buffer: it begins at 0, and is dense and row-major where no strides are
/// given. The bounds of a tuple's buffers are those of its first, `bounds`.
template <typename Buffer>
void Algorithm::describe(Buffer buffer, mlir::RankedTensorType type,
                         llvm::ArrayRef<int64_t> strides, Buffer bounds) {
  int64_t rank = type.getRank();
  Expr stride = 1;
  int64_t known = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t size = type.getDimSize(rank - 1 - i);
    bool isDynamic = mlir::ShapedType::isDynamic(size);
    if (isDynamic)
      bounds.dim(i).set_min(0);
    else
      bounds.dim(i).set_bounds(0, int32_t(size));
    known *= isDynamic ? 1 : std::max<int64_t>(size, 1);
    if (!strides.empty())
      stride = int32_t(strides[rank - 1 - i]);
    buffer.dim(i).set_stride(stride);
    stride = H::Internal::simplify(
        stride * (isDynamic ? Expr(bounds.dim(i).extent()) : Expr(int32_t(size))));
  }
  if (known > INT32_MAX)
    largeBuffers = true;
}

void Algorithm::addArgument(mlir::BlockArgument argument) {
  std::string name = "arg" + std::to_string(argument.getArgNumber());
  if (auto type = mlir::dyn_cast<mlir::RankedTensorType>(argument.getType())) {
    H::ImageParam image(typeOf(type.getElementType()), type.getRank(), name);
    describe(image, type, {}, image);
    images[argument] = image;
    arguments.push_back(image);
    return;
  }
  H::Type type = typeOf(argument.getType());
  H::Internal::Parameter parameter(type, /*is_buffer=*/false, 0, name);
  params[argument] = H::Internal::Variable::make(type, name, parameter);
  arguments.emplace_back(name, H::Argument::InputScalar, type, 0, H::ArgumentEstimates{});
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

void Algorithm::addOutputs() {
  auto yielded = kernel.getYielded();
  std::vector<bool> used(stages.size());
  for (unsigned i = 0; i < yielded.size();) {
    mlir::Value value = yielded[i];
    auto stage = stageOf.find(value);
    H::Func func;
    unsigned count = 1;
    if (stage != stageOf.end() && !used[stage->second]) {
      // All results of the op, one after another, are the buffers of one function.
      func = stages[stage->second].func;
      count = func.outputs();
      for (unsigned k = 0; k < count; ++k)
        if (i + k >= yielded.size() || yielded[i + k] != value.getDefiningOp()->getResult(k) ||
            stages[stage->second].tupleIndex[k] != k)
          func = H::Func();
    }
    if (func.defined()) {
      used[stage->second] = true;
    } else {
      // Anything else is copied.
      count = 1;
      func = H::Func("copy" + std::to_string(i));
      std::vector<H::Var> vars;
      for (int64_t d = 0; d < tensorType(value).getRank(); ++d)
        vars.push_back(H::Var("d" + std::to_string(d)));
      func(reversed(vars)) =
          element(value, std::vector<Expr>(vars.begin(), vars.end()), outer, Loops{});
      if (stage != stageOf.end())
        stages[stage->second].func.compute_root();
    }
    for (unsigned k = 0; k < count; ++k)
      describe(func.output_buffers()[k], tensorType(yielded[i + k]),
               kernel::getResultStrides(kernel, i + k), func.output_buffers()[0]);
    outputs.push_back(func);
    i += count;
  }
}
