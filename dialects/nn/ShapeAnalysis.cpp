//===- ShapeAnalysis.cpp - symbolic shapes and contents -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// ShapeAnalysis: symbols
//===----------------------------------------------------------------------===//

AffineExpr ShapeAnalysis::addSymbol(const Symbol &symbol) {
  symbols.push_back(symbol);
  return getAffineSymbolExpr(symbols.size() - 1, context);
}

AffineExpr ShapeAnalysis::dimSymbol(Value value, int64_t dim) {
  AffineExpr &expr = dimSymbols[{value, dim}];
  if (!expr)
    expr = addSymbol({Symbol::Dim, value, dim, {}, {}, {}, {}, {}, {}, {}});
  return expr;
}

AffineExpr ShapeAnalysis::elementSymbol(Value value, int64_t position) {
  AffineExpr &expr = elementSymbols[{value, position}];
  if (!expr)
    expr = addSymbol({Symbol::Element, value, position, {}, {}, {}, {}, {}, {}, {}});
  return expr;
}

AffineExpr ShapeAnalysis::unknownDim(unsigned result, unsigned dim) {
  if (current)
    return dimSymbol(current->getResult(result), dim);
  // Type inference before the op exists: any fresh symbol will do.
  return addSymbol({Symbol::Dim, Value(), dim, {}, {}, {}, {}, {}, {}, {}});
}

AffineExpr ShapeAnalysis::apply(Function function, AffineExpr lhs, AffineExpr rhs) {
  auto a = asConstant(lhs), b = asConstant(rhs);
  switch (function) {
  case Function::Min:
  case Function::Max:
    if (lhs == rhs)
      return lhs;
    if (a && b)
      return constant(function == Function::Min ? std::min(*a, *b) : std::max(*a, *b));
    // One side at most 0, the other at least 0.
    if (a && *a <= 0 && isNonNegative(rhs))
      return function == Function::Min ? lhs : rhs;
    if (b && *b <= 0 && isNonNegative(lhs))
      return function == Function::Min ? rhs : lhs;
    break;
  case Function::WrapNegative:
    if (a)
      return *a < 0 ? lhs + rhs : lhs;
    if (isNonNegative(lhs))
      return lhs;
    break;
  case Function::IfZero:
    if (a)
      return *a == 0 ? rhs : lhs;
    if (lhs == rhs)
      return lhs;
    break;
  case Function::IfNegative:
    if (a)
      return *a < 0 ? rhs : lhs;
    if (lhs == rhs || isNonNegative(lhs))
      return lhs;
    break;
  case Function::Broadcast:
    if (lhs == rhs || (b && *b == 1))
      return lhs;
    if (a)
      return *a == 1 ? rhs : lhs;
    break;
  }
  if ((function == Function::Min || function == Function::Max)) {
    // Constant difference: x + 3 against x.
    AffineExpr difference = simplifyAffineExpr(lhs - rhs, 0, symbols.size());
    if (auto d = asConstant(difference))
      return (*d <= 0) == (function == Function::Min) ? lhs : rhs;
  }
  if (function == Function::Broadcast) {
    // Dims that can be broadcast are equal or 1, so neither order nor
    // repetition matters: equal sets get equal expressions.
    SmallVector<AffineExpr> parts;
    collectBroadcast(lhs, parts);
    collectBroadcast(rhs, parts);
    llvm::sort(parts, [&](AffineExpr x, AffineExpr y) {
      return broadcastOrder.lookup(x) < broadcastOrder.lookup(y);
    });
    AffineExpr result = parts.front();
    for (AffineExpr part : llvm::drop_begin(parts))
      result = derivedSymbol(function, result, part);
    return result;
  }
  return derivedSymbol(function, lhs, rhs);
}

