//===- GraphWriter.h - one export, from function to message -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to the exporter's own files; op families see OpWriter.h only.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_EXPORT_ONNX_GRAPHWRITER_H
#define SINTER_COMPILER_EXPORT_ONNX_GRAPHWRITER_H

#include "compiler/export/onnx/OpWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

namespace sinter::onnx_export {

class GraphWriter {
public:
  explicit GraphWriter(::onnx::GraphProto &graph) : graph(graph) {}

  llvm::LogicalResult write(mlir::func::FuncOp function);

  /// A name that nothing else has, like `wanted`.
  Name fresh(llvm::StringRef wanted);
  Name lookup(mlir::Value value) { return names.lookup(value); }
  void define(mlir::Value value, const Name &name) { names[value] = name; }
  Name addInitializer(llvm::StringRef wanted, const nn::HostTensor &value);
  ::onnx::NodeProto &addNode() { return *graph.add_node(); }

private:
  void writeInputs(mlir::func::FuncOp function);
  void writeOutputs(mlir::func::FuncOp function);
  llvm::LogicalResult writeOp(mlir::Operation &op);

  ::onnx::GraphProto &graph;
  llvm::DenseMap<mlir::Value, Name> names;
  llvm::StringSet<> taken;
};

/// The name of the layer or node that an op came from, or what the op does.
std::string getPlaceName(mlir::Operation *op);
/// A tensor's type, dims and bytes.
void fillTensor(::onnx::TensorProto &tensor, const nn::HostTensor &value);
/// Writes the message to a file, whole or not at all.
llvm::LogicalResult writeModel(const ::onnx::ModelProto &model, llvm::StringRef path,
                               mlir::Location loc);

} // namespace sinter::onnx_export

#endif // SINTER_COMPILER_EXPORT_ONNX_GRAPHWRITER_H
