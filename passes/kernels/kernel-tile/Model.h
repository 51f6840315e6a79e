//===- Model.h - what the schedulers know of a kernel ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_MODEL_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_MODEL_H

#include "dialects/kernel/Kernel.h"
#include "passes/kernels/kernel-tile/Choices.h"
#include "targets/Target.h"

#include <optional>

namespace sinter::tile {

/// One stage, as a schedule sees it.
struct Stage {
  mutable mlir::linalg::LinalgOp op; // its accessors are not const
  mlir::Value handle;
  /// Extents of the iteration dimensions; kDynamic where unknown.
  llvm::SmallVector<int64_t> extents;
  /// The same with the sizes to expect where unknown; kDynamic where there is nothing to go by.
  llvm::SmallVector<int64_t> expected;
  llvm::SmallVector<bool> isReduction;
  /// For each dimension of the result, the loop that runs over it; -1 for a constant.
  llvm::SmallVector<int> resultLoops;
  bool reduces = false;
  /// Yielded by the kernel.
  bool isOutput = false;
  /// Stages that read this one, each once.
  llvm::SmallVector<Stage *> consumers;
  /// Read by a tensor.extract or through a reshape: where is not known here.
  bool readAnywhere = false;
  /// For each dimension of the result, the loop of the kernel's only output that it goes with; -1
  /// if none.
  llvm::SmallVector<int> outputLoops;

  bool isStatic(unsigned loop) const { return !mlir::ShapedType::isDynamic(extents[loop]); }
  /// The loop over the innermost dimension of the result whose extent is not 1; -1 if there is
  /// none.
  int innermostLoop() const;
  /// Iterations, with a guess for dynamic extents.
  double iterations() const;
  /// Weight of the body: about the number of vector instructions for one element.
  double bodyCost() const;
  /// The part of it that computes with floats: no positions.
  double floatCost() const;
  /// Bytes of the widest element that the stage computes or reads.
  int64_t widestElement() const;
};

/// A loop, and by how much it is split.
using Factor = std::pair<std::string, int64_t>;

/// A version of a nest: how its loops are split, and what one tile costs.
struct Version {
  llvm::SmallVector<Factor> factors;
  double cost = 1;
};

/// A kernel, and the hand that writes its schedule.
class Model {
public:
  /// Opens an empty schedule.
  Model(kernel::FuncOp kernel, const Target &target, Choices &choices);

  kernel::FuncOp kernel;
  const Target &target;
  /// Where to ask when several schedules would do.
  Choices &choices;
  llvm::SmallVector<std::unique_ptr<Stage>> stages;
  llvm::SmallVector<Stage *> outputs;
  /// The only output, if there is just one and every stage leads to it.
  Stage *output() const { return outputs.size() == 1 ? outputs.front() : nullptr; }
  /// The stage that reduces, if there is just one.
  Stage *reduction() const;
  /// The stage that computes a tensor; null for an argument.
  Stage *producer(mlir::Value tensor) const;

  /// Bytes of the kernel's operands and results, with a guess for dynamic extents.
  double borderBytes();

  /// Vector lanes for a stage's elements.
  int64_t lanes(const Stage &stage) const {
    return target.lanes(std::max<int64_t>(stage.widestElement(), 1));
  }

