//===- HostOpaque.cpp - ops that the runtime's kernels carry out ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the size of a result depends on data, a first call counts and a second
// call fills: no upper bounds are allocated.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/nn-to-kernel/HostBuilder.h"

using namespace mlir;
using namespace sinter;

ValueRange HostBuilder::runtimeCall(StringRef name, ValueRange operands, ArrayRef<Value> inits,
                                    ArrayRef<Type> results, ArrayRef<int64_t> params) {
  SmallVector<Value> inputs;
  // The ONNX element types of arrays: inputs, then outputs.
  SmallVector<int32_t> dtypes;
  auto note = [&](Type type) {
    dtypes.push_back(nn::getElementTypeNumber(getElementTypeOrSelf(type)));
  };
  for (Value operand : operands) {
    inputs.push_back(get(operand));
    note(operand.getType());
  }
  llvm::for_each(results, note);
  return kernel::RuntimeCallOp::create(builder, loc, name, inputs, inits, params, dtypes)
      ->getResults();
}

LogicalResult HostBuilder::buildOpaque(Operation *op) {
  auto call = dyn_cast<nn::RuntimeOpInterface>(op);
  if (!call)
    return op->emitOpError("has no lowering; run nn-decompose first");
  Value count;
  if (!call.getCountKernel().empty()) {
    auto scalarType = RankedTensorType::get({}, builder.getI64Type());
    count =
        scalarIndex(runtimeCall(call.getCountKernel(), call.getCountInputs(),
                                {empty(scalarType, {})}, {scalarType}, call.getCountParams())[0]);
  }
  SmallVector<Value> inits;
  for (Value result : op->getResults()) {
    RankedTensorType type = hostType(result.getType());
    SmallVector<Value> dims;
    for (auto [dim, expr] : llvm::zip(type.getShape(), analysis.shape(result))) {
      if (!ShapedType::isDynamic(dim))
        continue;
      SmallVector<Value> sources;
      analysis.collectValues(expr, sources);
      bool isCount = llvm::any_of(sources, [&](Value v) { return v && v.getDefiningOp() == op; });
      dims.push_back(isCount ? count : index(expr));
    }
    inits.push_back(empty(type, dims));
  }
  auto results = runtimeCall(call.getRuntimeKernel(), call.getRuntimeInputs(), inits,
                             llvm::to_vector(op->getResultTypes()), call.getRuntimeParams());
  for (auto [result, host] : llvm::zip(op->getResults(), results))
    set(result, host);
  return success();
}
