//===- HostBuilder.cpp - the host program, op by op -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/HostBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"

using namespace mlir;
using namespace sinter;

//===----------------------------------------------------------------------===//
// Types and values
//===----------------------------------------------------------------------===//

RankedTensorType HostBuilder::hostType(Type type) {
  auto tensor = ::cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), nn::getSignlessType(tensor.getElementType()));
}

Value HostBuilder::get(Value value) { return mapping.lookup(value); }

Value HostBuilder::cast(Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(builder, loc, type, value);
}

Value HostBuilder::constantIndex(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value HostBuilder::index(AffineExpr expr) {
  return analysis.materialize(builder, loc, expr, [&](Value value) { return get(value); });
}

Value HostBuilder::empty(RankedTensorType type, ValueRange dynamicDims) {
  // Unlike tensor.empty, two of these are never merged into one buffer.
  return bufferization::AllocTensorOp::create(builder, loc, type, dynamicDims);
}

SmallVector<Value> HostBuilder::dynamicSizes(Value result) {
  SmallVector<Value> sizes;
  for (auto [dim, expr] : llvm::zip(hostType(result.getType()).getShape(), analysis.shape(result)))
    if (ShapedType::isDynamic(dim))
      sizes.push_back(index(expr));
  return sizes;
}

Value HostBuilder::empty(Value result) {
  return empty(hostType(result.getType()), dynamicSizes(result));
}

Value HostBuilder::view(Value source, RankedTensorType type, ArrayRef<AffineExpr> shape) {
  if (source.getType() == type && type.hasStaticShape())
    return source;
  SmallVector<Value> dims;
  for (auto [dim, expr] : llvm::zip(type.getShape(), shape))
    if (ShapedType::isDynamic(dim))
      dims.push_back(index(expr));
  return kernel::ViewOp::create(builder, loc, type, source, dims);
}

Value HostBuilder::scalar(Value tensor) {
  SmallVector<Value> zeros(::cast<ShapedType>(tensor.getType()).getRank(), constantIndex(0));
  return tensor::ExtractOp::create(builder, loc, tensor, zeros);
}

Value HostBuilder::scalarIndex(Value tensor) {
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), scalar(tensor));
}

Value HostBuilder::scalarTensor(Value scalar, RankedTensorType type) {
  Type elementType = type.getElementType();
  if (scalar.getType() != elementType)
    scalar = arith::IndexCastOp::create(builder, loc, elementType, scalar);
  return tensor::FromElementsOp::create(builder, loc, type, scalar);
}

Value HostBuilder::fromContents(Value value) {
  auto contents = analysis.contents(value);
  if (!contents)
    return {};
  for (AffineExpr element : *contents) {
    SmallVector<Value> sources;
    analysis.collectValues(element, sources);
    // An element that is only itself isn't known.
    if (llvm::is_contained(sources, value))
      return {};
    for (Value source : sources)
      if (!source || !mapping.contains(source))
        return {};
  }
  RankedTensorType type = hostType(value.getType());
  SmallVector<Value> elements;
  for (AffineExpr element : *contents)
    elements.push_back(
        arith::IndexCastOp::create(builder, loc, type.getElementType(), index(element)));
  if (elements.empty())
    return tensor::EmptyOp::create(builder, loc, type, ValueRange());
  return tensor::FromElementsOp::create(builder, loc, type, elements);
}

