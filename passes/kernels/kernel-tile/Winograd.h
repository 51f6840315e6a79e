//===- Winograd.h - F(m×m, 3×3), and how its work is cut --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_WINOGRAD_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_WINOGRAD_H

#include "passes/kernels/kernel-tile/Model.h"

namespace sinter::tile {

class WinogradTiler {
public:
  explicit WinogradTiler(Model &model) : model(model) {}
  bool run();

private:
  // The loops of the stages.
  enum OutputLoop { Batch, Row, Column, Filter };
  enum ProductLoop { PointY, PointX, ProductBatch, TileY, TileX, ProductFilter, Channel };

  /// Tiles that are accumulated together.
  struct Together {
    int64_t rows = 1, columns = 1;
  };

  /// How the work is cut.
  struct Plan {
    bool whole = false;
    int64_t stripRows = 1, stripColumns = 1; ///< tiles; of unknown sizes at most that many
    int64_t filters = 1;                     ///< of a block
    Together together;
  };

  // Winograd.cpp
  bool match();
  static int64_t tileOf(Stage &stage);
  Stage *producer(Stage &stage, unsigned operand);
  int64_t blockOf(Stage &stage) const;
  void scheduleOutput();
  void scheduleProducts();
  void scheduleInput();

  // WinogradPlan.cpp
  void choose();
  void chooseVersions();
  int64_t count(unsigned loop, int64_t otherwise) const;
  llvm::SmallVector<int64_t> stripsOf(unsigned loop) const;
  int64_t partOf(unsigned loop, int64_t size, int64_t most) const;
  llvm::SmallVector<int64_t> likelyCounts(unsigned loop) const;
  llvm::SmallVector<Together> shapes(int64_t stripRows, int64_t stripColumns) const;
  double stepOf(const Together &together) const;
  double passOf(const Together &together) const;
  double cost(const Plan &plan, int64_t height, int64_t width) const;
  Plan atSize(Plan plan, int64_t height, int64_t width) const;
  double costAtLikelySizes(const Plan &plan) const;

  Model &model;
  Stage *padded = nullptr, *rows = nullptr, *tiles = nullptr, *products = nullptr, *kept = nullptr,
        *columns = nullptr, *results = nullptr, *output = nullptr;
  int64_t tile = 0, lanes = 1, panel = 1;
  int64_t block = 1; ///< the output's elements combine so many rows and columns of a tile
  Plan plan;
  /// For sizes that are not known: the best one follows from them.
  llvm::SmallVector<Together> versions;
};

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_WINOGRAD_H
