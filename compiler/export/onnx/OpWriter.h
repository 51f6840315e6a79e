//===- OpWriter.h - one op as ONNX nodes ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the families of ops see of the exporter.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_EXPORT_ONNX_OPWRITER_H
#define SINTER_COMPILER_EXPORT_ONNX_OPWRITER_H

#include "dialects/nn/NN.h"
#include "llvm/ADT/StringMap.h"
#include <functional>
#include <onnx/onnx_pb.h>

namespace sinter::onnx_export {

class GraphWriter;

/// A tensor of the ONNX graph, by its name; "" is an operand that is not there.
using Name = std::string;

/// The attributes of a node, in their order.
class Attributes {
public:
  Attributes &set(llvm::StringRef name, int64_t value);
  Attributes &set(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  Attributes &set(llvm::StringRef name, llvm::StringRef value);
  Attributes &set(llvm::StringRef name, mlir::ArrayAttr texts);
  Attributes &setFloat(llvm::StringRef name, double value);
  Attributes &setFloats(llvm::StringRef name, llvm::ArrayRef<double> values);

  std::vector<::onnx::AttributeProto> attributes;

private:
  ::onnx::AttributeProto &add(llvm::StringRef name, ::onnx::AttributeProto::AttributeType type);
};

class OpWriter {
public:
  OpWriter(GraphWriter &graph, mlir::Operation *op) : graph(graph), op(op) {}

  mlir::Operation *getOp() const { return op; }

  /// The name of a value; "" of none.
  Name operand(mlir::Value value);
  std::vector<Name> operands();
  /// An index tensor as i64, which ONNX asks for where nn also takes i32.
  Name indices(mlir::Value value);
  /// A 1-D constant.
  Name indices(llvm::ArrayRef<int64_t> values);
  /// A scalar.
  Name index(int64_t value);
  /// A scalar of the element type of `like`.
  Name number(mlir::Value like, double value);

  /// Adds a node with one result, or with `results`.
  Name node(llvm::StringRef type, llvm::ArrayRef<Name> inputs, const Attributes &attributes = {});
  std::vector<Name> nodes(llvm::StringRef type, llvm::ArrayRef<Name> inputs, size_t results,
                          const Attributes &attributes = {});
  Name transpose(const Name &x, llvm::ArrayRef<int64_t> permutation);

  /// Says what the op's results are.
  llvm::LogicalResult yield(llvm::ArrayRef<Name> results);
  /// Reports that ONNX has no such op.
  llvm::LogicalResult refuse(const llvm::Twine &reason);

private:
  GraphWriter &graph;
  mlir::Operation *op;
};

/// Op name → what writes it.
class WriterTable {
public:
  static const WriterTable &get();

  template <typename Op>
  void add(llvm::LogicalResult (*write)(OpWriter &, Op)) {
    writers[Op::getOperationName()] = [write](OpWriter &writer) {
      return write(writer, llvm::cast<Op>(writer.getOp()));
    };
  }
  /// An op that is one node of the same operands, without attributes.
  template <typename Op>
  void addPlain(const char *type) {
    writers[Op::getOperationName()] = [type](OpWriter &writer) {
      return writer.yield({writer.node(type, writer.operands())});
    };
  }

  using Write = std::function<llvm::LogicalResult(OpWriter &)>;
  /// Null if there is none.
  const Write *lookup(llvm::StringRef op) const;

private:
  llvm::StringMap<Write> writers;
};

#define FAMILY(name) void register##name##Writers(WriterTable &table);
#include "compiler/export/onnx/Families.def"
#undef FAMILY

} // namespace sinter::onnx_export

#endif // SINTER_COMPILER_EXPORT_ONNX_OPWRITER_H
