//===- HostParts.cpp - contiguous parts of tensors, without copies --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Along the outermost dim that is not 1 a slice of a tensor is contiguous: it is read where it
// lies. The parts of a concat along that dim are written where they belong by whatever computes
// them, be they of dynamic size or read elsewhere too; what nothing computes is copied.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/nn-to-kernel/HostBuilder.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace sinter;

Operation *sinter::getLoneOp(Operation *op) {
  if (auto fused = dyn_cast<nn::FusedOp>(op)) {
    Block &body = fused.getBody().front();
    return body.getOperations().size() == 2 ? &body.front() : nullptr;
  }
  return op;
}

/// Whether the dims before `axis` are all 1.
static bool isOutermost(ArrayRef<AffineExpr> shape, int64_t axis) {
  return llvm::all_of(shape.take_front(axis),
                      [](AffineExpr dim) { return nn::asConstant(dim) == 1; });
}

/// A position counted from the end if it is negative; nothing unless both it and the dim are known.
static std::optional<int64_t> positionIn(AffineExpr dim, std::optional<int64_t> position) {
  auto size = nn::asConstant(dim);
  if (!size || !position)
    return std::nullopt;
  return *position < 0 ? *position + *size : *position;
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// Where, in elements, the one slice that a gather takes begins.
static std::optional<AffineExpr> offsetOf(nn::GatherOp op, nn::ShapeAnalysis &analysis) {
  nn::SymbolicShape shape = analysis.shape(op.getInput());
  int64_t axis = op.getAxis();
  auto contents = analysis.contents(op.getIndices());
  if (!contents || contents->size() != 1 || !isOutermost(shape, axis))
    return std::nullopt;
  auto position = positionIn(shape[axis], nn::asConstant(contents->front()));
  if (!position || *position < 0 || *position >= *nn::asConstant(shape[axis]))
    return std::nullopt;
  return analysis.product(ArrayRef(shape).drop_front(axis + 1)) * *position;
}

/// Where, in elements, a slice along one dim begins.
static std::optional<AffineExpr> offsetOf(nn::SliceOp op, nn::ShapeAnalysis &analysis) {
  nn::SymbolicShape from = analysis.shape(op.getInput()), to = analysis.shape(op.getOutput());
  auto starts = analysis.contents(op.getStarts()), steps = analysis.contents(op.getSteps());
  if (!starts || !steps)
    return std::nullopt;
  std::optional<AffineExpr> offset;
  for (auto [axis, start, step] : llvm::zip(op.getAxes(), *starts, *steps)) {
    if (nn::asConstant(step) != 1)
      return std::nullopt;
    if (from[axis] == to[axis])
      continue;
    auto position = positionIn(from[axis], nn::asConstant(start));
    if (offset || !position || !isOutermost(from, axis))
      return std::nullopt;
    int64_t begin = std::clamp<int64_t>(*position, 0, *nn::asConstant(from[axis]));
    offset = analysis.product(ArrayRef(from).drop_front(axis + 1)) * begin;
  }
  return offset;
}

bool HostBuilder::buildPart(Operation *op) {
  Operation *lone = getLoneOp(op);
  std::optional<AffineExpr> offset;
  if (auto gather = dyn_cast_or_null<nn::GatherOp>(lone))
    offset = offsetOf(gather, analysis);
  else if (auto slice = dyn_cast_or_null<nn::SliceOp>(lone))
    offset = offsetOf(slice, analysis);
  if (!offset)
    return false;
  Value result = op->getResult(0);
  RankedTensorType type = hostType(result.getType());
  if (type.getElementTypeBitWidth() % 8 != 0)
    return false;
  set(result, kernel::PartOp::create(builder, loc, type, get(lone->getOperand(0)), index(*offset),
                                     dynamicSizes(result)));
  return true;
}

//===----------------------------------------------------------------------===//
// Concats
//===----------------------------------------------------------------------===//

/// Whether an op gives what it reads under another name.
static bool isView(Operation *op) {
  auto fusible = dyn_cast<nn::FusibleOpInterface>(op);
  return (fusible && fusible.getFusionClass() == nn::FusionClass::view) ||
         isa_and_nonnull<nn::GatherOp, nn::SliceOp>(getLoneOp(op));
}

/// Whether a value is only read, and by nothing but kernels of its own block: a loop might write to
/// it in place, and what is returned has a place of its own.
static bool isReadByKernelsOnly(Value value) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (isa<nn::FusedOp>(user->getParentOp()))
      user = user->getParentOp();
    if (user->getBlock() != value.getParentBlock() || user->hasTrait<OpTrait::IsTerminator>() ||
        (user->getNumRegions() != 0 && !isa<nn::FusedOp>(user)))
      return false;
    return !isView(user) || llvm::all_of(user->getResults(), isReadByKernelsOnly);
  });
}

