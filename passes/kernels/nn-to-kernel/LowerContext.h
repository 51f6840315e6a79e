//===- LowerContext.h - what lowering an nn op is written with -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A lowering reads its operands through `operand`, makes stages (linalg ops)
// with `map` and `reduce`, and gives its result with `set`. The loops of a
// stage are always the dims of its result, then the reduction loops.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERCONTEXT_H
#define SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERCONTEXT_H

#include "dialects/nn/NN.h"
#include "passes/kernels/nn-to-kernel/LowerScalar.h"

namespace sinter {

class LowerContext;

/// A lowered tensor, or a constant that is the same everywhere.
struct Operand {
  mlir::Value tensor;
  mlir::TypedAttr splat;
  /// Signless.
  mlir::Type elementType;
  bool isUnsigned = false;
};

/// The extent of a reduction loop: an expression of shapes, or an index value.
struct Size {
  Size(mlir::AffineExpr expr) : expr(expr) {}
  Size(mlir::Value value) : value(value) {}
  mlir::AffineExpr expr;
  mlir::Value value;
};

/// An operand read through an indexing map over the loops of a stage.
struct Input {
  Operand operand;
  llvm::SmallVector<mlir::AffineExpr, 4> indices;
};

/// The body of a stage while it is built.
class Body {
public:
  Body(LowerContext &context, mlir::OpBuilder &builder, mlir::Location loc)
      : context(context), builder(builder), loc(loc) {}

  /// One scalar per input, in the inputs' element types.
  llvm::SmallVector<Scalar> in;
  /// What a reduction has so far, one per result.
  llvm::SmallVector<Scalar> out;

  /// The index of a loop.
  Scalar index(unsigned loop);
  /// The indices of loops [0, count).
  llvm::SmallVector<Scalar> indices(unsigned count);
  Scalar wrap(mlir::Value value) { return {builder, loc, value}; }
  /// A dim, as an index; computed outside of the stage.
  Scalar size(mlir::AffineExpr expr);
  Scalar constant(mlir::Type type, double value) {
    return constantScalar(builder, loc, type, value);
  }
  Scalar constantIndex(int64_t value) { return constant(builder.getIndexType(), value); }
  Scalar constant(mlir::TypedAttr value) {
    return wrap(mlir::arith::ConstantOp::create(builder, loc, value));
  }
  /// An element of an operand; the indices must be in range.
  Scalar read(const Operand &operand, llvm::ArrayRef<Scalar> indices);
  /// The element converted to its accumulator type.
  Scalar readWide(const Operand &operand, llvm::ArrayRef<Scalar> indices);

  LowerContext &context;
  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  llvm::SmallVector<Scalar> loopIndices;
};

using BodyFunction = llvm::function_ref<Scalar(Body &)>;
using BodiesFunction = llvm::function_ref<llvm::SmallVector<Scalar>(Body &)>;

class LowerContext {
public:
  explicit LowerContext(mlir::MLIRContext *context) : builder(context), shapes(context) {}

  //===-- Values of nn -----------------------------------------------------===//

  Operand operand(mlir::Value value);
  /// The lowered tensor; makes one of a splat constant.
  mlir::Value tensor(mlir::Value value);
  void set(mlir::Value value, mlir::Value lowered) { values[value] = lowered; }
  nn::SymbolicShape shape(mlir::Value value) { return shapes.shape(value); }
  mlir::AffineExpr constant(int64_t value) { return shapes.constant(value); }
  /// An index value outside of all stages.
  mlir::Value size(mlir::AffineExpr expr);
  /// The elements of a 1-D or scalar integer tensor, as expressions.
  mlir::FailureOr<nn::SymbolicShape> elements(mlir::Value value);
  /// Element `position` of a 0-D or 1-D tensor, read outside of all stages.
  Scalar element(mlir::Value value, int64_t position);
  /// A stage's operand that is itself a stage.
  Operand stage(mlir::Value tensor, bool isUnsigned = false) {
    return {tensor, {}, mlir::getElementTypeOrSelf(tensor.getType()), isUnsigned};
  }

  //===-- Stages -----------------------------------------------------------===//

  /// An uninitialised tensor of the (nn) value's shape, in its signless
  /// element type or another one.
  mlir::Value empty(mlir::Value like, mlir::Type elementType = {});
  mlir::Value empty(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type elementType);
  mlir::Value fill(mlir::Value init, double value);
  mlir::Value fill(mlir::Value init, mlir::TypedAttr value);

  /// Every element of `init` from one evaluation of `body`.
  mlir::Value map(mlir::Value init, llvm::ArrayRef<Input> inputs, BodyFunction body);
  /// Starts from the values in `init` and runs `body` over the reduction loops.
  mlir::Value reduce(mlir::Value init, llvm::ArrayRef<Size> reductions,
                     llvm::ArrayRef<Input> inputs, BodyFunction body);
  /// Several results of one shape.
  llvm::SmallVector<mlir::Value> generic(mlir::ValueRange inits, llvm::ArrayRef<Size> reductions,
                                         llvm::ArrayRef<Input> inputs, BodiesFunction body);
  /// Converts every element: the end of a sum that was kept in a wider type.
  mlir::Value narrow(mlir::Value tensor, mlir::Type elementType);

