//===- Node.h - an ONNX node, as the operator families see it --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A family's builder asks the node for inputs and attributes, creates nn ops
// and sets outputs. Errors are sticky: after the first one, accessors give
// harmless defaults and `create` gives placeholders, so that builders need no
// check after each step, and the importer reports one error for the node. Only
// before indexing into something that an earlier step made (a rank, a list)
// must a builder ask `failed()`.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_ONNX_NODE_H
#define SINTER_COMPILER_IMPORT_ONNX_NODE_H

#include "compiler/import/onnx/OperatorTable.h"
#include "dialects/nn/NN.h"
#include "mlir/IR/Builders.h"
#include <optional>

namespace onnx {
class AttributeProto;
class GraphProto;
class NodeProto;
} // namespace onnx

namespace sinter::onnx_import {

class GraphImporter;

class Node {
public:
  using Ints = llvm::SmallVector<int64_t>;
  using Values = llvm::SmallVector<mlir::Value>;

  Node(GraphImporter &importer, const ::onnx::NodeProto &proto, int64_t opset, Values inputs,
       mlir::Location loc);

  //===-- What it is --------------------------------------------------------//

  /// The node's name, or its first output's name if it has none.
  llvm::StringRef getName() const { return name; }
  llvm::StringRef getOperator() const;
  /// The opset version of the node's domain that the model imports.
  int64_t getOpset() const { return opset; }
  mlir::Location getLoc() const { return loc; }
  mlir::MLIRContext *getContext() const { return loc->getContext(); }
  mlir::OpBuilder &getBuilder() const;

  //===-- Inputs and outputs ------------------------------------------------//

  /// Count without absent ones at the end.
  unsigned getNumInputs() const { return inputs.size(); }
  bool hasInput(unsigned index) const { return index < inputs.size() && inputs[index]; }
  /// Null if absent.
  mlir::Value getInput(unsigned index) const {
    return index < inputs.size() ? inputs[index] : mlir::Value();
  }
  llvm::ArrayRef<mlir::Value> getInputs() const { return inputs; }
  mlir::RankedTensorType getInputType(unsigned index) const;
  mlir::Type getElementType(unsigned index) const;
  int64_t getRank(unsigned index) const;

  unsigned getNumOutputs() const;
  /// False for outputs that nobody wants: beyond the last, or unnamed.
  bool hasOutput(unsigned index) const;
  void setOutput(unsigned index, mlir::Value value);
  /// Sets output 0; what a builder of one output returns at its end.
  mlir::LogicalResult yield(mlir::Value value) {
    setOutput(0, value);
    return status();
  }
  /// The type that value_info or the graph's outputs declare, or null; dims
  /// not given are dynamic.
  mlir::RankedTensorType getDeclaredOutputType(unsigned index) const;

  //===-- Errors ------------------------------------------------------------//

  /// Reports "node 'name' (Operator): message"; only the first of a node.
  mlir::LogicalResult emitError(const llvm::Twine &message);
  /// The same for what is valid ONNX but beyond Sinter.
  mlir::LogicalResult emitUnsupported(const llvm::Twine &what);
  bool failed() const { return hasFailed; }
  /// What a builder returns at its end.
  mlir::LogicalResult status() const { return hasFailed ? mlir::failure() : mlir::success(); }

  //===-- Attributes --------------------------------------------------------//
  // `find…` gives nothing if the attribute is absent, `get…` a default,
  // `require…` an error. A wrong type is an error.

  bool hasAttribute(llvm::StringRef name) const;
  std::optional<int64_t> findInt(llvm::StringRef name);
  int64_t getInt(llvm::StringRef name, int64_t fallback);
  int64_t requireInt(llvm::StringRef name);
  bool getFlag(llvm::StringRef name, bool fallback = false);
  std::optional<double> findFloat(llvm::StringRef name);
  double getFloat(llvm::StringRef name, double fallback);
  double requireFloat(llvm::StringRef name);
  std::optional<std::string> findString(llvm::StringRef name);
  std::string getString(llvm::StringRef name, llvm::StringRef fallback);
  std::string requireString(llvm::StringRef name);
  std::optional<Ints> findInts(llvm::StringRef name);
  Ints getInts(llvm::StringRef name, llvm::ArrayRef<int64_t> fallback = {});
  Ints requireInts(llvm::StringRef name);
  std::optional<llvm::SmallVector<double>> findFloats(llvm::StringRef name);
  std::optional<llvm::SmallVector<std::string>> findStrings(llvm::StringRef name);
  /// Null if absent.
  mlir::ElementsAttr findTensor(llvm::StringRef name);
  /// Calls the matching case's value for a string attribute; any other string
  /// is an error that lists what is allowed.
  template <typename T>
  T getEnum(llvm::StringRef name, llvm::StringRef fallback,
            llvm::ArrayRef<std::pair<llvm::StringRef, T>> cases) {
    std::string value = getString(name, fallback);
    std::string allowed;
    for (auto &[text, result] : cases) {
      if (value == text)
        return result;
      allowed += (allowed.empty() ? "'" : ", '") + text.str() + "'";
    }
    (void)emitError("attribute '" + name + "' is '" + value + "'; expected one of " + allowed);
    return cases.front().second;
  }

  /// The element type of an ONNX TensorProto.DataType number; an error and f32
  /// for types that nn does not have.
  mlir::Type getOnnxType(int64_t dataType);

  //===-- Constants ---------------------------------------------------------//

