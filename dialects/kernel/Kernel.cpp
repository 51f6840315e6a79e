//===- Kernel.cpp - functions, calls and views of the kernel dialect ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::kernel;

#include "dialects/kernel/KernelDialect.cpp.inc"
#include "dialects/kernel/KernelEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/kernel/KernelTypes.cpp.inc"

void KernelDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/kernel/KernelTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/kernel/KernelOps.cpp.inc"
      >();
}

std::string sinter::kernel::loopName(unsigned i) { return "d" + std::to_string(i); }

Operation *sinter::kernel::getCombiner(linalg::LinalgOp stage) {
  if (stage.getNumDpsInits() != 1)
    return nullptr;
  Operation *combiner = stage.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
  Value soFar = stage.getBlock()->getArgument(stage.getNumDpsInputs());
  if (!combiner || combiner->getBlock() != stage.getBlock() || combiner->getNumOperands() != 2 ||
      !soFar.hasOneUse() || !llvm::is_contained(combiner->getOperands(), soFar) ||
      !arith::getNeutralElement(combiner))
    return nullptr;
  return combiner;
}

//===----------------------------------------------------------------------===//
// kernel.func, kernel.yield
//===----------------------------------------------------------------------===//

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name, FunctionType type) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  OpBuilder::InsertionGuard guard(builder);
  Region *body = state.addRegion();
  Block *entry = builder.createBlock(body);
  for (Type input : type.getInputs())
    entry->addArgument(input, state.location);
  state.addRegion();
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  (void)mlir::impl::parseOptionalVisibilityKeyword(parser, result.attributes);
  StringAttr name;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name), result.attributes))
    return failure();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> resultTypes;
  SmallVector<DictionaryAttr> resultAttrs;
  bool variadic = false;
  if (function_interface_impl::parseFunctionSignatureWithArguments(
          parser, /*allowVariadic=*/false, arguments, variadic, resultTypes, resultAttrs))
    return failure();
  SmallVector<Type> argumentTypes;
  for (auto &argument : arguments)
    argumentTypes.push_back(argument.type);
  result.addAttribute(getFunctionTypeAttrName(result.name),
                      TypeAttr::get(builder.getFunctionType(argumentTypes, resultTypes)));
  call_interface_impl::addArgAndResultAttrs(builder, result, arguments, resultAttrs,
                                            getArgAttrsAttrName(result.name),
                                            getResAttrsAttrName(result.name));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  if (parser.parseRegion(*result.addRegion(), arguments))
    return failure();
  Region *schedule = result.addRegion();
  if (succeeded(parser.parseOptionalKeyword("schedule")) && parser.parseRegion(*schedule))
    return failure();
  return success();
}

void FuncOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  if (auto visibility = getSymVisibility())
    printer << *visibility << ' ';
  printer.printSymbolName(getSymName());
  call_interface_impl::printFunctionSignature(printer, getArgumentTypes(), getArgAttrsAttr(),
                                              /*isVariadic=*/false, getResultTypes(),
                                              getResAttrsAttr(), &getBody(),
                                              /*printEmptyResult=*/false);
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getSymNameAttrName(), getSymVisibilityAttrName(),
                                            getFunctionTypeAttrName(), getArgAttrsAttrName(),
                                            getResAttrsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/true);
  if (hasSchedule()) {
    printer << " schedule ";
    printer.printRegion(getSchedule(), /*printEntryBlockArgs=*/false,
                        /*printBlockTerminators=*/true);
  }
}

OperandRange FuncOp::getYielded() { return cast<YieldOp>(getBody().front().back()).getValues(); }

SmallVector<linalg::LinalgOp> FuncOp::getStages() {
  SmallVector<linalg::LinalgOp> stages;
  for (Operation &op : getBody().front())
    if (auto stage = dyn_cast<linalg::LinalgOp>(op); stage && !isa<linalg::FillOp>(op))
      stages.push_back(stage);
  return stages;
}

LogicalResult FuncOp::verify() {
  if (TypeRange(getBody().getArgumentTypes()) != TypeRange(getArgumentTypes()))
    return emitOpError("has block arguments of other types than its signature's");
  for (Type type : getArgumentTypes())
    if (!isa<RankedTensorType, IndexType, IntegerType, FloatType>(type))
      return emitOpError("argument of type ") << type << ": expected a ranked tensor or a scalar";
  for (Type type : getResultTypes())
    if (!isa<RankedTensorType>(type))
      return emitOpError("result of type ") << type << ": expected a ranked tensor";
  return success();
}

LogicalResult YieldOp::verify() {
  auto func = cast<FuncOp>((*this)->getParentOp());
  if (ValueRange(getValues()).getTypes() != TypeRange(func.getResultTypes()))
    return emitOpError("yields other types than the kernel's results: expected (")
           << func.getResultTypes() << "), got (" << getValues().getTypes() << ")";
  return success();
}

