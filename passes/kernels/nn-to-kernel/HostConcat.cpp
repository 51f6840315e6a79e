//===- HostConcat.cpp - concatenation in place ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The result of a concat of static shape is a matrix: dims before the axis are
// its rows, and a part is some of its columns. A kernel that computes a part
// for nobody else writes these columns itself; the other parts are copied, each
// by a kernel of its own.
//
//===----------------------------------------------------------------------===//

#include "dialects/kernel/Buffers.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/kernels/nn-to-kernel/HostBuilder.h"

using namespace mlir;
using namespace sinter;

namespace {
/// Columns [offset, offset + size) of the result.
struct Part {
  Value input; ///< of nn
  int64_t offset, size;
  /// Computes the part and may write it in place; null: it is copied.
  kernel::CallOp producer;
};

/// Where a part stands in the whole, seen with the dims of the part's own type.
struct Place {
  RankedTensorType whole;
  SmallVector<OpFoldResult> offsets, sizes, steps;
  SmallVector<int64_t> strides;
};
} // namespace

/// The place of a part of `type` in rows of `row` elements; nothing if no dim of the type is the
/// one to take a slice of.
static std::optional<Place> placeOf(RankedTensorType type, const Part &part, int64_t row) {
  int64_t axis = type.getRank(), size = 1, within = 1;
  while (axis > 0 && (size < part.size || axis == type.getRank())) {
    within = size;
    size *= type.getDimSize(--axis);
  }
  if (axis == type.getRank() || size != part.size || part.offset % within != 0 || row % within != 0)
    return std::nullopt;
  Place place;
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = row / within;
  place.whole = RankedTensorType::get(shape, type.getElementType());
  Builder builder(type.getContext());
  int64_t stride = place.whole.getNumElements();
  for (int64_t d = 0; d < type.getRank(); ++d) {
    place.offsets.push_back(builder.getIndexAttr(d == axis ? part.offset / within : 0));
    place.sizes.push_back(builder.getIndexAttr(type.getDimSize(d)));
    place.steps.push_back(builder.getIndexAttr(1));
    stride /= shape[d];
    place.strides.push_back(stride);
  }
  return place;
}

/// The call that computes `input`, a value of nn whose host value is `host`, if nobody else reads
/// it and the call may write elsewhere.
static kernel::CallOp soleProducer(Value input, Value host, Block *block) {
  for (; input.hasOneUse(); input = input.getDefiningOp()->getOperand(0)) {
    auto fusible = dyn_cast_or_null<nn::FusibleOpInterface>(input.getDefiningOp());
    if (!fusible || fusible.getFusionClass() != nn::FusionClass::view)
      break;
  }
  if (!input.hasOneUse())
    return {};
  while (auto view = host.getDefiningOp<kernel::ViewOp>())
    host = view.getSource();
  auto call = host.getDefiningOp<kernel::CallOp>();
  if (!call || call->getBlock() != block || call->getNumResults() != 1)
    return {};
  auto memory = call.getInits()[0].getDefiningOp<bufferization::AllocTensorOp>();
  return memory && memory->hasOneUse() ? call : kernel::CallOp();
}

FlatSymbolRefAttr HostBuilder::withStrides(FlatSymbolRefAttr callee, ArrayRef<int64_t> strides) {
  auto original = module.lookupSymbol<kernel::FuncOp>(callee);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(module.getBody());
  auto function = ::cast<kernel::FuncOp>(builder.clone(*original));
  kernel::setResultStrides(function, 0, strides);
  return share(function, original.getSymName());
}

FlatSymbolRefAttr HostBuilder::copyKernel(RankedTensorType type) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(module.getBody());
  auto function =
      kernel::FuncOp::create(builder, loc, "kernel", builder.getFunctionType({type}, {type}));
  Block &block = function.getBody().front();
  builder.setInsertionPointToStart(&block);
  Value init = tensor::EmptyOp::create(builder, loc,
                                       tensor::getMixedSizes(builder, loc, block.getArgument(0)),
                                       type.getElementType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> kinds(type.getRank(), utils::IteratorType::parallel);
  auto copy = linalg::GenericOp::create(builder, loc, type, block.getArgument(0), init,
                                        ArrayRef<AffineMap>{identity, identity}, kinds,
                                        [](OpBuilder &inner, Location loc, ValueRange arguments) {
                                          linalg::YieldOp::create(inner, loc, arguments[0]);
                                        });
  kernel::YieldOp::create(builder, loc, copy.getResults());
  return share(function, "copy");
}