void ShapeAnalysis::collectBroadcast(AffineExpr expr, SmallVectorImpl<AffineExpr> &parts) {
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    Symbol meaning = symbols[symbol.getPosition()];
    if (meaning.kind == Symbol::Derived && meaning.function == Function::Broadcast) {
      collectBroadcast(meaning.lhs, parts);
      collectBroadcast(meaning.rhs, parts);
      return;
    }
  }
  if (!llvm::is_contained(parts, expr))
    parts.push_back(expr);
  broadcastOrder.try_emplace(expr, broadcastOrder.size());
}

AffineExpr ShapeAnalysis::derivedSymbol(Function function, AffineExpr lhs, AffineExpr rhs) {
  auto key = std::make_tuple(static_cast<int>(function), lhs.getAsOpaquePointer(),
                             rhs.getAsOpaquePointer(), static_cast<const void *>(nullptr));
  AffineExpr &expr = derivedSymbols[key];
  if (!expr)
    expr = addSymbol({Symbol::Derived, Value(), 0, function, lhs, rhs, {}, {}, {}, {}});
  return expr;
}

AffineExpr ShapeAnalysis::element(Value value, int64_t position) {
  return elementSymbol(value, position);
}

AffineExpr ShapeAnalysis::scaledDim(AffineExpr dim, Value scales, int64_t position) {
  auto key = std::make_tuple(-1 - static_cast<int>(position), dim.getAsOpaquePointer(),
                             scales.getAsOpaquePointer(), static_cast<const void *>(nullptr));
  AffineExpr &expr = derivedSymbols[key];
  if (!expr)
    expr = addSymbol({Symbol::Scaled, scales, position, {}, dim, {}, {}, {}, {}, {}});
  return expr;
}

AffineExpr ShapeAnalysis::fittedDim(AffineExpr dim, ArrayRef<AffineExpr> sizes,
                                    ArrayRef<AffineExpr> dims, bool least) {
  Function function = least ? Function::Min : Function::Max;
  for (auto [index, symbol] : llvm::enumerate(symbols))
    if (symbol.kind == Symbol::Fitted && symbol.lhs == dim && symbol.function == function &&
        ArrayRef<AffineExpr>(symbol.sizes) == sizes && ArrayRef<AffineExpr>(symbol.dims) == dims)
      return getAffineSymbolExpr(index, context);
  return addSymbol({Symbol::Fitted,
                    Value(),
                    0,
                    function,
                    dim,
                    {},
                    {},
                    {},
                    SymbolicShape(sizes),
                    SymbolicShape(dims)});
}

AffineExpr ShapeAnalysis::stepCount(Value start, Value limit, Value delta) {
  auto key = std::make_tuple(1000, start.getAsOpaquePointer(), limit.getAsOpaquePointer(),
                             delta.getAsOpaquePointer());
  AffineExpr &expr = derivedSymbols[key];
  if (!expr)
    expr = addSymbol({Symbol::Steps, start, 0, {}, {}, {}, limit, delta, {}, {}});
  return expr;
}

bool ShapeAnalysis::isNonNegative(AffineExpr expr) {
  if (auto value = asConstant(expr))
    return *value >= 0;
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
    if (expr.getKind() == AffineExprKind::Mod)
      return isNonNegative(binary.getLHS());
    return isNonNegative(binary.getLHS()) && isNonNegative(binary.getRHS());
  }
  auto position = cast<AffineSymbolExpr>(expr).getPosition();
  Symbol symbol = symbols[position];
  if (symbol.kind == Symbol::Element)
    return false;
  if (symbol.kind != Symbol::Derived)
    return true;
  bool lhs = isNonNegative(symbol.lhs), rhs = isNonNegative(symbol.rhs);
  switch (symbol.function) {
  case Function::Min:
  case Function::Broadcast:
  case Function::IfZero:
    return lhs && rhs;
  case Function::Max:
    return lhs || rhs;
  case Function::WrapNegative:
    return lhs;
  case Function::IfNegative:
    return rhs;
  }
  llvm_unreachable("unknown shape function");
}

//===----------------------------------------------------------------------===//
// ShapeAnalysis: values
//===----------------------------------------------------------------------===//

