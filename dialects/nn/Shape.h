//===- Shape.h - symbolic shapes of nn values ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every op's shape function is written once over symbolic dims (AffineExpr over
// symbols). A symbol stands for a dim of a value, an element of a small integer
// tensor, or a non-affine function (min, max, …) of other expressions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_SHAPE_H
#define SINTER_DIALECTS_NN_SHAPE_H

#include "dialects/nn/HostTensor.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <optional>

namespace sinter::nn {

using SymbolicShape = llvm::SmallVector<mlir::AffineExpr, 4>;

/// What a shape function may ask and make. Expressions of one context must not
/// be mixed with those of another.
class ShapeContext {
public:
  /// Non-affine functions that shapes need.
  enum class Function {
    Min,
    Max,
    /// lhs < 0 ? lhs + rhs : lhs. ONNX's negative positions.
    WrapNegative,
    /// lhs == 1 ? rhs : lhs. NumPy's broadcast of two dims.
    Broadcast,
    /// lhs == 0 ? rhs : lhs. Reshape's "copy this dim".
    IfZero,
    /// lhs < 0 ? rhs : lhs. Reshape's "what remains".
    IfNegative,
  };

  explicit ShapeContext(mlir::MLIRContext *context, std::optional<mlir::Location> location = {})
      : context(context), location(location) {}
  virtual ~ShapeContext() = default;

  mlir::MLIRContext *getContext() const { return context; }

  /// The dims of a ranked tensor value.
  virtual SymbolicShape shape(mlir::Value value) = 0;
  /// The elements of an i32 or i64 tensor of rank 0 or 1, static shape and at most
  /// `maxContents` elements; nothing for other values. An element that is only
  /// known at run time is a symbol.
  virtual std::optional<SymbolicShape> contents(mlir::Value value) = 0;
  /// The value if all its elements are known now; for floats that steer shapes.
  virtual std::optional<HostTensor> constantTensor(mlir::Value value);
  /// A dim that is only known after the op that is being asked has run.
  virtual mlir::AffineExpr unknownDim(unsigned result, unsigned dim) = 0;
  /// Element `position` of a tensor of rank 0 or 1 as an integer, whatever its
  /// element type (floats truncate). Null where run-time values are unknown.
  virtual mlir::AffineExpr element(mlir::Value, int64_t) { return {}; }
  /// ⌊dim · scales[position]⌋ for a float tensor. Null as above.
  virtual mlir::AffineExpr scaledDim(mlir::AffineExpr, mlir::Value, int64_t) { return {}; }
  /// ⌊dim · scale + ½⌋ by the scale that fits all: the least, or greatest, of
  /// sizes[i] / dims[i]. Null as above.
  virtual mlir::AffineExpr fittedDim(mlir::AffineExpr, llvm::ArrayRef<mlir::AffineExpr>,
                                     llvm::ArrayRef<mlir::AffineExpr>, bool) {
    return {};
  }
  /// max(0, ⌈(limit − start) / delta⌉) for scalar float tensors. Null as above.
  virtual mlir::AffineExpr stepCount(mlir::Value, mlir::Value, mlir::Value) { return {}; }
  /// A non-affine function; folds when it can.
  virtual mlir::AffineExpr apply(Function function, mlir::AffineExpr lhs, mlir::AffineExpr rhs) = 0;

  /// What an op needs of two sizes before it may run.
  enum class Need {
    Equal,
    /// Equal, or one of them is 1.
    Broadcast,
    /// lhs ≥ 0.
    NonNegative,
  };
  /// Says that the op which is being asked needs that. What is known now is the
  /// shape function's to report; this is for what only a run can tell. `what`
  /// names the sizes.
  virtual void require(Need, mlir::AffineExpr, mlir::AffineExpr, llvm::StringRef) {}

  /// True if `expr` can't be negative: dims and what is made of them.
  virtual bool isNonNegative(mlir::AffineExpr expr) {
    auto value = llvm::dyn_cast<mlir::AffineConstantExpr>(expr);
    return value && value.getValue() >= 0;
  }

  mlir::AffineExpr constant(int64_t value) const {
    return mlir::getAffineConstantExpr(value, context);
  }
  mlir::AffineExpr min(mlir::AffineExpr lhs, mlir::AffineExpr rhs) {
    return apply(Function::Min, lhs, rhs);
  }
  mlir::AffineExpr max(mlir::AffineExpr lhs, mlir::AffineExpr rhs) {
    return apply(Function::Max, lhs, rhs);
  }
  /// All elements known as constants, or nothing.
  std::optional<llvm::SmallVector<int64_t>> constantContents(mlir::Value value);

  /// NumPy's broadcast of two shapes. Reports when two static dims disagree.
  llvm::FailureOr<SymbolicShape> broadcast(const SymbolicShape &lhs, const SymbolicShape &rhs);
  /// The product of dims.
  mlir::AffineExpr product(llvm::ArrayRef<mlir::AffineExpr> dims) const;
  /// total / part where it divides, cancelling equal factors first.
  mlir::AffineExpr quotient(llvm::ArrayRef<mlir::AffineExpr> total,
                            llvm::ArrayRef<mlir::AffineExpr> part) const;