Value HostBuilder::copyInto(Value source, Value destination) {
  return bufferization::MaterializeInDestinationOp::create(builder, loc, source.getType(), source,
                                                           destination)
      ->getResult(0);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

LogicalResult HostBuilder::buildFunction(func::FuncOp function) {
  // What was known about the values of another function, which is gone.
  analysis = nn::ShapeAnalysis(module.getContext());
  mapping.clear();
  SmallVector<Type> inputs, results;
  for (Type type : function.getArgumentTypes())
    inputs.push_back(hostType(type));
  for (Type type : function.getResultTypes())
    results.push_back(hostType(type));
  builder.setInsertionPoint(function);
  auto host = func::FuncOp::create(builder, function.getLoc(), function.getName(),
                                   builder.getFunctionType(inputs, results));
  host->setAttrs(function->getAttrs());
  host.setFunctionType(builder.getFunctionType(inputs, results));
  // The interface that the user sees keeps the signedness of elements.
  auto note = [&](Type type) {
    return builder.getI32IntegerAttr(nn::getElementTypeNumber(getElementTypeOrSelf(type)));
  };
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    host.setArgAttr(i, "sinter.dtype", note(type));
    // The caller's inputs are only read.
    host.setArgAttr(i, "bufferization.writable", builder.getBoolAttr(false));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    host.setResultAttr(i, "sinter.dtype", note(type));

  Block *entry = host.addEntryBlock();
  mapping.map(function.getArguments(), entry->getArguments());
  builder.setInsertionPointToStart(entry);
  if (failed(buildBlock(function.getBody().front())))
    return failure();
  SmallVector<Value> returned;
  Operation *terminator = function.getBody().front().getTerminator();
  loc = terminator->getLoc();
  for (auto [value, type] : llvm::zip(terminator->getOperands(), results))
    returned.push_back(cast(get(value), type));
  func::ReturnOp::create(builder, loc, returned);
  function.erase();
  return success();
}

LogicalResult HostBuilder::buildBlock(Block &block) {
  // All problems are reported, not only the first.
  bool failedAny = false;
  for (Operation &op : block.without_terminator()) {
    if (failed(build(&op))) {
      failedAny = true;
      // Placeholders let the walk go on.
      for (Value result : op.getResults()) {
        RankedTensorType type = hostType(result.getType());
        SmallVector<Value> dims(type.getNumDynamicDims(), constantIndex(1));
        set(result, empty(type, dims));
      }
    }
  }
  return failure(failedAny);
}

// "node 'conv1'", by the location that the importer gave, or the op's own name.
static std::string describe(Operation *op) {
  Location loc = op->getLoc();
  while (auto fused = dyn_cast<FusedLoc>(loc)) {
    if (fused.getLocations().empty())
      break;
    loc = fused.getLocations().front();
  }
  if (auto name = dyn_cast<NameLoc>(loc))
    return ("node '" + name.getName().getValue() + "'").str();
  return op->getName().getStringRef().str();
}

void HostBuilder::buildRequirements(Operation *op) {
  auto isStatic = [](Value value) {
    auto type = dyn_cast<ShapedType>(value.getType());
    return type && type.hasStaticShape();
  };
  op->walk([&](nn::ShapeOpInterface each) {
    if (llvm::all_of(each->getOperands(), isStatic) && llvm::all_of(each->getResults(), isStatic))
      return;
    for (const nn::ShapeAnalysis::Requirement &needed : analysis.requirements(each)) {
      // What only the op itself finds out is its own kernel's to check.
      SmallVector<Value> sources;
      analysis.collectValues(needed.lhs, sources);
      analysis.collectValues(needed.rhs, sources);
      if (!llvm::all_of(sources, [&](Value v) { return v && mapping.contains(v); }))
        continue;
      kernel::RequireOp::create(builder, loc, index(needed.lhs), index(needed.rhs),
                                static_cast<kernel::Need>(needed.need),
                                describe(each) + ": " + needed.what);
    }
  });
}

LogicalResult HostBuilder::build(Operation *op) {
  loc = op->getLoc();
  if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
    ElementsAttr value = constant.getValue();
    RankedTensorType type = hostType(constant.getType());
    if (value.getType() != type) {
      if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
        value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
      else
        value = ::cast<DenseElementsAttr>(value).bitcast(type.getElementType());
    }
    set(constant, arith::ConstantOp::create(builder, loc, value));
    return success();
  }
  if (auto branch = dyn_cast<nn::IfOp>(op))
    return buildIf(branch);
  if (auto loop = dyn_cast<nn::LoopOp>(op))
    return buildLoop(loop);
  buildRequirements(op);
  if (isa<nn::FusedOp>(op))
    return buildKernel(op);

  if (op->getNumResults() == 1)
    if (Value host = fromContents(op->getResult(0))) {
      set(op->getResult(0), host);
      return success();
    }
  auto fusible = dyn_cast<nn::FusibleOpInterface>(op);
  if (!fusible)
    return op->emitOpError("has no place in the host program");
  switch (fusible.getFusionClass()) {
  case nn::FusionClass::view:
    return buildView(op);
  case nn::FusionClass::opaque:
    return buildOpaque(op);
  default:
    return buildKernel(op);
  }
}