SymbolicShape ShapeAnalysis::shape(Value value) {
  auto found = shapes.find(value);
  if (found != shapes.end())
    return found->second;
  if (scope == Scope::Local)
    return computeShape(value);

  // Operands first, by an explicit stack: a network may be deeper than the
  // thread's stack.
  SmallVector<Value> stack{value};
  llvm::SmallPtrSet<Operation *, 8> entered;
  SymbolicShape result;
  while (!stack.empty()) {
    Value top = stack.back();
    Operation *op = top.getDefiningOp();
    size_t before = stack.size();
    if (op && isa<ShapeOpInterface>(op) && entered.insert(op).second)
      for (Value operand : op->getOperands())
        if (auto type = dyn_cast<RankedTensorType>(operand.getType());
            type && !type.hasStaticShape() && !shapes.contains(operand))
          stack.push_back(operand);
    if (stack.size() != before)
      continue;
    stack.pop_back();
    if (!shapes.contains(top) || stack.empty())
      result = computeShape(top);
  }
  return result;
}

SymbolicShape ShapeAnalysis::computeShape(Value value) {
  // A fused region's result is what the region yields.
  if (auto fused = value.getDefiningOp<FusedOp>())
    return shape(fused.getBody().front().getTerminator()->getOperand(
        cast<OpResult>(value).getResultNumber()));

  auto type = cast<ShapedType>(value.getType());
  SymbolicShape result;
  for (int64_t dim : type.getShape())
    result.push_back(ShapedType::isDynamic(dim) ? AffineExpr() : constant(dim));
  if (!type.hasStaticShape()) {
    Operation *op = value.getDefiningOp();
    SmallVector<SymbolicShape> inferred;
    if (scope == Scope::Whole && op && isa<ShapeOpInterface>(op) &&
        succeeded(inferOp(op, inferred))) {
      unsigned index = cast<OpResult>(value).getResultNumber();
      for (auto [dim, expr] : llvm::zip(result, inferred[index]))
        if (!dim)
          dim = expr;
    }
    if (scope == Scope::Whole) {
      if (auto opResult = dyn_cast<OpResult>(value)) {
        shapeOfRegionResult(opResult, result);
      } else if (auto loop = dyn_cast_if_present<LoopOp>(value.getParentBlock()->getParentOp())) {
        resolveLoop(loop);
        auto carried = carriedShapes.find(value);
        if (carried != carriedShapes.end())
          for (auto [dim, expr] : llvm::zip(result, carried->second))
            if (!dim)
              dim = expr;
      }
    }
    // Function arguments' dims of one name are one symbol.
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto function = dyn_cast_or_null<FunctionOpInterface>(argument.getOwner()->getParentOp());
      if (function && argument.getOwner()->isEntryBlock())
        if (auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "nn.dims"))
          for (auto [index, name] : llvm::enumerate(names.getAsRange<StringAttr>())) {
            if (index >= result.size() || result[index] || name.empty())
              continue;
            AffineExpr &symbol = namedSymbols[name.getValue()];
            if (!symbol)
              symbol = dimSymbol(value, index);
            result[index] = symbol;
          }
    }
    for (auto [index, dim] : llvm::enumerate(result))
      if (!dim)
        dim = dimSymbol(value, index);
  }
  shapes[value] = result;
  return result;
}

bool ShapeAnalysis::isDefinedOutside(AffineExpr expr, Operation *op) const {
  SmallVector<Value> values;
  collectValues(expr, values);
  return llvm::all_of(values, [&](Value value) {
    return value && !op->isAncestor(value.getParentBlock()->getParentOp());
  });
}

