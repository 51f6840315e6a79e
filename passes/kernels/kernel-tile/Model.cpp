//===- Model.cpp - what the schedulers know of a kernel -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;

int Stage::innermostLoop() const {
  for (int loop : llvm::reverse(resultLoops))
    if (loop >= 0 && extents[loop] != 1)
      return loop;
  return -1;
}

int tile::innermostLoopOf(linalg::LinalgOp op) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (AffineExpr result : llvm::reverse(op.getIndexingMapsArray().back().getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(result); dim && extents[dim.getPosition()] != 1)
      return dim.getPosition();
  return -1;
}

double Stage::iterations() const {
  double count = 1;
  for (int64_t extent : expected)
    count *= ShapedType::isDynamic(extent) ? 64 : extent;
  return count;
}

static double costOf(Operation &op) {
  if (isa<math::ExpOp, math::TanhOp, math::ErfOp, math::LogOp, math::ExpM1Op, math::Log1pOp>(op))
    return 15;
  if (isa<math::SqrtOp, math::RsqrtOp, arith::DivFOp>(op))
    return 5;
  if (isa<math::AbsFOp, math::FloorOp, math::CeilOp>(op))
    return 1;
  if (isa_and_nonnull<math::MathDialect>(op.getDialect()))
    return 30;
  return isa<arith::ConstantOp, linalg::IndexOp>(op) ? 0 : 1;
}

double Stage::bodyCost() const {
  double cost = 0;
  for (Operation &each : op.getBlock()->without_terminator())
    cost += costOf(each);
  return cost;
}

double Stage::floatCost() const {
  double cost = 0;
  for (Operation &each : op.getBlock()->without_terminator())
    if (each.getNumResults() == 1 && isa<FloatType>(each.getResult(0).getType()))
      cost += costOf(each);
  return cost;
}

int64_t Stage::widestElement() const {
  int64_t bytes = 1;
  for (Value operand : op->getOperands()) {
    Type type = getElementTypeOrSelf(operand.getType());
    int64_t bits = type.isIndex() ? 32 : type.getIntOrFloatBitWidth();
    // Half precision is computed in float32.
    if (isa<FloatType>(type))
      bits = std::max<int64_t>(bits, 32);
    bytes = std::max(bytes, (bits + 7) / 8);
  }
  for (Operation &each : op.getBlock()->without_terminator())
    for (Type type : each.getResultTypes())
      if (isa<FloatType>(type))
        bytes = std::max<int64_t>(bytes, type.getIntOrFloatBitWidth() / 8);
  return bytes;
}

Model::Model(kernel::FuncOp kernel, const Target &target, Choices &choices)
    : kernel(kernel), target(target), choices(choices), builder(kernel.getContext()) {
  Block *block = builder.createBlock(&kernel.getSchedule());
  builder.setInsertionPointToStart(block);
  SmallVector<linalg::LinalgOp> ops = kernel.getStages();
  SmallVector<Type> types(ops.size(), kernel::StageType::get(kernel.getContext()));
  auto names = kernel::StagesOp::create(builder, kernel.getLoc(), types);
  for (auto [op, handle] : llvm::zip(ops, names.getStages())) {
    auto stage = std::make_unique<Stage>();
    stage->op = op;
    stage->handle = handle;
    stage->extents = op.getStaticLoopRanges();
    stage->expected = getExpectedExtents(op);
    for (utils::IteratorType kind : op.getIteratorTypesArray())
      stage->isReduction.push_back(kind != utils::IteratorType::parallel);
    stage->reduces = op.getNumReductionLoops() != 0;
    AffineMap map = op.getIndexingMapsArray()[op.getNumDpsInputs()];
    for (AffineExpr result : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(result);
      stage->resultLoops.push_back(dim ? int(dim.getPosition()) : -1);
    }
    stages.push_back(std::move(stage));
  }
  link();
}

double tile::stepCycles(const Target &target, double accumulators, double loads, double fromL2) {
  return std::max({accumulators / target.fmaPerCycle, loads, fromL2, 4.0}) + 0.75 + loads / 16;
}

double Model::borderBytes() {
  double bytes = 0;
  for (TypeRange types : {kernel.getArgumentTypes(), kernel.getResultTypes()})
    for (Type type : types)
      if (auto tensor = dyn_cast<RankedTensorType>(type)) {
        double size = tensor.getElementType().isIndex() ? 8 : tensor.getElementTypeBitWidth() / 8.0;
        for (int64_t extent : tensor.getShape())
          size *= ShapedType::isDynamic(extent) ? 64 : extent;
        bytes += size;
      }
  return bytes;
}