  //===-- Indexing maps ----------------------------------------------------===//

  mlir::AffineExpr loop(unsigned position) {
    return mlir::getAffineDimExpr(position, builder.getContext());
  }
  mlir::AffineExpr zero() { return mlir::getAffineConstantExpr(0, builder.getContext()); }
  /// Loops [begin, end).
  llvm::SmallVector<mlir::AffineExpr, 4> loops(unsigned begin, unsigned end);
  /// `value` read at every loop of the (nn) result that it broadcasts to.
  Input broadcast(mlir::Value value, mlir::RankedTensorType result);

  mlir::LogicalResult fail(const llvm::Twine &message) { return op->emitOpError(message); }

  /// Stands before `op`, the op that is being lowered.
  mlir::OpBuilder builder;
  mlir::Operation *op = nullptr;
  mlir::Location getLoc() { return op->getLoc(); }
  nn::ShapeAnalysis shapes;

private:
  llvm::DenseMap<mlir::Value, mlir::Value> values;
  llvm::DenseMap<mlir::AffineExpr, mlir::Value> sizes;
};

//===-- Registry -----------------------------------------------------------===//

using LowerFunction = mlir::LogicalResult (*)(mlir::Operation *, LowerContext &);

/// The lowering of each op, by its name.
class LoweringTable {
public:
  template <typename OpTy, mlir::LogicalResult (*function)(OpTy, LowerContext &)>
  void add() {
    functions[OpTy::getOperationName()] = [](mlir::Operation *op, LowerContext &context) {
      return function(llvm::cast<OpTy>(op), context);
    };
  }
  /// Null if there is none. Ops with a scalar function share one lowering.
  LowerFunction lookup(mlir::Operation *op) const;

  static const LoweringTable &get();

private:
  llvm::StringMap<LowerFunction> functions;
};

mlir::LogicalResult lowerElementwise(mlir::Operation *op, LowerContext &context);
void addViewLowerings(LoweringTable &table);
void addSliceLowerings(LoweringTable &table);
void addMovementLowerings(LoweringTable &table);
void addGatherLowerings(LoweringTable &table);
void addResizeLowerings(LoweringTable &table);
void addSampleLowerings(LoweringTable &table);
void addReduceLowerings(LoweringTable &table);
void addNormalizationLowerings(LoweringTable &table);
void addMatMulLowerings(LoweringTable &table);
void addConvLowerings(LoweringTable &table);
void addConvTransposeLowerings(LoweringTable &table);
void addPoolLowerings(LoweringTable &table);

//===-- Shared by convolutions and pools -----------------------------------===//

/// Where the windows of one spatial dim stand.
struct Window {
  int64_t stride, dilation;
  mlir::AffineExpr kernel;
  /// Sizes of the input and of the result.
  mlir::AffineExpr input, output;
  mlir::AffineExpr padBegin, padEnd;

  bool isPadded() const {
    auto begin = nn::asConstant(padBegin), end = nn::asConstant(padEnd);
    return !begin || !end || *begin != 0 || *end != 0;
  }
  /// The last position + 1, counted in the padded input, that a window reads.
  mlir::AffineExpr extent() const;
};

/// `pads` is [begins…, ends…]; only read when auto_pad is notset.
llvm::SmallVector<Window> getWindows(LowerContext &context, llvm::ArrayRef<int64_t> strides,
                                     llvm::ArrayRef<int64_t> pads,
                                     llvm::ArrayRef<int64_t> dilations, nn::AutoPad autoPad,
                                     llvm::ArrayRef<mlir::AffineExpr> kernel,
                                     llvm::ArrayRef<mlir::AffineExpr> input,
                                     llvm::ArrayRef<mlir::AffineExpr> output);

/// Where a scatter's `output` position comes from, for gathering: the input
/// position q with q · stride − pad + tap · dilation = `output`, and whether there
/// is one in [0, extent).
std::pair<Scalar, Scalar> sourcePosition(Scalar output, Scalar tap, Scalar pad, int64_t stride,
                                         int64_t dilation, Scalar extent);

/// A stage that has `value` around the input: dim `firstSpatial + i` runs over
/// the padded extent of window i. The input itself if there is no border to
/// read, which may also come from ceil_mode.
Operand padInput(LowerContext &context, mlir::Value input, llvm::ArrayRef<Window> windows,
                 unsigned firstSpatial, mlir::TypedAttr value);

/// A convolution whose filter is transformed for F(m×m, 3×3).
mlir::LogicalResult lowerWinograd(nn::ConvOp op, LowerContext &context,
                                  llvm::ArrayRef<Window> windows);

/// A product whose right side holds the sums of Strassen's algorithm.
mlir::LogicalResult lowerStrassen(nn::MatMulOp op, LowerContext &context);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERCONTEXT_H
