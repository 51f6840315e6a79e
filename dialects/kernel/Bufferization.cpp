//===- Bufferization.cpp - kernels, calls and views on memrefs ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/kernel/Buffers.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace sinter::kernel;

static constexpr llvm::StringLiteral stridesName = "kernel.strides";

ArrayRef<int64_t> sinter::kernel::getResultStrides(FuncOp kernel, unsigned result) {
  ArrayAttr all = kernel.getResAttrsAttr();
  auto strides =
      all ? cast<DictionaryAttr>(all[result]).getAs<DenseI64ArrayAttr>(stridesName) : nullptr;
  return strides ? strides.asArrayRef() : ArrayRef<int64_t>();
}

void sinter::kernel::setResultStrides(FuncOp kernel, unsigned result, ArrayRef<int64_t> strides) {
  Builder builder(kernel.getContext());
  SmallVector<Attribute> all(kernel.getResultTypes().size(), builder.getDictionaryAttr({}));
  if (ArrayAttr given = kernel.getResAttrsAttr())
    all.assign(given.begin(), given.end());
  NamedAttrList attributes(cast<DictionaryAttr>(all[result]));
  attributes.set(stridesName, builder.getDenseI64ArrayAttr(strides));
  all[result] = attributes.getDictionary(kernel.getContext());
  kernel.setResAttrsAttr(builder.getArrayAttr(all));
}

SmallVector<Type> sinter::kernel::getBufferTypes(FuncOp kernel) {
  SmallVector<Type> types;
  for (Type type : kernel.getArgumentTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    types.push_back(tensor ? MemRefType::get(tensor.getShape(), tensor.getElementType()) : type);
  }
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes())) {
    auto tensor = cast<RankedTensorType>(type);
    MemRefLayoutAttrInterface layout;
    if (ArrayRef<int64_t> strides = getResultStrides(kernel, i); !strides.empty())
      layout = StridedLayoutAttr::get(kernel.getContext(), ShapedType::kDynamic, strides);
    types.push_back(MemRefType::get(tensor.getShape(), tensor.getElementType(), layout));
  }
  return types;
}

namespace {

/// kernel.call and kernel.runtime_call: inputs are read, destinations are written and never read.
template <typename Op>
struct DestinationCallModel
    : DstBufferizableOpInterfaceExternalModel<DestinationCallModel<Op>, Op> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    SmallVector<Value> results;
    for (OpOperand &init : cast<DestinationStyleOpInterface>(op).getDpsInitsMutable())
      results.push_back(operands[init.getOperandNumber()]);
    rewriter.setInsertionPoint(op);
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(), op->getAttrs());
    Operation *call = rewriter.create(newState);
    call->copyProperties(op->getPropertiesStorage());
    replaceOpWithBufferizedValues(rewriter, op, results);
    return success();
  }
};

/// What no tensor reads or writes by itself.
template <typename Model, typename Op>
struct DenseModel : BufferizableOpInterface::ExternalModel<Model, Op> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const {
    return false;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const {
    return false;
  }
  FailureOr<BufferLikeType> getBufferType(Operation *, Value value, const BufferizationOptions &,
                                          const BufferizationState &, SmallVector<Value> &) const {
    auto type = cast<RankedTensorType>(value.getType());
    return cast<BufferLikeType>(Type(MemRefType::get(type.getShape(), type.getElementType())));
  }
};

