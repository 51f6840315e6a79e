//===- GraphImporter.h - one import, from message to module ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to the importer's own files; operator families see Node.h only.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H
#define SINTER_COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H

#include "compiler/import/onnx/Importer.h"
#include "compiler/import/onnx/Node.h"
#include "compiler/import/onnx/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include <deque>
#include <onnx/onnx_pb.h>

namespace sinter::onnx_import {

/// The opset version of each domain that a model or function imports.
using Opsets = llvm::StringMap<int64_t>;

/// The names of one graph or function body. A null value is a poisoned name:
/// something went wrong where it was made, and that has been reported.
struct Scope {
  Scope *parent = nullptr;
  const Opsets *opsets = nullptr;
  llvm::StringMap<mlir::Value> values;
  llvm::StringMap<::onnx::TensorProto *> initializers;
  llvm::StringMap<const ::onnx::TypeProto *> declared;
  /// Names of inlined function calls around this one, for nodes' names.
  std::string prefix;
  /// Functions being inlined, outermost first.
  llvm::SmallVector<const ::onnx::FunctionProto *> functions;
};

class GraphImporter {
public:
  GraphImporter(mlir::MLIRContext &context, llvm::StringRef path, const ImportOptions &options);

  /// Null after errors; they have been emitted.
  mlir::OwningOpRef<mlir::ModuleOp> import(::onnx::ModelProto &model);

private:
  friend class Node;

  //===-- GraphModel.cpp: the model as a whole ------------------------------//
  void readOpsets(const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &imports,
                  Opsets &opsets, bool required);
  void readFunctions();
  void addInitializers(Scope &scope, ::onnx::GraphProto &graph);
  void importInputs(Scope &scope, ::onnx::GraphProto &graph,
                    llvm::SmallVectorImpl<mlir::NamedAttrList> &attributes);
  mlir::ArrayAttr getOutputDims(const ::onnx::ValueInfoProto &output, mlir::RankedTensorType type);
  void checkDims();

  //===-- GraphTypes.cpp ----------------------------------------------------//
  /// Null, with a reason in `error`, if nn has no such type.
  mlir::RankedTensorType getInputType(const ::onnx::ValueInfoProto &input,
                                      llvm::SmallVectorImpl<std::string> &dims, std::string &error);
  /// The declared type as far as it is one: null without rank.
  mlir::RankedTensorType getTensorType(const ::onnx::TypeProto &type);
  static std::string describe(const ::onnx::TypeProto &type);
  static std::string describe(mlir::Type type);
  /// Null if unknown.
  mlir::RankedTensorType getDeclared(Scope &scope, llvm::StringRef name);
  /// True if they agree; else `error` says how not.
  bool checkDeclared(Scope &scope, llvm::StringRef name, mlir::Value value, std::string &error);

  //===-- GraphNodes.cpp: nodes in their order ------------------------------//
  void importNodes(Scope &scope, google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes);
  llvm::SmallVector<::onnx::NodeProto *>
  sortNodes(Scope &scope, google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes);
  void reportCycle(llvm::ArrayRef<::onnx::NodeProto *> nodes,
                   const llvm::StringMap<unsigned> &producers);
  void importNode(Scope &scope, ::onnx::NodeProto &node);
  void importCall(Scope &scope, ::onnx::NodeProto &call, ::onnx::FunctionProto &function,
                  llvm::ArrayRef<mlir::Value> inputs);
  mlir::LogicalResult importSubgraph(Scope &parent, ::onnx::GraphProto &graph,
                                     mlir::ValueRange arguments,
                                     llvm::SmallVectorImpl<mlir::Value> &results);

  /// False if no such name is known here. Makes the constant of an initializer
  /// at its first use.
  bool lookup(Scope &scope, llvm::StringRef name, mlir::Value &value);
  /// Gives a name its value (null: poison); reports a second definition.
  void define(Scope &scope, llvm::StringRef name, mlir::Value value, const llvm::Twine &what);
  std::string suggestName(Scope &scope, llvm::StringRef name);
  mlir::Value makeInitializer(::onnx::TensorProto &tensor);

  /// Errors are kept and emitted together at the end, at the model's location:
  /// their text names the node.
  void error(const llvm::Twine &message);
  void warning(const llvm::Twine &message);
  mlir::Location getLoc(const llvm::Twine &name, llvm::StringRef kind);
  mlir::Location modelLoc();
  void emitProblems();

  mlir::MLIRContext &context;
  std::string path;
  const ImportOptions &options;
  mlir::OpBuilder builder;
  TensorReader tensors;
  const OperatorTable &table;
  ::onnx::ModelProto *model = nullptr;
  mlir::func::FuncOp function;
  /// The last constant made of an initializer; the next one goes behind it.
  mlir::Operation *lastConstant = nullptr;
  Opsets opsets;
  /// Model-local functions by "domain:name:overload".
  llvm::StringMap<::onnx::FunctionProto *> functions;
  llvm::DenseMap<const ::onnx::FunctionProto *, Opsets> functionOpsets;
  /// Bodies of inlined calls: tensors in them are known by address, so they
  /// live as long as the import.
  std::deque<::onnx::FunctionProto> inlined;
  llvm::StringSet<> dimNames, usedDims;
  /// The scope of the node that is being imported; subgraphs hang below it.
  Scope *current = nullptr;

  std::vector<std::string> problems;
  /// "Operator 'X' …" → names of the nodes that need it.
  llvm::MapVector<std::string, std::vector<std::string>, std::map<std::string, unsigned>>
      unsupported;
};

/// A node's name for people: its own, or that of its first output.
std::string getNodeName(const ::onnx::NodeProto &node);

/// A field that libonnx_proto 1.12 does not know yet: strings of that number.
std::vector<std::string> getUnknownStrings(const google::protobuf::Message &message, int field);
/// NodeProto.overload and FunctionProto.overload (IR version 10).
std::string getOverload(const ::onnx::NodeProto &node);
std::string getOverload(const ::onnx::FunctionProto &function);

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H
