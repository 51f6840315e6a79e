//===- TestFault.cpp - a bug on demand, for tests -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/TestFault.h"
#include "compiler/pipeline/Pipeline.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <cstdlib>

using namespace mlir;
using namespace sinter;

namespace {
enum class Kind { Crash, Silent, Invalid };

struct TestFaultPass : PassWrapper<TestFaultPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestFaultPass)
  TestFaultPass(Kind kind, Stage stage) : kind(kind), stage(stage) {}
  StringRef getArgument() const override { return "test-fault"; }

  void runOnOperation() override {
    if (getStage(getOperation()) != stage)
      return;
    switch (kind) {
    case Kind::Crash:
      std::abort();
    case Kind::Silent:
      return signalPassFailure();
    case Kind::Invalid:
      if (auto main = getOperation().lookupSymbol<func::FuncOp>("main"))
        main.getBody().front().getTerminator()->erase();
    }
  }

  Kind kind;
  Stage stage;
};
} // namespace

bool sinter::driver::parseTestFault(StringRef text, std::function<std::unique_ptr<Pass>()> &make) {
  auto [kindName, stageName] = text.split('@');
  std::optional<Kind> kind = llvm::StringSwitch<std::optional<Kind>>(kindName)
                                 .Case("crash", Kind::Crash)
                                 .Case("silent", Kind::Silent)
                                 .Case("invalid", Kind::Invalid)
                                 .Default(std::nullopt);
  std::optional<Stage> stage = parseStage(stageName);
  if (!kind || !stage)
    return false;
  make = [kind = *kind, stage = *stage] { return std::make_unique<TestFaultPass>(kind, stage); };
  return true;
}