/// kernel.view: the result is the source's buffer with another shape.
struct ViewModel : DenseModel<ViewModel, ViewOp> {
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &) const {
    if (operand.getOperandNumber() != 0)
      return {};
    return {{op->getOpResult(0), BufferRelation::Equivalent}};
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    auto view = cast<ViewOp>(op);
    FailureOr<Value> source = getBuffer(rewriter, view.getSource(), options, state);
    if (failed(source))
      return failure();
    auto type = cast<RankedTensorType>(view.getType());
    auto resultType = MemRefType::get(type.getShape(), type.getElementType());
    // Sizes, and the strides of a dense row-major buffer.
    SmallVector<OpFoldResult> sizes = getMixedValues(type.getShape(), view.getSizes(), rewriter),
                              strides(type.getRank());
    OpFoldResult stride = rewriter.getIndexAttr(1);
    for (int64_t i = type.getRank() - 1; i >= 0; --i) {
      strides[i] = stride;
      if (i == 0)
        break;
      auto constantStride = getConstantIntValue(stride),
           constantSize = getConstantIntValue(sizes[i]);
      if (constantStride && constantSize)
        stride = rewriter.getIndexAttr(*constantStride * *constantSize);
      else
        stride =
            arith::MulIOp::create(rewriter, op->getLoc(),
                                  getValueOrCreateConstantIndexOp(rewriter, op->getLoc(), stride),
                                  getValueOrCreateConstantIndexOp(rewriter, op->getLoc(), sizes[i]))
                .getResult();
    }
    // Identity layout: the type drops strides that the sizes imply.
    Value result =
        memref::ReinterpretCastOp::create(rewriter, op->getLoc(), resultType, *source,
                                          OpFoldResult(rewriter.getIndexAttr(0)), sizes, strides);
    replaceOpWithBufferizedValues(rewriter, op, result);
    return success();
  }
};

/// The dense buffer that is some of another's elements.
static Value createPart(RewriterBase &rewriter, Location loc, RankedTensorType type, Value source,
                        Value offset, ValueRange sizes) {
  auto memref = MemRefType::get(type.getShape(), type.getElementType());
  return PartOp::create(rewriter, loc, memref, source, offset, sizes);
}

/// kernel.part: the result is within the source's buffer.
struct PartModel : DenseModel<PartModel, PartOp> {
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &) const {
    if (operand.getOperandNumber() != 0)
      return {};
    return {{op->getOpResult(0), BufferRelation::Unknown}};
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    auto part = cast<PartOp>(op);
    FailureOr<Value> source = getBuffer(rewriter, part.getSource(), options, state);
    if (failed(source))
      return failure();
    replaceOpWithBufferizedValues(rewriter, op,
                                  createPart(rewriter, op->getLoc(),
                                             cast<RankedTensorType>(part.getType()), *source,
                                             part.getOffset(), part.getSizes()));
    return success();
  }
};

/// kernel.room: memory of its own, as far as reads and writes go.
struct RoomModel : DenseModel<RoomModel, RoomOp> {
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const {
    return {};
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    auto room = cast<RoomOp>(op);
    FailureOr<Value> whole = getBuffer(rewriter, room.getWhole(), options, state);
    if (failed(whole))
      return failure();
    replaceOpWithBufferizedValues(rewriter, op,
                                  createPart(rewriter, op->getLoc(), room.getType(), *whole,
                                             room.getOffset(), room.getSizes()));
    return success();
  }
};

/// kernel.join: the whole.
struct JoinModel : DenseModel<JoinModel, JoinOp> {
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &) const {
    if (operand.getOperandNumber() != 0)
      return {};
    return {{op->getOpResult(0), BufferRelation::Equivalent}};
  }
  // The parts are read in place still.
  bool isWritable(Operation *, Value, const AnalysisState &) const { return false; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    FailureOr<Value> whole = getBuffer(rewriter, cast<JoinOp>(op).getWhole(), options, state);
    if (failed(whole))
      return failure();
    replaceOpWithBufferizedValues(rewriter, op, *whole);
    return success();
  }
};

} // namespace

void sinter::kernel::registerBufferizationInterfaces(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernelDialect *) {
    CallOp::attachInterface<DestinationCallModel<CallOp>>(*context);
    RuntimeCallOp::attachInterface<DestinationCallModel<RuntimeCallOp>>(*context);
    ViewOp::attachInterface<ViewModel>(*context);
    PartOp::attachInterface<PartModel>(*context);
    RoomOp::attachInterface<RoomModel>(*context);
    JoinOp::attachInterface<JoinModel>(*context);
  });
}