bool HostBuilder::buildConcat(Operation *op) {
  auto concat = dyn_cast_or_null<nn::ConcatOp>(getLoneOp(op));
  if (!concat)
    return false;
  RankedTensorType type = hostType(concat.getResult().getType());
  // Smaller ones are not worth several kernels.
  constexpr int64_t least = 256;
  if (!type.hasStaticShape() || type.getNumElements() < least ||
      type.getElementTypeBitWidth() % 8 != 0)
    return false;
  int64_t row = 1;
  for (int64_t size : type.getShape().drop_front(concat.getAxis()))
    row *= size;
  int64_t rows = type.getNumElements() / row;

  // Everything is decided before anything is built.
  SmallVector<Part> parts;
  int64_t offset = 0;
  for (Value input : concat.getInputs()) {
    auto inputType = ::cast<RankedTensorType>(input.getType());
    if (!inputType.hasStaticShape())
      return false;
    int64_t size = inputType.getNumElements() / rows;
    if (size == 0)
      continue;
    Part part{input, offset, size, soleProducer(input, get(input), builder.getInsertionBlock())};
    if (part.producer) {
      auto produced = ::cast<RankedTensorType>(part.producer->getResult(0).getType());
      if (!produced.hasStaticShape() || !placeOf(produced, part, row))
        part.producer = {};
    }
    parts.push_back(part);
    offset += size;
  }
  SmallVector<Part *> placed;
  for (Part &part : parts)
    if (part.producer)
      placed.push_back(&part);
  llvm::sort(placed, [](Part *a, Part *b) { return a->producer->isBeforeInBlock(b->producer); });

  auto end = builder.saveInsertionPoint();
  if (!placed.empty())
    builder.setInsertionPoint(placed.front()->producer);
  auto flat = RankedTensorType::get({rows, row}, type.getElementType());
  Value whole = empty(flat, {});
  auto viewAs = [&](Value value, RankedTensorType as) -> Value {
    return value.getType() == as ? value
                                 : kernel::ViewOp::create(builder, loc, as, value, ValueRange());
  };
  // Has `call` write its result, of `partType`, to its place in the whole.
  auto write = [&](const Part &part, RankedTensorType partType,
                   function_ref<Value(const Place &, Value)> call) {
    std::optional<Place> place = placeOf(partType, part, row);
    Value view = viewAs(whole, place->whole);
    Value slice = tensor::ExtractSliceOp::create(builder, loc, partType, view, place->offsets,
                                                 place->sizes, place->steps);
    Value result = call(*place, slice);
    Value inserted = tensor::InsertSliceOp::create(builder, loc, result, view, place->offsets,
                                                   place->sizes, place->steps);
    whole = viewAs(inserted, flat);
  };
  for (Part *part : placed) {
    kernel::CallOp producer = part->producer;
    builder.setInsertionPoint(producer);
    write(*part, ::cast<RankedTensorType>(producer->getResult(0).getType()),
          [&](const Place &place, Value slice) {
            Operation *memory = producer.getInits()[0].getDefiningOp();
            producer.getInitsMutable().assign(slice);
            memory->erase();
            producer.setCalleeAttr(withStrides(producer.getCalleeAttr(), place.strides));
            builder.setInsertionPointAfter(producer);
            return producer->getResult(0);
          });
  }
  builder.restoreInsertionPoint(end);
  for (const Part &part : parts) {
    if (part.producer)
      continue;
    auto partType = RankedTensorType::get({rows, part.size}, type.getElementType());
    write(part, partType, [&](const Place &place, Value slice) {
      return kernel::CallOp::create(builder, loc, withStrides(copyKernel(partType), place.strides),
                                    viewAs(get(part.input), partType), slice)
          ->getResult(0);
    });
  }
  set(op->getResult(0), viewAs(whole, type));
  return true;
}