/// Finds who reads whom, and how dimensions go with the output's loops.
void Model::link() {
  llvm::DenseMap<Operation *, Stage *> stageOf;
  for (auto &stage : stages)
    stageOf[stage->op] = stage.get();
  for (Value value : kernel.getYielded()) {
    auto found = stageOf.find(value.getDefiningOp());
    if (found == stageOf.end())
      continue;
    if (!found->second->isOutput)
      outputs.push_back(found->second);
    found->second->isOutput = true;
  }
  for (auto &stage : llvm::reverse(stages)) {
    auto addConsumer = [&](Stage *consumer) {
      if (consumer != stage.get() && !llvm::is_contained(stage->consumers, consumer))
        stage->consumers.push_back(consumer);
    };
    bool first = true;
    stage->outputLoops.assign(stage->resultLoops.size(), -1);
    if (stage->isOutput && output() == stage.get())
      for (auto [i, loop] : llvm::enumerate(stage->resultLoops))
        stage->outputLoops[i] = loop;
    for (OpOperand &use : stage->op->getUses()) {
      Operation *user = use.getOwner();
      auto direct = stageOf.find(user);
      if (direct == stageOf.end()) {
        if (isa<kernel::YieldOp, tensor::DimOp>(user))
          continue;
        // Inside of a body, or behind a reshape: find the stages, but not the dimensions.
        stage->readAnywhere = true;
        SmallVector<Operation *> work = {user};
        while (!work.empty()) {
          Operation *op = work.pop_back_val();
          Operation *top = kernel.getBody().front().findAncestorOpInBlock(*op);
          if (auto found = stageOf.find(top); found != stageOf.end())
            addConsumer(found->second);
          else if (top)
            for (Operation *next : top->getUsers())
              work.push_back(next);
        }
        continue;
      }
      Stage *consumer = direct->second;
      addConsumer(consumer);
      // Dimension i is read at loop d of the consumer, and d goes with a loop of the output.
      AffineMap map = consumer->op.getMatchingIndexingMap(&use);
      for (unsigned i = 0; i < stage->resultLoops.size(); ++i) {
        int loop = -1;
        if (auto dim = dyn_cast<AffineDimExpr>(map.getResult(i)))
          for (auto [k, resultLoop] : llvm::enumerate(consumer->resultLoops))
            if (resultLoop == int(dim.getPosition()))
              loop = consumer->outputLoops[k];
        if (first && !stage->isOutput)
          stage->outputLoops[i] = loop;
        else if (stage->outputLoops[i] != loop)
          stage->outputLoops[i] = -1;
      }
      first = false;
    }
    if (stage->readAnywhere)
      stage->outputLoops.assign(stage->resultLoops.size(), -1);
  }
}

//===----------------------------------------------------------------------===//
// Directives
//===----------------------------------------------------------------------===//

void Model::split(Stage &stage, bool update, StringRef dim, int64_t factor, StringRef outer,
                  StringRef inner, kernel::TailStrategy tail) {
  kernel::SplitOp::create(builder, kernel.getLoc(), stage.handle, update, dim, outer, inner, factor,
                          tail, /*even=*/IntegerAttr());
}

void Model::splitEvenly(Stage &stage, StringRef dim, int64_t most, int64_t multiple,
                        StringRef outer, StringRef inner, kernel::TailStrategy tail) {
  kernel::SplitOp::create(builder, kernel.getLoc(), stage.handle, /*update=*/false, dim, outer,
                          inner, most, tail, builder.getI64IntegerAttr(multiple));
}

void Model::fuse(Stage &stage, bool update, StringRef outer, StringRef inner, StringRef fused) {
  kernel::FuseOp::create(builder, kernel.getLoc(), stage.handle, update, outer, inner, fused);
}

static ArrayAttr namesOf(OpBuilder &builder, ArrayRef<std::string> dims) {
  return builder.getStrArrayAttr(SmallVector<StringRef>(dims.begin(), dims.end()));
}

void Model::reorder(Stage &stage, bool update, ArrayRef<std::string> dims) {
  if (dims.size() < 2)
    return;
  kernel::ReorderOp::create(builder, kernel.getLoc(), stage.handle, update, namesOf(builder, dims));
}

void Model::vectorize(Stage &stage, bool update, StringRef dim) {
  kernel::VectorizeOp::create(builder, kernel.getLoc(), stage.handle, update, dim);
}

void Model::unroll(Stage &stage, bool update, StringRef dim) {
  kernel::UnrollOp::create(builder, kernel.getLoc(), stage.handle, update, dim);
}

void Model::atomic(Stage &stage) {
  kernel::AtomicOp::create(builder, kernel.getLoc(), stage.handle, /*update=*/true);
}