LogicalResult HostBuilder::buildKernel(Operation *op) {
  if (buildPart(op) || buildJoin(op) || buildConcat(op))
    return success();
  SmallVector<Value> captured, inputs, inits;
  CollapsedDims collapsed;
  FlatSymbolRefAttr callee = outline(op, captured, collapsed);
  if (!callee)
    return failure();
  // The kernel's types are views of the host's: dims merged or dropped.
  auto type = module.lookupSymbol<kernel::FuncOp>(callee).getFunctionType();
  auto sizesOf = [&](RankedTensorType view, const DimGroups &groups,
                     function_ref<Value(unsigned)> sizeOf) {
    SmallVector<Value> sizes;
    for (int64_t d = 0; d < view.getRank(); ++d) {
      if (!view.isDynamicDim(d))
        continue;
      Value product;
      for (auto [part, group] : llvm::enumerate(groups))
        if (group == d)
          product = product ? arith::MulIOp::create(builder, loc, product, sizeOf(part)).getResult()
                            : sizeOf(part);
      sizes.push_back(product);
    }
    return sizes;
  };
  for (auto [value, target, groups] : llvm::zip(captured, type.getInputs(), collapsed.arguments)) {
    Value host = get(value);
    if (host.getType() != target) {
      auto view = ::cast<RankedTensorType>(target);
      host =
          kernel::ViewOp::create(builder, loc, view, host, sizesOf(view, groups, [&](unsigned d) {
                                   return tensor::DimOp::create(builder, loc, host, d);
                                 }));
    }
    inputs.push_back(host);
  }
  for (auto [result, target, groups] :
       llvm::zip(op->getResults(), type.getResults(), collapsed.results)) {
    auto view = ::cast<RankedTensorType>(target);
    nn::SymbolicShape shape = analysis.shape(result);
    inits.push_back(
        empty(view, sizesOf(view, groups, [&](unsigned d) { return index(shape[d]); })));
  }
  auto call = kernel::CallOp::create(builder, loc, callee, inputs, inits);
  // Not to be taken for the same call as the first.
  op->walk([&](Operation *inner) {
    if (inner->hasAttr("nn.recomputed"))
      call->setDiscardableAttr("nn.recomputed", builder.getUnitAttr());
  });
  for (auto [result, host] : llvm::zip(op->getResults(), call.getResults())) {
    RankedTensorType wanted = hostType(result.getType());
    set(result,
        host.getType() == wanted ? Value(host) : view(host, wanted, analysis.shape(result)));
  }
  return success();
}

LogicalResult HostBuilder::buildView(Operation *op) {
  Value result = op->getResult(0);
  set(result, view(get(op->getOperand(0)), hostType(result.getType()), analysis.shape(result)));
  return success();
}

LogicalResult HostBuilder::buildIf(nn::IfOp op) {
  Location outer = loc;
  Value condition = scalar(get(op.getCondition()));
  SmallVector<Type> types;
  for (Value result : op.getResults())
    types.push_back(hostType(result.getType()));
  auto branch = scf::IfOp::create(builder, loc, types, condition,
                                  /*withElseRegion=*/true);
  auto fill = [&](Region &source, Block *target) -> LogicalResult {
    OpBuilder::InsertionGuard guard(builder);
    if (!target->empty())
      target->getTerminator()->erase();
    builder.setInsertionPointToEnd(target);
    if (failed(buildBlock(source.front())))
      return failure();
    loc = outer;
    SmallVector<Value> yielded;
    for (auto [value, type] : llvm::zip(source.front().getTerminator()->getOperands(), types))
      yielded.push_back(cast(get(value), type));
    scf::YieldOp::create(builder, loc, yielded);
    return success();
  };
  if (types.empty())
    return success();
  if (failed(fill(op.getThenRegion(), branch.thenBlock())) ||
      failed(fill(op.getElseRegion(), branch.elseBlock())))
    return failure();
  for (auto [result, host] : llvm::zip(op.getResults(), branch.getResults()))
    set(result, host);
  return success();
}