/// The memory that a part of a concat is computed into, if it may as well be elsewhere.
static bufferization::AllocTensorOp findMemory(Value part, Value host, Block *block) {
  while (Operation *op = part.getDefiningOp()) {
    auto fusible = dyn_cast<nn::FusibleOpInterface>(op);
    if (!fusible || fusible.getFusionClass() != nn::FusionClass::view)
      break;
    part = op->getOperand(0);
  }
  if (!isReadByKernelsOnly(part))
    return {};
  while (auto view = host.getDefiningOp<kernel::ViewOp>())
    host = view.getSource();
  bufferization::AllocTensorOp memory;
  if (auto join = host.getDefiningOp<kernel::JoinOp>()) {
    memory = join.getWhole().getDefiningOp<bufferization::AllocTensorOp>();
  } else if (auto call = host.getDefiningOp<kernel::CallOp>()) {
    Value init = call.getInits()[cast<OpResult>(host).getResultNumber()];
    memory = init.getDefiningOp<bufferization::AllocTensorOp>();
    if (memory && !memory->hasOneUse())
      return {};
  }
  return memory && memory->getBlock() == block ? memory : bufferization::AllocTensorOp();
}

bool HostBuilder::buildJoin(Operation *op) {
  auto concat = dyn_cast_or_null<nn::ConcatOp>(getLoneOp(op));
  Block *block = builder.getInsertionBlock();
  if (!concat || !isa<func::FuncOp>(block->getParentOp()))
    return false;
  RankedTensorType type = hostType(op->getResult(0).getType());
  nn::SymbolicShape shape = analysis.shape(op->getResult(0));
  // Smaller ones are not worth several kernels.
  constexpr int64_t least = 256;
  if (!isOutermost(shape, concat.getAxis()) || type.getElementTypeBitWidth() % 8 != 0 ||
      (type.hasStaticShape() && type.getNumElements() < least))
    return false;

  // Everything is decided before anything is built.
  struct Part {
    Value input; ///< of nn
    AffineExpr offset, size;
    bufferization::AllocTensorOp memory; ///< null: the part is copied
  };
  SmallVector<Part> parts;
  llvm::SmallPtrSet<Operation *, 8> taken;
  AffineExpr total = builder.getAffineConstantExpr(0);
  bool sizesAreKnown = true; // before the parts are computed
  Operation *first = nullptr;
  for (Value input : concat.getInputs()) {
    AffineExpr size = analysis.product(analysis.shape(input));
    sizesAreKnown &= !analysis.dependsOnData(size);
    Part part{input, total, size, findMemory(input, get(input), block)};
    if (!sizesAreKnown || (part.memory && !taken.insert(part.memory).second))
      part.memory = {};
    parts.push_back(part);
    total = total + size;
  }
  for (Part &part : parts) {
    if (!sizesAreKnown)
      part.memory = {};
    if (part.memory && (!first || part.memory->isBeforeInBlock(first)))
      first = part.memory;
  }

  auto flatType = [&](AffineExpr size) {
    return RankedTensorType::get(nn::asConstant(size).value_or(ShapedType::kDynamic),
                                 type.getElementType());
  };
  auto end = builder.saveInsertionPoint();
  if (first)
    builder.setInsertionPoint(first);
  auto sizesOf = [&](AffineExpr size) {
    return nn::asConstant(size) ? SmallVector<Value>() : SmallVector<Value>{index(size)};
  };
  Value whole = empty(flatType(total), sizesOf(total));
  for (Part &part : parts) {
    if (!part.memory)
      continue;
    builder.setInsertionPoint(part.memory);
    Value room = kernel::RoomOp::create(builder, loc, part.memory.getType(), whole,
                                        index(part.offset), part.memory.getDynamicSizes());
    part.memory.getResult().replaceAllUsesWith(room);
    part.memory->erase();
  }
  builder.restoreInsertionPoint(end);
  SmallVector<Value> written;
  for (const Part &part : parts) {
    if (part.memory) {
      written.push_back(get(part.input));
      continue;
    }
    RankedTensorType flat = flatType(part.size);
    Value source = view(get(part.input), flat, part.size);
    Value room =
        kernel::RoomOp::create(builder, loc, flat, whole, index(part.offset), sizesOf(part.size));
    written.push_back(
        kernel::CallOp::create(builder, loc, copyKernel(flat), source, room)->getResult(0));
  }
  Value joined = kernel::JoinOp::create(builder, loc, whole, written);
  set(op->getResult(0), view(joined, type, shape));
  return true;
}