  // The directives. Loops are named as in the IR.
  void split(Stage &stage, bool update, llvm::StringRef dim, int64_t factor, llvm::StringRef outer,
             llvm::StringRef inner, kernel::TailStrategy tail = kernel::TailStrategy::Auto);
  /// By a factor that follows from the loop's extent: even parts of at most `most`.
  void splitEvenly(Stage &stage, llvm::StringRef dim, int64_t most, int64_t multiple,
                   llvm::StringRef outer, llvm::StringRef inner, kernel::TailStrategy tail);
  void fuse(Stage &stage, bool update, llvm::StringRef outer, llvm::StringRef inner,
            llvm::StringRef fused);
  void reorder(Stage &stage, bool update, llvm::ArrayRef<std::string> dims);
  void vectorize(Stage &stage, bool update, llvm::StringRef dim);
  void unroll(Stage &stage, bool update, llvm::StringRef dim);
  /// Lets a loop of the update's sum be vectors.
  void atomic(Stage &stage);
  void parallel(Stage &stage, bool update, llvm::StringRef dim);
  void specialize(Stage &stage, llvm::StringRef dim, llvm::ArrayRef<int64_t> least);
  /// Versions by the factors of splits, with what a tile of each costs. `parts`: the nest is one of
  /// the even parts of at most that many.
  void chooseAmong(Stage &stage, llvm::ArrayRef<Version> versions, bool fitting,
                   llvm::ArrayRef<Factor> parts = {});
  /// Loops as blocks and threads of the device, the innermost, x, first.
  void gpuBlocks(Stage &stage, bool update, llvm::ArrayRef<std::string> dims);
  void gpuThreads(Stage &stage, bool update, llvm::ArrayRef<std::string> dims);
  void gpuBlock(Stage &stage, bool update, llvm::StringRef block);
  /// Promises the extent of what is computed of a stage at once.
  void bound(Stage &stage, llvm::StringRef dim, int64_t extent);
  void alignStorage(Stage &stage, llvm::StringRef dim, int64_t multiple);
  void storeIn(mlir::Value stage, kernel::MemoryKind memory);
  void computeAt(mlir::Value stage, Stage &consumer, bool update, llvm::StringRef dim);
  void computeRoot(Stage &stage);
  /// Directives on the new stage take its handle in `partial`.
  mlir::Value rfactor(Stage &stage, llvm::StringRef dim, int64_t factor, llvm::StringRef lane);
  mlir::OpBuilder builder;

private:
  void link();
};

/// The loop along which an op's result is contiguous, of those whose extent is not 1; -1 if there
/// is none.
int innermostLoopOf(mlir::linalg::LinalgOp op);

/// The loops' extents of a kernel's op at the sizes that the kernel's arguments say to expect.
llvm::SmallVector<int64_t> getExpectedExtents(mlir::linalg::LinalgOp op);

/// Sizes that also come where one is expected, as pictures and sequences are seldom all of one
/// size.
llvm::SmallVector<int64_t> getLikelyExtents(int64_t expected);

/// Of candidates, whose costs at each of some sizes are given, those that together are nearly as
/// good as the best at each size, the most useful first.
llvm::SmallVector<size_t> chooseVersions(llvm::ArrayRef<llvm::SmallVector<double>> costs,
                                         size_t most);

/// Brings the body into the form that the schedulers expect: no dead ops, and a stage of its own
/// behind each reduction that is yielded, so that accumulators need not be the output's memory.
void prepare(kernel::FuncOp kernel, const Target &target);

/// No dead ops, and no named ones: the indexing maps are all that matters here.
void simplifyBody(kernel::FuncOp kernel);

/// A stage that copies, with dimensions permuted: dimension i of the copy is `permutation[i]` of
/// the source.
mlir::Value createCopy(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value source,
                       llvm::ArrayRef<int64_t> permutation);
llvm::SmallVector<int64_t> identityOf(mlir::Value tensor);

/// Puts a stage behind results of one shape that stores them all, so that there is one output.
void joinOutputs(kernel::FuncOp kernel);

/// Cycles for one step of a sum in a register tile: its multiply-adds, its loads from the first
/// cache or what comes from the second, whichever takes longest. Results are not ready before about
/// four; and of tiles that multiply as fast, the one that loads less is the better.
double stepCycles(const Target &target, double accumulators, double loads, double fromL2 = 0);

/// A reduction with vectors along the innermost dimension of its result, and accumulators in
/// registers: matrix products, convolutions, pooling, sums over outer dimensions. False if the
/// kernel is not of this kind.
bool scheduleRegisterTile(Model &model);

/// The same for attention, softmax(f(Q Kᵀ)) V. False if the kernel is something else.
bool prepareAttention(kernel::FuncOp kernel, const Target &target);

/// The only one who reads a stage, and element by element; null if there is none such, or no stage.
Stage *soleReader(const Stage *stage);

/// Everyone who read a stage's result reads a copy of it.
void copyBehind(mlir::linalg::LinalgOp stage);

/// Attention: some rows at a time go through all of it. False if the kernel is not of this kind.
bool scheduleAttention(Model &model);

/// A convolution by F(m×m, 3×3). False if the kernel is not of this kind.
bool scheduleWinograd(Model &model);

/// A product by Strassen's algorithm. False if the kernel is not of this kind.
bool scheduleStrassen(Model &model);

/// Everything else: rows of the output, one after another or in parallel, with what they need
/// computed beside them.
void scheduleRows(Model &model);

/// Whether a stage is computed once and kept, rather than again wherever it is used.
bool isKept(const Stage &stage);

/// Below this much work, in about vector instructions, a thread pool costs more than it gives: some
/// microseconds.
constexpr double parallelWork = 16000;

/// Partial results of a reduction in the lanes of vectors, computed beside it at `placeLoop` of
/// `place`. False, and nothing is done, if the reduction is not of the kind.
bool factorReduction(Model &model, Stage &stage, Stage *place, llvm::StringRef placeLoop);

/// Vectors along the innermost loop of a stage that is computed by itself.
void vectorizeNest(Model &model, Stage &stage);

/// One vector of a stage along `vector` at once, in registers, for all values of the `unrolled`
/// loops, innermost first, which choose a formula.
void scheduleChoices(Model &model, Stage &stage, llvm::ArrayRef<unsigned> unrolled,
                     unsigned vector);

/// Runs the outer loops of a stage that is computed by itself, and does not reduce, on the thread
/// pool, if there is enough to do.
void parallelizeNest(Model &model, Stage &stage);

/// Runs the outer loops of an output on the thread pool, if there is enough to do. `loops` are the
/// outer loops from the outermost; at least the first exists. Returns the loop inside which
/// everything else runs.
std::string parallelize(Model &model, Stage &stage, llvm::ArrayRef<int> loops, double work);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_MODEL_H