  /// The value if it can be computed at compile time: a constant, or ops on
  /// constants (run by the evaluator).
  std::optional<nn::HostTensor> getConstant(mlir::Value value) const;
  /// Its elements in row-major order. Also sees integers through shape
  /// arithmetic on static dims.
  std::optional<Ints> getConstantInts(mlir::Value value) const;
  std::optional<llvm::SmallVector<double>> getConstantDoubles(mlir::Value value) const;
  /// Error "input N 'what' must be a constant" if it isn't.
  Ints requireConstantInts(unsigned input, llvm::StringRef what);
  int64_t requireConstantInt(unsigned input, llvm::StringRef what);

  /// −rank ≤ axis < rank to 0 ≤ axis < rank, else an error (and 0).
  int64_t normalizeAxis(int64_t axis, int64_t rank);
  /// Sorted, distinct.
  Ints normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);
  /// The same, in the given order.
  Ints normalizeAxesUnsorted(llvm::ArrayRef<int64_t> axes, int64_t rank);

  //===-- Building ----------------------------------------------------------//

  /// Creates an op of one result, its type inferred. If inference or the
  /// verifier fails, that becomes the node's error, and the result is a
  /// placeholder of operand 0's type.
  template <typename OpTy, typename... Args>
  mlir::Value create(Args &&...args) {
    static_assert(OpTy::template hasTrait<mlir::OpTrait::OneResult>());
    return createAll<OpTy>(std::forward<Args>(args)...).front();
  }
  /// The same for any number of results.
  template <typename OpTy, typename... Args>
  Values createAll(Args &&...args) {
    mlir::OperationState state(loc, OpTy::getOperationName());
    constexpr unsigned count = numResults<OpTy>();
    mlir::Type placeholder = mlir::NoneType::get(getContext());
    llvm::SmallVector<mlir::Type> types(count, placeholder);
    OpTy::build(getBuilder(), state, mlir::TypeRange(types), std::forward<Args>(args)...);
    return finish(state, count);
  }

  mlir::Value constant(mlir::ElementsAttr value);
  /// 1-D i64.
  mlir::Value indices(llvm::ArrayRef<int64_t> values);
  /// Rank 0.
  mlir::Value scalar(mlir::Type elementType, double value);
  /// Rank 0, of `like`'s element type.
  mlir::Value scalarLike(mlir::Value like, double value);

  mlir::Value cast(mlir::Value value, mlir::Type elementType);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value squeeze(mlir::Value value, llvm::ArrayRef<int64_t> axes);
  mlir::Value unsqueeze(mlir::Value value, llvm::ArrayRef<int64_t> axes);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t start, int64_t end);
  mlir::Value concat(mlir::ValueRange values, int64_t axis);
  mlir::Value reduce(mlir::Value value, nn::ReduceKind kind, llvm::ArrayRef<int64_t> axes,
                     bool keepdims);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  mlir::Value div(mlir::Value lhs, mlir::Value rhs);
  mlir::Value min(mlir::Value lhs, mlir::Value rhs);
  mlir::Value max(mlir::Value lhs, mlir::Value rhs);
  mlir::Value compare(nn::ComparePredicate predicate, mlir::Value lhs, mlir::Value rhs);
  mlir::Value where(mlir::Value condition, mlir::Value lhs, mlir::Value rhs);
  /// All dims as 1-D i64: a constant if they are static, else nn.shape_of.
  mlir::Value shapeOf(mlir::Value value);
  /// One dim as 1-D i64 of one element.
  mlir::Value dimOf(mlir::Value value, int64_t dim);
  /// NumPy's broadcast of the value's shape and `shape` (1-D integers).
  mlir::Value broadcastTo(mlir::Value value, mlir::Value shape);
  /// An input that is a list of dims as 1-D of static length, for that is a
  /// rank: where the input has none, the declared output says it, else an error.
  mlir::Value shapeOperand(unsigned input);
  /// A tensor of one element as a scalar (rank 0).
  mlir::Value asScalar(mlir::Value value);
  /// One of two values by a condition of one element known at run time
  /// (nn.if), or that one alone if it is known now.
  mlir::Value choose(mlir::Value condition, llvm::function_ref<mlir::Value()> buildThen,
                     llvm::function_ref<mlir::Value()> buildElse);

  //===-- Subgraphs ---------------------------------------------------------//

  struct Subgraph {
    unsigned numInputs = 0, numOutputs = 0;
    /// What the graph declares; null where it declares no rank or no type.
    llvm::SmallVector<mlir::RankedTensorType> inputTypes, outputTypes;
  };
  /// What a graph attribute looks like; an error if it is absent.
  Subgraph requireSubgraph(llvm::StringRef attribute);
  /// Imports the graph's nodes at the builder's insertion point (set it inside
  /// the region first), with its inputs bound to `arguments`; the graph also
  /// sees all values of the graphs around it. May be called more than once.
  mlir::LogicalResult importSubgraph(llvm::StringRef attribute, mlir::ValueRange arguments,
                                     llvm::SmallVectorImpl<mlir::Value> &results);

private:
  template <typename OpTy>
  static constexpr unsigned numResults() {
    using namespace mlir;
    if (OpTy::template hasTrait<OpTrait::OneResult>())
      return 1;
    if (OpTy::template hasTrait<OpTrait::NResults<2>::Impl>())
      return 2;
    if (OpTy::template hasTrait<OpTrait::NResults<3>::Impl>())
      return 3;
    return 4;
  }
  Values finish(mlir::OperationState &state, unsigned numResults);
  /// The attribute if present; checks its AttributeProto.AttributeType.
  const ::onnx::AttributeProto *find(llvm::StringRef name, int type);
  void missing(llvm::StringRef attribute);

  friend class GraphImporter;
  GraphImporter &importer;
  const ::onnx::NodeProto &proto;
  int64_t opset;
  Values inputs, outputs;
  mlir::Location loc;
  std::string name;
  bool hasFailed = false;
};

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_NODE_H