void Model::parallel(Stage &stage, bool update, StringRef dim) {
  kernel::ParallelOp::create(builder, kernel.getLoc(), stage.handle, update, dim);
}

void Model::specialize(Stage &stage, StringRef dim, ArrayRef<int64_t> least) {
  kernel::SpecializeOp::create(builder, kernel.getLoc(), stage.handle, false, dim, least);
}

static DictionaryAttr dictionaryOf(OpBuilder &builder, ArrayRef<Factor> factors) {
  SmallVector<NamedAttribute> entries;
  for (const auto &[loop, factor] : factors)
    entries.push_back(builder.getNamedAttr(loop, builder.getI64IntegerAttr(factor)));
  return builder.getDictionaryAttr(entries);
}

void Model::chooseAmong(Stage &stage, ArrayRef<Version> versions, bool fitting,
                        ArrayRef<Factor> parts) {
  SmallVector<Attribute> factors;
  SmallVector<int64_t> costs;
  for (const Version &version : versions) {
    factors.push_back(dictionaryOf(builder, version.factors));
    costs.push_back(std::max<int64_t>(std::llround(version.cost), 1));
  }
  kernel::VersionsOp::create(builder, kernel.getLoc(), stage.handle, /*update=*/false,
                             builder.getArrayAttr(factors), costs, fitting,
                             parts.empty() ? DictionaryAttr() : dictionaryOf(builder, parts));
}

void Model::gpuBlocks(Stage &stage, bool update, ArrayRef<std::string> dims) {
  kernel::GPUBlocksOp::create(builder, kernel.getLoc(), stage.handle, update,
                              namesOf(builder, dims));
}

void Model::gpuThreads(Stage &stage, bool update, ArrayRef<std::string> dims) {
  kernel::GPUThreadsOp::create(builder, kernel.getLoc(), stage.handle, update,
                               namesOf(builder, dims));
}

void Model::gpuBlock(Stage &stage, bool update, StringRef block) {
  kernel::GPUBlockOp::create(builder, kernel.getLoc(), stage.handle, update, block);
}

void Model::bound(Stage &stage, StringRef dim, int64_t extent) {
  kernel::BoundOp::create(builder, kernel.getLoc(), stage.handle, dim, extent);
}

void Model::alignStorage(Stage &stage, StringRef dim, int64_t multiple) {
  kernel::AlignStorageOp::create(builder, kernel.getLoc(), stage.handle, dim, multiple);
}

void Model::storeIn(Value stage, kernel::MemoryKind memory) {
  kernel::StoreInOp::create(builder, kernel.getLoc(), stage, memory);
}

Stage *Model::reduction() const {
  Stage *found = nullptr;
  for (const auto &stage : stages) {
    if (!stage->reduces)
      continue;
    if (found)
      return nullptr;
    found = stage.get();
  }
  return found;
}

Stage *Model::producer(Value tensor) const {
  for (const auto &stage : stages)
    if (stage->op == tensor.getDefiningOp())
      return stage.get();
  return nullptr;
}

Stage *tile::soleReader(const Stage *stage) {
  return stage && stage->consumers.size() == 1 && !stage->readAnywhere ? stage->consumers.front()
                                                                       : nullptr;
}

void Model::computeAt(Value stage, Stage &consumer, bool update, StringRef dim) {
  kernel::ComputeAtOp::create(builder, kernel.getLoc(), stage, consumer.handle, update, dim);
}

void Model::computeRoot(Stage &stage) {
  kernel::ComputeRootOp::create(builder, kernel.getLoc(), stage.handle);
}

Value Model::rfactor(Stage &stage, StringRef dim, int64_t factor, StringRef lane) {
  return kernel::RFactorOp::create(builder, kernel.getLoc(),
                                   kernel::StageType::get(kernel.getContext()), stage.handle, dim,
                                   factor, lane);
}

void tile::scheduleChoices(Model &model, Stage &stage, ArrayRef<unsigned> unrolled,
                           unsigned vector) {
  int64_t lanes = model.lanes(stage);
  std::string v = loopName(vector);
  model.split(stage, false, v, lanes, v + "_o", v + "_v", kernel::TailStrategy::RoundUp);
  SmallVector<std::string> order = {v + "_v"};
  for (unsigned loop : unrolled)
    order.push_back(loopName(loop));
  order.push_back(v + "_o");
  for (int loop = int(stage.extents.size()) - 1; loop >= 0; --loop)
    if (unsigned(loop) != vector && !llvm::is_contained(unrolled, unsigned(loop)))
      order.push_back(loopName(loop));
  model.reorder(stage, false, order);
  model.vectorize(stage, false, v + "_v");
  for (unsigned loop : unrolled)
    model.unroll(stage, false, loopName(loop));
}