  /// Reports at the op that is being asked, if it has a location.
  mlir::LogicalResult emitError(const llvm::Twine &message) const;

  static constexpr int64_t maxContents = 64;

protected:
  mlir::MLIRContext *context;
  std::optional<mlir::Location> location;
};

inline std::optional<int64_t> asConstant(mlir::AffineExpr expr) {
  if (auto constant = llvm::dyn_cast<mlir::AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

/// Symbolic shapes and contents of values, found lazily through their defining ops.
class ShapeAnalysis : public ShapeContext {
public:
  enum class Scope {
    /// Follows defining ops up to function arguments: equal dims get equal expressions.
    Whole,
    /// Takes each value's dims from its type: cheap, for inferring one op.
    Local,
  };
  ShapeAnalysis(mlir::MLIRContext *context, Scope scope = Scope::Whole,
                std::optional<mlir::Location> location = {})
      : ShapeContext(context, location), scope(scope) {}

  SymbolicShape shape(mlir::Value value) override;
  std::optional<SymbolicShape> contents(mlir::Value value) override;
  mlir::AffineExpr unknownDim(unsigned result, unsigned dim) override;
  mlir::AffineExpr element(mlir::Value value, int64_t position) override;
  mlir::AffineExpr scaledDim(mlir::AffineExpr dim, mlir::Value scales, int64_t position) override;
  mlir::AffineExpr fittedDim(mlir::AffineExpr dim, llvm::ArrayRef<mlir::AffineExpr> sizes,
                             llvm::ArrayRef<mlir::AffineExpr> dims, bool least) override;
  mlir::AffineExpr stepCount(mlir::Value start, mlir::Value limit, mlir::Value delta) override;
  mlir::AffineExpr apply(Function function, mlir::AffineExpr lhs, mlir::AffineExpr rhs) override;
  bool isNonNegative(mlir::AffineExpr expr) override;

  /// Builds index arithmetic for `expr`. `remap` gives, for a value that a
  /// symbol stands on, the value to read at run time (a tensor of the same shape).
  mlir::Value materialize(mlir::OpBuilder &builder, mlir::Location loc, mlir::AffineExpr expr,
                          llvm::function_ref<mlir::Value(mlir::Value)> remap);
  /// The same, with constants as attributes.
  mlir::OpFoldResult materializeFolded(mlir::OpBuilder &builder, mlir::Location loc,
                                       mlir::AffineExpr expr,
                                       llvm::function_ref<mlir::Value(mlir::Value)> remap);

  /// `expr` at the sizes to expect of the function's arguments: what their attribute nn.expected
  /// says, else a batch of 1, pictures of 224 × 224, sequences of 128. A guess, to choose by
  /// between what is right for all sizes.
  int64_t expect(mlir::AffineExpr expr) const;

  /// The values that `expr`'s symbols stand on.
  void collectValues(mlir::AffineExpr expr, llvm::SmallVectorImpl<mlir::Value> &values) const;

  /// True if `expr` needs the elements, not only the dims, of some value, or
  /// the dims of a value that is not a block argument.
  bool dependsOnData(mlir::AffineExpr expr) const;

  /// Symbolic shapes of all results of a ShapeOpInterface op, in the scope of its operands.
  mlir::LogicalResult inferOp(mlir::Operation *op, llvm::SmallVectorImpl<SymbolicShape> &shapes);

  struct Requirement {
    Need need;
    mlir::AffineExpr lhs, rhs;
    std::string what;
  };
  /// What `op` needs at run time, beyond what is certain.
  llvm::SmallVector<Requirement> requirements(mlir::Operation *op);
  void require(Need need, mlir::AffineExpr lhs, mlir::AffineExpr rhs,
               llvm::StringRef what) override;

  /// Forgets what is known of a value (call before changing its definition).
  void invalidate() {
    shapes.clear();
    carriedShapes.clear();
    resolvedLoops.clear();
  }

private:
  struct Symbol {
    enum Kind { Dim, Element, Derived, Scaled, Fitted, Steps } kind;
    mlir::Value value;         // Dim, Element, Scaled; start of Steps
    int64_t position;          // Dim, Element, Scaled
    Function function;         // Derived; Fitted: Min or Max
    mlir::AffineExpr lhs, rhs; // Derived; lhs: Scaled, Fitted
    mlir::Value limit, delta;  // Steps
    SymbolicShape sizes, dims; // Fitted
  };
  mlir::AffineExpr dimSymbol(mlir::Value value, int64_t dim);
  mlir::AffineExpr elementSymbol(mlir::Value value, int64_t position);
  mlir::AffineExpr addSymbol(const Symbol &symbol);
  SymbolicShape computeShape(mlir::Value value);
  mlir::Value materializeFloat(mlir::OpBuilder &builder, mlir::Location loc, const Symbol &symbol,
                               llvm::function_ref<mlir::Value(mlir::Value)> remap);
  /// What is known of the dims of a region op's result or a loop's argument;
  /// null where nothing is. Fills `dims`.
  void shapeOfRegionResult(mlir::OpResult result, llvm::SmallVectorImpl<mlir::AffineExpr> &dims);
  /// Finds which dims a loop's carried values keep.
  void resolveLoop(mlir::Operation *loop);
  /// True if all that `expr` stands on is defined outside of `op`.
  bool isDefinedOutside(mlir::AffineExpr expr, mlir::Operation *op) const;
  /// The expressions that a broadcast joins, each once.
  void collectBroadcast(mlir::AffineExpr expr, llvm::SmallVectorImpl<mlir::AffineExpr> &parts);
  mlir::AffineExpr derivedSymbol(Function function, mlir::AffineExpr lhs, mlir::AffineExpr rhs);

  Scope scope;
  std::vector<Symbol> symbols;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::AffineExpr> dimSymbols, elementSymbols;
  std::map<std::tuple<int, const void *, const void *, const void *>, mlir::AffineExpr>
      derivedSymbols;
  /// In which order expressions were first broadcast.
  llvm::DenseMap<mlir::AffineExpr, unsigned> broadcastOrder;
  /// One symbol for all function arguments' dims of one name.
  llvm::StringMap<mlir::AffineExpr> namedSymbols;
  llvm::DenseMap<mlir::Value, SymbolicShape> shapes;
  /// Dims of loops' carried arguments, once their loop is resolved.
  llvm::DenseMap<mlir::Value, SymbolicShape> carriedShapes;
  llvm::DenseMap<mlir::Operation *, bool> resolvedLoops;
  /// The op whose results `unknownDim` speaks of.
  mlir::Operation *current = nullptr;
  /// The op whose requirements are being collected, and they.
  mlir::Operation *asked = nullptr;
  llvm::SmallVector<Requirement> collected;
};

/// Same element type and rank, and no two static dims that differ.
bool areCompatibleTypes(mlir::TypeRange lhs, mlir::TypeRange rhs);
/// The element type of a sum of products: i32 of 8-bit integers, else that of the factors.
mlir::Type getProductType(mlir::Type factor);
/// Steps of a packed product's sum that lie beside each other: what one dot product of 8-bit
/// integers takes, else one.
int64_t getDotSteps(mlir::Type factor);
/// A tensor type from a symbolic shape: constant expressions are static dims.
mlir::RankedTensorType getTensorType(llvm::ArrayRef<mlir::AffineExpr> shape,
                                     mlir::Type elementType);

/// The result dims of a ShapeOpInterface op as index arithmetic on its operands.
mlir::LogicalResult reifyShapes(mlir::Operation *op, mlir::OpBuilder &builder,
                                mlir::ReifiedRankedShapedTypeDims &reified);

/// Type inference of an op through its `inferShapes` and `inferElementType`.
template <typename ConcreteOp>
class SymbolicShapeTrait : public mlir::OpTrait::TraitBase<ConcreteOp, SymbolicShapeTrait> {
public:
  static mlir::LogicalResult
  inferReturnTypes(mlir::MLIRContext *context, std::optional<mlir::Location> location,
                   mlir::ValueRange operands, mlir::DictionaryAttr attributes,
                   mlir::OpaqueProperties properties, mlir::RegionRange regions,
                   llvm::SmallVectorImpl<mlir::Type> &types) {
    typename ConcreteOp::Adaptor adaptor(operands, attributes, properties, regions);
    ShapeAnalysis analysis(context, ShapeAnalysis::Scope::Local, location);
    llvm::SmallVector<SymbolicShape> shapes;
    if (mlir::failed(ConcreteOp::inferShapes(analysis, adaptor, shapes)))
      return mlir::failure();
    for (auto [index, shape] : llvm::enumerate(shapes))
      types.push_back(getTensorType(shape, ConcreteOp::inferElementType(adaptor, index)));
    return mlir::success();
  }
};

/// What came before goes on beside an op of this kind until its result is wanted.
template <typename ConcreteOp>
class WaitsTrait : public mlir::OpTrait::TraitBase<ConcreteOp, WaitsTrait> {};

/// Whether all operands in `batched` have the result's rank, and no other operand of that rank has
/// a dim 0 of more than one element: the result's elements i of dim 0 are the operands'.
bool broadcastsBatch(mlir::Operation *op, const llvm::SmallBitVector &batched);

/// An elementwise op: the shape is the broadcast of all operands' shapes.
template <typename ConcreteOp>
class ElementwiseTrait : public mlir::OpTrait::TraitBase<ConcreteOp, ElementwiseTrait> {};

mlir::LogicalResult inferElementwiseShapes(ShapeContext &context, mlir::ValueRange operands,
                                           llvm::SmallVectorImpl<SymbolicShape> &shapes);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_SHAPE_H
