//===- DeviceProductSchedule.cpp - blocks, threads, registers of a product ===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block takes `columns` of the result along n by `width` times `height` rows. For each step of k
// a thread reads its columns and its rows from shared memory and adds their products, so the larger
// its tile is the less it reads: 8 x 8 products for 16 reads. The block's threads bring
// product.step steps of k there together.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Device.h"
#include "passes/kernels/kernel-tile/DeviceProduct.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

namespace {

/// What a block and a thread compute of the result.
struct BlockTile {
  int64_t columns = 128, width = 128, height = 1;
  int64_t threadColumns = 8, threadWidth = 8, threadHeight = 1;

  int64_t rows() const { return width * height; }
  int64_t columnThreads() const { return columns / threadColumns; }
  int64_t rowThreads() const { return rows() / (threadWidth * threadHeight); }
  int64_t threads() const { return columnThreads() * rowThreads(); }
};

class ProductScheduler {
public:
  ProductScheduler(Model &model, Stage &root, const Product &product, ArrayRef<int> rootLoops)
      : model(model), product(product), output(&root), sum(stageOf(product.op)) {
    auto outputLoop = [&](int loop) {
      return rootLoops[llvm::find(sum->resultLoops, loop) - sum->resultLoops.begin()];
    };
    for (OpOperand *operand : sum->op.getDpsInputOperands())
      operands.push_back(stageOf(operand->get().getDefiningOp()));
    n = outputLoop(product.n);
    for (int row : product.rows)
      rows.push_back(outputLoop(row));
  }

  std::string run() {
    chooseTile();
    scheduleOutput();
    scheduleSum();
    for (Stage *operand : operands)
      scheduleOperand(*operand);
    return part(n, tile.threadColumns == 8 ? "i_r_u" : "i_u");
  }

private:
  Stage *stageOf(Operation *op) const { return model.producer(op->getResult(0)); }

  int64_t expected(int loop) const {
    int64_t extent = output->expected[loop];
    return ShapedType::isDynamic(extent) ? 64 : extent;
  }

  double blocks(const BlockTile &tile) const {
    double count = output->iterations() / expected(n) * llvm::divideCeil(expected(n), tile.columns);
    int64_t sizes[] = {tile.width, tile.height};
    for (auto [row, size] : llvm::zip(rows, sizes))
      count = count / expected(row) * llvm::divideCeil(expected(row), size);
    return count;
  }

  /// The largest tile that leaves no multiprocessor without a block and does not reach far beyond
  /// the result.
  void chooseTile() {
    constexpr int64_t least = 16, most = 128, mostWidth = 16;
    auto fit = [](int64_t extent, int64_t least, int64_t most) {
      return std::clamp<int64_t>(llvm::PowerOf2Ceil(extent), least, most);
    };
    tile.columns = fit(expected(n), least, most);
    tile.width = fit(expected(rows[0]), 4, rows.size() == 1 ? most : mostWidth);
    if (rows.size() > 1)
      tile.height = fit(expected(rows[1]), 1, most / tile.width);
    while (blocks(tile) < model.target.device.multiprocessors) {
      if (tile.columns > 32 && tile.columns >= tile.rows())
        tile.columns /= 2;
      else if (tile.rows() > 32)
        (tile.height > 1 ? tile.height : tile.width) /= 2;
      else
        break;
    }
    tile.threadColumns = tile.columns >= most ? 8 : 4;
    int64_t threadRows = std::min<int64_t>(tile.rows(), tile.rows() >= most ? 8 : 4);
    tile.threadWidth = std::min<int64_t>(tile.width, rows.size() > 1 ? 4 : threadRows);
    tile.threadHeight = std::min(tile.height, threadRows / tile.threadWidth);
  }

  static std::string part(int loop, const char *suffix) { return loopName(loop) + "_" + suffix; }

  /// The loops of a thread's tile, innermost first, and those of the threads, x first, where `n`,
  /// `w` and `h` are loops that run over the block's tile.
  struct Nest {
    SmallVector<std::string> own;
    std::string x, y;
  };
  Nest splitTile(Stage &stage, bool update, StringRef n, StringRef w, StringRef h) {
    Nest nest;
    auto split = [&](StringRef loop, int64_t factor, const char *outer, const char *inner) {
      model.split(stage, update, loop, factor, (loop + "_" + outer).str(),
                  (loop + "_" + inner).str(), update ? TailStrategy::Guard : TailStrategy::RoundUp);
    };
    // Four columns side by side are one access; with eight, the halves lie apart, so that the
    // threads' accesses lie side by side too.
    std::string columns = n.str();
    if (tile.threadColumns == 8) {
      split(n, tile.columns / 2, "v", "r");
      columns += "_r";
    }
    split(columns, 4, "t", "u");
    nest.own.push_back(columns + "_u");
    if (tile.threadColumns == 8)
      nest.own.push_back(n.str() + "_v");
    nest.x = columns + "_t";
    split(w, tile.threadWidth, "t", "u");
    nest.own.push_back(w.str() + "_u");
    nest.y = w.str() + "_t";
    if (!h.empty()) {
      split(h, tile.threadHeight, "t", "u");
      nest.own.push_back(h.str() + "_u");
      std::string fused = h.str() + "_y";
      model.fuse(stage, update, h.str() + "_t", nest.y, fused);
      nest.y = fused;
    }
    return nest;
  }