//===----------------------------------------------------------------------===//
// kernel.call, kernel.runtime_call
//===----------------------------------------------------------------------===//

/// Results are the tensor inits' types, one each; on memrefs there are none.
static LogicalResult verifyDestinations(Operation *op, OperandRange inits) {
  SmallVector<Type> expected;
  for (Type type : inits.getTypes())
    if (isa<RankedTensorType>(type))
      expected.push_back(type);
  if (!expected.empty() && expected.size() != inits.size())
    return op->emitOpError("mixes tensor and memref destinations");
  if (TypeRange(expected) != TypeRange(op->getResultTypes()))
    return op->emitOpError("has results (")
           << op->getResultTypes() << "), but destinations (" << inits.getTypes() << ")";
  return success();
}

/// Tensors have no effects; memref inputs are read and memref destinations written.
static void getDestinationEffects(MutableOperandRange inputs, MutableOperandRange inits,
                                  SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &input : inputs)
    if (isa<MemRefType>(input.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &input);
  for (OpOperand &init : inits)
    if (isa<MemRefType>(init.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &init);
}

static LogicalResult reifyFromInits(OpBuilder &builder, Operation *op, OperandRange inits,
                                    ReifiedRankedShapedTypeDims &shapes) {
  for (Value init : inits)
    shapes.push_back(tensor::getMixedSizes(builder, op->getLoc(), init));
  return success();
}

static void addDestinationOperands(OperationState &state, ValueRange inputs, ValueRange inits) {
  state.addOperands(inputs);
  state.addOperands(inits);
  for (Type type : inits.getTypes())
    if (isa<RankedTensorType>(type))
      state.addTypes(type);
}

void CallOp::build(OpBuilder &builder, OperationState &state, FlatSymbolRefAttr callee,
                   ValueRange inputs, ValueRange inits) {
  addDestinationOperands(state, inputs, inits);
  state.addAttribute(getCalleeAttrName(state.name), callee);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setCallee(callee);
  properties.operandSegmentSizes = {static_cast<int>(inputs.size()),
                                    static_cast<int>(inits.size())};
  state.attributes.erase(getCalleeAttrName(state.name));
}

LogicalResult CallOp::verify() { return verifyDestinations(*this, getInits()); }

/// Same rank, element type and static dims, be it tensor or memref.
static bool matchesShape(Type actual, Type expected) {
  if (actual == expected)
    return true;
  auto a = dyn_cast<ShapedType>(actual), e = dyn_cast<ShapedType>(expected);
  return a && e && a.hasRank() && e.hasRank() && a.getElementType() == e.getElementType() &&
         a.getShape() == e.getShape();
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *callee = symbols.lookupNearestSymbolFrom(*this, getCalleeAttr());
  if (!callee)
    return emitOpError("calls ") << getCalleeAttr() << ", which is not defined";
  auto kernel = dyn_cast<FuncOp>(callee);
  if (!kernel) // Lowered already: (context, inputs, destinations).
    return isa<FunctionOpInterface>(callee) ? success()
                                            : emitOpError() << getCalleeAttr() << " is no kernel";
  if (kernel.getArgumentTypes().size() != getInputs().size() ||
      kernel.getResultTypes().size() != getInits().size())
    return emitOpError() << getCalleeAttr() << " takes " << kernel.getArgumentTypes().size()
                         << " inputs and gives " << kernel.getResultTypes().size()
                         << " results, but the call has " << getInputs().size() << " and "
                         << getInits().size();
  for (auto [i, actual, expected] :
       llvm::enumerate(getInputs().getTypes(), kernel.getArgumentTypes()))
    if (!matchesShape(actual, expected))
      return emitOpError("input ")
             << i << " is " << actual << ", but " << getCalleeAttr() << " takes " << expected;
  for (auto [i, actual, expected] : llvm::enumerate(getInits().getTypes(), kernel.getResultTypes()))
    if (!matchesShape(actual, expected))
      return emitOpError("destination ")
             << i << " is " << actual << ", but " << getCalleeAttr() << " gives " << expected;
  return success();
}

void CallOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getDestinationEffects(getInputsMutable(), getInitsMutable(), effects);
}

LogicalResult CallOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, getInits(), shapes);
}

void RuntimeCallOp::build(OpBuilder &builder, OperationState &state, StringRef callee,
                          ValueRange inputs, ValueRange inits, ArrayRef<int64_t> params,
                          ArrayRef<int32_t> dtypes) {
  addDestinationOperands(state, inputs, inits);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setCallee(builder.getStringAttr(callee));
  if (!params.empty())
    properties.setParams(builder.getDenseI64ArrayAttr(params));
  if (!dtypes.empty())
    properties.setDtypes(builder.getDenseI32ArrayAttr(dtypes));
  properties.operandSegmentSizes = {static_cast<int>(inputs.size()),
                                    static_cast<int>(inits.size())};
}

