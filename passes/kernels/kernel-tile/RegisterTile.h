//===- RegisterTile.h - one tile of accumulators ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_REGISTERTILE_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_REGISTERTILE_H

#include "passes/kernels/kernel-tile/Model.h"

namespace sinter::tile {

/// Vector operations in the unrolled body of a reduction.
constexpr int64_t unrolledBody = 96;

/// Positions of a tile along a loop of unknown extent.
constexpr int64_t mostPositions = 14;

/// One input of the reduction: which of its loops it depends on, and its size.
struct Operand {
  llvm::SmallVector<bool> dependsOn;
  double bytes = 0;
  Stage *producer = nullptr;
  mlir::OpOperand *use = nullptr;
};

/// A dimension `u * stride + k` of an operand, where k is a reduction loop of some extent: a window
/// that slides over it.
struct Window {
  int64_t stride = 1, extent = 1;
};

class RegisterTiler {
public:
  explicit RegisterTiler(Model &model) : model(model) {}
  bool run();

private:
  // RegisterTile.cpp: what the kernel is.
  bool match();
  int findDot() const;
  bool isDenseAlongVector(mlir::AffineMap map);
  bool isInlined(Stage &stage) const;
  bool isBatch(int loop) const;
  double work() const;
  std::optional<Window> windowOf(const Operand &operand, int loop) const;
  // RegisterTileShape.cpp
  bool thrash(const Operand &operand, int loop, int64_t positions) const;
  bool holdsWindow(int64_t vectors, int64_t accumulators) const;
  double loadCycles(int64_t vectors, int64_t m1, int64_t m2) const;
  bool fits(int64_t tile, int64_t m1, int64_t m2) const;
  double step(int64_t tile, int64_t m1, int64_t m2) const;
  std::optional<double> rate(int64_t tile, int64_t m1, int64_t m2) const;
  llvm::SmallVector<int64_t> vectorTiles() const;
  bool considerHalves() const;
  void setParts(int64_t count);
  void chooseTile();
  int64_t rowTile(int64_t otherwise) const;
  // RegisterTileVersions.cpp
  llvm::SmallVector<int64_t> likelySizes() const;
  double scoreOfVersions(int64_t tile) const;
  void chooseVersions();
  // RegisterTileOrder.cpp
  void order();
  void chooseRows(llvm::ArrayRef<int> rest);
  void place();
  // RegisterTileSchedule.cpp
  llvm::SmallVector<std::string> splitParts(Stage &stage, bool update, const std::string &v);
  void vectorizeParts(Stage &stage, bool update, const std::string &v);
  void scheduleOutput();
  void scheduleStaging(llvm::StringRef level, bool parallel);
  bool isPanelOf(Stage &stage) const;
  void scheduleReduction();

  /// The output's loop that goes with a loop of the reduction, and back; -1 if there is none.
  int outputLoop(int loop) const;
  int reductionLoop(int loop) const;
  int64_t extent(int loop) const { return output->extents[loop]; }
  /// The same, with the size to expect where it is not known.
  int64_t expected(int loop) const { return output->expected[loop]; }
  bool isStatic(int loop) const { return output->isStatic(loop); }

  Model &model;
  Stage *output = nullptr, *main = nullptr;
  Stage *staging = nullptr; ///< takes whole panels where the last one is not full
  llvm::SmallVector<Operand> operands;
  int64_t lanes = 1;
  int64_t parts = 1; ///< vectors of the tile, `lanes` wide, are this part of a register
  int dot = -1;      ///< loop of the reduction over what one dot product of 8-bit integers takes
  int vector = -1;   ///< loop of the output
  llvm::SmallVector<int64_t> packs; ///< v is indexed by floordiv and mod of these
  int first = -1, second = -1;      ///< loops of the output that may be unrolled, innermost first
  llvm::SmallVector<std::pair<int, int64_t>> unrolled; ///< those that are, and positions
  /// Where the size of the first is not known: the best of these follows from the size.
  struct TileVersion {
    int64_t tile, positions;
    double step; ///< cycles
  };
  llvm::SmallVector<TileVersion> versions;
  /// No sum over channels: every operand has the vectors' loop. Depthwise convolution, pooling.
  bool perChannel = false;
  int64_t vectorTile = 1;
  llvm::SmallVector<int> outer; ///< the output's loops around the tile, outermost first
  bool vectorOutermost = false;
  std::string panelLoop; ///< around all rows of one panel; empty: none
  std::string placeLoop; ///< where producers are computed; empty: before everything
  int64_t chunkRows = 0; ///< positions of outer.front() (or what follows) that share a producer
  int chunkLoop = -1;
  int runLoop = -1; ///< twice in `outer`: runs of tiles, and the tiles of a run
  int64_t runTiles = 0;
};

/// The stride of `v` in `v * stride + (something without v)`; 0 if the expression is of another
/// form. A window that moves by more than 4 is not worth vectors.
int64_t strideOf(mlir::AffineExpr expr, mlir::AffineExpr v);

/// The length of runs, between `least` and `most`, into which `count` iterations are best cut: the
/// last run is moved inwards and repeats work, and some threads may wait for others at the end.
int64_t chooseRun(int64_t count, int64_t least, int64_t most);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_REGISTERTILE_H