  void scheduleOutput() {
    SmallVector<std::pair<int, int64_t>> tiled = {{n, tile.columns}, {rows[0], tile.width}};
    if (rows.size() > 1)
      tiled.push_back({rows[1], tile.height});
    SmallVector<std::string> around; // innermost first
    for (auto [loop, size] : tiled) {
      model.split(*output, false, loopName(loop), size, part(loop, "b"), part(loop, "i"),
                  TailStrategy::Guard);
      around.push_back(part(loop, "b"));
    }
    for (int loop = output->extents.size(); loop-- > 0;)
      if (loop != n && !llvm::is_contained(rows, loop))
        around.push_back(loopName(loop));
    Nest nest = splitTile(*output, false, part(n, "i"), part(rows[0], "i"),
                          rows.size() > 1 ? part(rows[1], "i") : "");
    SmallVector<std::string> order = nest.own;
    order.append({nest.x, nest.y});
    llvm::append_range(order, around);
    model.reorder(*output, false, order);
    block = fuseBlocks(model, *output, around);
    model.gpuThreads(*output, false, {nest.x, nest.y});
    for (const std::string &each : nest.own)
      model.unroll(*output, false, each);
  }

  void scheduleSum() {
    model.computeAt(sum->handle, *output, false, block);
    model.storeIn(sum->handle, kernel::MemoryKind::Register);
    std::string k = loopName(product.k);
    boundTile(*sum, product.n, product.rows);
    model.split(*sum, true, k, product.step, k + "_o", k + "_i", TailStrategy::Guard);
    for (bool update : {false, true}) {
      Nest nest = splitTile(*sum, update, loopName(product.n), loopName(product.rows[0]),
                            product.rows.size() > 1 ? loopName(product.rows[1]) : "");
      SmallVector<std::string> order = nest.own;
      if (update)
        order.push_back(k + "_i");
      order.append({nest.x, nest.y});
      if (update)
        order.push_back(k + "_o");
      model.reorder(*sum, update, order);
      model.gpuThreads(*sum, update, {nest.x, nest.y});
      for (const std::string &each : nest.own)
        model.unroll(*sum, update, each);
    }
  }

  /// A block's part of a stage with these loops: one position of all others but k.
  void boundTile(Stage &stage, int column, ArrayRef<int> rows, int k = -1) {
    int64_t sizes[] = {tile.width, tile.height};
    for (int loop : stage.resultLoops) {
      int64_t extent = loop == column ? tile.columns : loop == k ? product.step : 1;
      for (auto [row, size] : llvm::zip(rows, sizes))
        if (row == loop)
          extent = size;
      model.bound(stage, loopName(loop), extent);
    }
  }

  /// All threads of the block bring a piece of an operand, as many elements each.
  void scheduleOperand(Stage &stage) {
    OpOperand *use = nullptr;
    for (OpOperand *operand : sum->op.getDpsInputOperands())
      if (operand->get().getDefiningOp() == stage.op.getOperation())
        use = operand;
    AffineMap map = sum->op.getMatchingIndexingMap(use);
    auto own = [&](int loop) {
      for (auto [i, result] : llvm::enumerate(map.getResults()))
        if (cast<AffineDimExpr>(result).getPosition() == unsigned(loop))
          return int(i);
      return -1;
    };
    model.computeAt(stage.handle, *sum, true, loopName(product.k) + "_o");
    model.storeIn(stage.handle, kernel::MemoryKind::GPUShared);
    int k = own(product.k), column = own(product.n);
    SmallVector<int, 2> stageRows;
    if (column < 0)
      for (int row : product.rows)
        stageRows.push_back(own(row));
    boundTile(stage, column, stageRows, k);
    // Neighbouring threads read neighbouring elements where the operand's memory has them.
    SmallVector<int, 3> order;
    if (column >= 0)
      order.push_back(column);
    llvm::append_range(order, stageRows);
    order.insert(product.isDeep[use->getOperandNumber()] ? order.begin() : order.end(), k);
    std::string fused = loopName(order.front());
    for (int loop : llvm::drop_begin(order)) {
      model.fuse(stage, false, loopName(loop), fused, fused + "f");
      fused += "f";
    }
    // A thread asks for all of its elements before it needs the first.
    model.split(stage, false, fused, tile.threads(), "turn", "thread", TailStrategy::Guard);
    model.split(stage, false, "thread", tile.columnThreads(), "y", "x", TailStrategy::RoundUp);
    model.reorder(stage, false, {"turn", "x", "y"});
    model.gpuThreads(stage, false, {"x", "y"});
    model.unroll(stage, false, "turn");
    if (product.isDeep[use->getOperandNumber()])
      spreadBanks(stage, column, stageRows);
  }

  /// Neighbouring threads write neighbouring steps of k, which lie in different banks if they are
  /// no multiple of all banks apart. Four elements are read at once: multiples of four stay that.
  void spreadBanks(Stage &stage, int column, ArrayRef<int> stageRows) {
    if (column >= 0)
      return model.alignStorage(stage, loopName(column), tile.columns + 4);
    model.alignStorage(stage, loopName(stageRows[0]), tile.width + 4);
    if (stageRows.size() > 1)
      model.alignStorage(stage, loopName(stageRows[1]), tile.height + 1);
  }

  Model &model;
  const Product &product;
  Stage *output = nullptr, *sum = nullptr;
  SmallVector<Stage *, 2> operands;
  int n = -1;               // loops of the output
  SmallVector<int, 2> rows; // innermost first
  BlockTile tile;
  std::string block;
};

} // namespace

std::string tile::scheduleProduct(Model &model, Stage &root, const Product &product,
                                  ArrayRef<int> rootLoops) {
  return ProductScheduler(model, root, product, rootLoops).run();
}