void ShapeAnalysis::shapeOfRegionResult(OpResult result, SmallVectorImpl<AffineExpr> &dims) {
  Operation *op = result.getOwner();
  unsigned index = result.getResultNumber();
  auto adopt = [&](const SymbolicShape &shape) {
    if (shape.size() != dims.size())
      return;
    for (auto [dim, expr] : llvm::zip(dims, shape))
      if (!dim && expr && isDefinedOutside(expr, op))
        dim = expr;
  };
  if (auto fused = dyn_cast<FusedOp>(op)) {
    adopt(shape(fused.getBody().front().getTerminator()->getOperand(index)));
  } else if (auto branch = dyn_cast<IfOp>(op)) {
    SymbolicShape first = shape(branch.getThenRegion().front().getTerminator()->getOperand(index));
    SymbolicShape second = shape(branch.getElseRegion().front().getTerminator()->getOperand(index));
    if (first.size() != second.size())
      return;
    for (auto [a, b] : llvm::zip(first, second))
      if (a != b)
        a = AffineExpr();
    adopt(first);
  } else if (auto loop = dyn_cast<LoopOp>(op)) {
    Block &body = loop.getBody().front();
    Value yielded = body.getTerminator()->getOperand(index + 1);
    if (index < loop.getInits().size()) {
      // Without an iteration the result is the initial value.
      SymbolicShape initial = shape(loop.getInits()[index]);
      SymbolicShape final = shape(yielded);
      for (auto [a, b] : llvm::zip(initial, final))
        if (a != b)
          a = AffineExpr();
      adopt(initial);
      return;
    }
    SymbolicShape stacked{AffineExpr()};
    stacked.append(shape(yielded));
    // How many iterations there are is only certain if nothing can end them.
    auto isTrue = [](Value condition) {
      auto constant = dyn_cast_if_present<DenseElementsAttr>(getConstant(condition));
      return constant && constant.isSplat() && constant.getSplatValue<bool>();
    };
    Value next = body.getTerminator()->getOperand(0);
    if (loop.getTripCount() && (!loop.getCondition() || isTrue(loop.getCondition())) &&
        (isTrue(next) || next == body.getArgument(1)))
      if (auto count = contents(loop.getTripCount()); count && count->size() == 1)
        stacked[0] = max(count->front(), constant(0));
    adopt(stacked);
  }
}

// Optimistic: assumes that every carried value keeps the dims of its initial
// value, looks at what the body gives back, and retreats where it differs.
void ShapeAnalysis::resolveLoop(Operation *op) {
  if (!resolvedLoops.try_emplace(op, true).second)
    return;
  auto loop = cast<LoopOp>(op);
  Block &body = loop.getBody().front();
  for (auto [argument, init] : llvm::zip(body.getArguments().drop_front(2), loop.getInits()))
    carriedShapes[argument] = shape(init);
  bool changed = true;
  while (changed) {
    changed = false;
    for (auto [argument, yielded] : llvm::zip(body.getArguments().drop_front(2),
                                              body.getTerminator()->getOperands().drop_front(1))) {
      SymbolicShape given = shape(yielded);
      SymbolicShape assumed = carriedShapes[argument];
      for (auto [index, dim] : llvm::enumerate(assumed)) {
        if (cast<ShapedType>(argument.getType()).isDynamicDim(index) &&
            (index >= given.size() || given[index] != dim) && dim != dimSymbol(argument, index)) {
          dim = dimSymbol(argument, index);
          changed = true;
        }
      }
      carriedShapes[argument] = assumed;
    }
    if (!changed)
      break;
    // What was concluded from the assumption goes with it.
    shapes.clear();
    loop.getBody().walk([&](LoopOp inner) {
      resolvedLoops.erase(inner);
      for (Value argument : inner.getBody().getArguments())
        carriedShapes.erase(argument);
    });
  }
}

LogicalResult ShapeAnalysis::inferOp(Operation *op, SmallVectorImpl<SymbolicShape> &results) {
  Operation *outer = std::exchange(current, op);
  auto outerLocation = std::exchange(location, std::nullopt);
  LogicalResult result = cast<ShapeOpInterface>(op).inferSymbolicShapes(*this, results);
  current = outer;
  location = outerLocation;
  for (SymbolicShape &shape : results)
    for (AffineExpr &dim : shape)
      dim = simplifyAffineExpr(dim, 0, symbols.size());
  return result;
}

