//===- Choices.h - the decisions of a schedule that can be overruled ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A scheduler asks here wherever more than one schedule is right and only the machine knows which
// is fast: it names the decision, and lists the candidates in words, the cost model's own first.
// Measuring (`sinter compile --tune`) tries the others; what it found is kept in a tuning file.
// Without one the first candidate is taken.
//
//   size_t taken = model.choices.choose("register_tile", {"32x14", "64x6", "16x24"});
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_CHOICES_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_CHOICES_H

#include "dialects/kernel/Kernel.h"

#include <map>
#include <string>
#include <vector>

namespace sinter {

/// Of one kernel.
class Choices {
public:
  struct Decision {
    std::string name;
    std::vector<std::string> candidates;
    size_t taken = 0;
  };

  /// The position of the candidate to take. A fixed one that is not among them counts for nothing:
  /// the scheduler has changed since.
  size_t choose(llvm::StringRef name, llvm::ArrayRef<std::string> candidates);

  void fix(llvm::StringRef name, llvm::StringRef candidate) { fixed[name.str()] = candidate.str(); }
  const std::map<std::string, std::string> &getFixed() const { return fixed; }

  /// Those that the scheduler has asked for, in its order, since `forget`.
  llvm::ArrayRef<Decision> getDecisions() const { return decisions; }
  void forget() { decisions.clear(); }

private:
  std::map<std::string, std::string> fixed;
  std::vector<Decision> decisions;
};

/// Of all kernels of a module, by the fingerprints that they have before they are scheduled.
using Tuning = std::map<std::string, Choices>;

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_CHOICES_H