LogicalResult RuntimeCallOp::verify() {
  if (auto dtypes = getDtypes(); dtypes && dtypes->size() != getNumOperands())
    return emitOpError("has ") << dtypes->size() << " dtypes for " << getNumOperands() << " arrays";
  return verifyDestinations(*this, getInits());
}

void RuntimeCallOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getDestinationEffects(getInputsMutable(), getInitsMutable(), effects);
}

LogicalResult RuntimeCallOp::reifyResultShapes(OpBuilder &builder,
                                               ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, getInits(), shapes);
}

//===----------------------------------------------------------------------===//
// kernel.view
//===----------------------------------------------------------------------===//

/// One size for each dynamic dimension of a result of the source's elements.
static LogicalResult verifySizes(Operation *op, ShapedType source, ShapedType result,
                                 ValueRange sizes) {
  if (source.getElementType() != result.getElementType())
    return op->emitOpError("changes the element type from ")
           << source.getElementType() << " to " << result.getElementType();
  if (result.getNumDynamicDims() != static_cast<int64_t>(sizes.size()))
    return op->emitOpError("has ")
           << sizes.size() << " sizes for " << result.getNumDynamicDims() << " dynamic dimensions";
  return success();
}

/// As many elements as fit.
static LogicalResult verifyPart(Operation *op, ShapedType source, ShapedType result,
                                ValueRange sizes) {
  if (failed(verifySizes(op, source, result, sizes)))
    return failure();
  if (source.hasStaticShape() && result.hasStaticShape() &&
      source.getNumElements() < result.getNumElements())
    return op->emitOpError("takes ")
           << result.getNumElements() << " elements of " << source.getNumElements();
  return success();
}

static LogicalResult reifySizes(OpBuilder &builder, ShapedType type, ValueRange sizes,
                                ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getMixedValues(type.getShape(), sizes, builder));
  return success();
}

LogicalResult ViewOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()),
       result = cast<RankedTensorType>(getType());
  if (failed(verifySizes(*this, source, result, getSizes())))
    return failure();
  if (source.hasStaticShape() && result.hasStaticShape() &&
      source.getNumElements() != result.getNumElements())
    return emitOpError("makes ") << result.getNumElements() << " elements of "
                                 << source.getNumElements();
  return success();
}

LogicalResult ViewOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifySizes(builder, getType(), getSizes(), shapes);
}

OpFoldResult ViewOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  // One dynamic dim of equal types at most: the rest decides it.
  if (getSource().getType() == type && type.getNumDynamicDims() <= 1)
    return getSource();
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getSource());
      dense && type.hasStaticShape())
    return dense.reshape(type);
  return {};
}

namespace {
/// view(view(x)) is one view.
struct ViewOfView : OpRewritePattern<ViewOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ViewOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getSource().getDefiningOp<ViewOp>();
    if (!inner)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getSourceMutable().assign(inner.getSource()); });
    return success();
  }
};
} // namespace

void ViewOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ViewOfView>(context);
}

//===----------------------------------------------------------------------===//
// kernel.part, kernel.room
//===----------------------------------------------------------------------===//

Value PartOp::getViewSource() { return getSource(); }

LogicalResult PartOp::verify() {
  return verifyPart(*this, cast<ShapedType>(getSource().getType()), cast<ShapedType>(getType()),
                    getSizes());
}

LogicalResult PartOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifySizes(builder, cast<ShapedType>(getType()), getSizes(), shapes);
}

LogicalResult RoomOp::verify() {
  return verifyPart(*this, getWhole().getType(), getType(), getSizes());
}

LogicalResult RoomOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifySizes(builder, getType(), getSizes(), shapes);
}

//===----------------------------------------------------------------------===//
// Dim names in the schedule ops' syntax: bare words where they are words.
//===----------------------------------------------------------------------===//

static ParseResult parseDim(OpAsmParser &parser, StringAttr &dim) {
  std::string name;
  if (parser.parseKeywordOrString(&name))
    return failure();
  dim = parser.getBuilder().getStringAttr(name);
  return success();
}

static void printDim(OpAsmPrinter &printer, Operation *, StringAttr dim) {
  printer.printKeywordOrString(dim.getValue());
}

static ParseResult parseDims(OpAsmParser &parser, ArrayAttr &dims) {
  SmallVector<Attribute> names;
  auto parseOne = [&]() -> ParseResult {
    StringAttr dim;
    if (parseDim(parser, dim))
      return failure();
    names.push_back(dim);
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, parseOne))
    return failure();
  dims = parser.getBuilder().getArrayAttr(names);
  return success();
}

static void printDims(OpAsmPrinter &printer, Operation *op, ArrayAttr dims) {
  printer << '[';
  llvm::interleaveComma(dims, printer,
                        [&](Attribute dim) { printDim(printer, op, cast<StringAttr>(dim)); });
  printer << ']';
}

#define GET_OP_CLASSES
#include "dialects/kernel/KernelOps.cpp.inc"