void ShapeAnalysis::require(Need need, AffineExpr lhs, AffineExpr rhs, StringRef what) {
  if (!asked || current != asked)
    return;
  auto a = asConstant(lhs), b = asConstant(rhs);
  bool isCertain = false;
  switch (need) {
  case Need::Broadcast:
    isCertain = (a && *a == 1) || (b && *b == 1);
    [[fallthrough]];
  case Need::Equal:
    isCertain |= asConstant(simplifyAffineExpr(lhs - rhs, 0, symbols.size())) == 0;
    break;
  case Need::NonNegative:
    isCertain = isNonNegative(lhs);
  }
  if (!isCertain)
    collected.push_back({need, lhs, rhs, what.str()});
}

SmallVector<ShapeAnalysis::Requirement> ShapeAnalysis::requirements(Operation *op) {
  Operation *outer = std::exchange(asked, op);
  SmallVector<SymbolicShape> results;
  if (succeeded(inferOp(op, results))) {
    Operation *before = std::exchange(current, op);
    for (const SymbolicShape &result : results)
      for (AffineExpr dim : result)
        require(Need::NonNegative, dim, constant(0), "a dim of its result");
    current = before;
  }
  asked = outer;
  return std::exchange(collected, {});
}

std::optional<SymbolicShape> ShapeAnalysis::contents(Value value) {
  // Narrower integers, and unsigned ones, wrap where shapes don't: they are data.
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() > 1 || !type.hasStaticShape() ||
      type.getNumElements() > maxContents ||
      !(type.getElementType().isSignlessInteger(32) || type.getElementType().isSignlessInteger(64)))
    return std::nullopt;
  // An index has a sign, and does not wrap at the width of a narrow number.
  if (type.getElementType().isUnsignedInteger())
    return std::nullopt;
  if (auto fused = value.getDefiningOp<FusedOp>()) {
    auto known = contents(fused.getBody().front().getTerminator()->getOperand(
        cast<OpResult>(value).getResultNumber()));
    if (known && llvm::all_of(*known, [&](AffineExpr e) { return isDefinedOutside(e, fused); }))
      return known;
  }
  if (auto op = value.getDefiningOp<ContentsOpInterface>()) {
    auto known = op.inferContents(*this);
    if (known && static_cast<int64_t>(known->size()) == type.getNumElements()) {
      for (AffineExpr &element : *known)
        element = simplifyAffineExpr(element, 0, symbols.size());
      return known;
    }
  }
  SymbolicShape result;
  for (int64_t i = 0, e = type.getNumElements(); i < e; ++i)
    result.push_back(elementSymbol(value, i));
  return result;
}

void ShapeAnalysis::collectValues(AffineExpr expr, SmallVectorImpl<Value> &values) const {
  expr.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    const Symbol &meaning = symbols[symbol.getPosition()];
    if (meaning.kind == Symbol::Derived) {
      collectValues(meaning.lhs, values);
      collectValues(meaning.rhs, values);
    } else if (meaning.kind == Symbol::Fitted) {
      collectValues(meaning.lhs, values);
      for (ArrayRef<AffineExpr> list : {meaning.sizes, meaning.dims})
        for (AffineExpr each : list)
          collectValues(each, values);
    } else {
      values.push_back(meaning.value);
      if (meaning.kind == Symbol::Scaled)
        collectValues(meaning.lhs, values);
      if (meaning.kind == Symbol::Steps) {
        values.push_back(meaning.limit);
        values.push_back(meaning.delta);
      }
    }
  });
}

bool ShapeAnalysis::dependsOnData(AffineExpr expr) const {
  bool depends = false;
  expr.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    const Symbol &meaning = symbols[symbol.getPosition()];
    if (meaning.kind == Symbol::Derived)
      depends |= dependsOnData(meaning.lhs) || dependsOnData(meaning.rhs);
    else
      depends |= meaning.kind != Symbol::Dim || !isa_and_nonnull<BlockArgument>(meaning.value);
  });
  return depends;
}
