//===- Tune.cpp - measures schedules on this machine ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Tune.h"
#include "compiler/driver/Library.h"
#include "compiler/driver/Profile.h"
#include "dialects/kernel/Fingerprint.h"
#include "llvm/Support/FileSystem.h"
#include <algorithm>

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

using Clock = std::chrono::steady_clock;

namespace {

/// A library with some schedules, opened, with its inputs.
struct Trial {
  Tuning tuning;
  Library library;
  Profile profile;
  std::vector<nn::HostTensor> inputs;
  std::vector<NamedTensor> outputs;

  bool run(MLIRContext &context, std::string &error) {
    if (!library.run(inputs, outputs, context, error))
      return false;
    profile.take();
    return true;
  }
};

class Tuner {
public:
  Tuner(Session &session, const CompileOptions &options, double seconds, std::string &error)
      : session(session), options(options), error(error),
        end(Clock::now() +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}
  ~Tuner() {
    if (!folder.empty())
      (void)llvm::sys::fs::remove_directories(folder);
  }

  bool run();

private:
  std::unique_ptr<Trial> build(Tuning tuning);
  bool compare(Trial &trial);
  bool tryDecision(size_t position);

  Session &session;
  CompileOptions options;
  std::string &error;
  Clock::time_point end;
  SmallString<128> folder;
  unsigned built = 0;
  llvm::StringMap<std::string> fingerprints; ///< by the kernels' names
  std::unique_ptr<Trial> best;
};

} // namespace

/// Compiles the module with these choices. Null, with the reason in `error`, on failure.
std::unique_ptr<Trial> Tuner::build(Tuning tuning) {
  auto trial = std::make_unique<Trial>();
  trial->tuning = std::move(tuning);
  OwningOpRef<ModuleOp> module = session.getModule().clone();
  options.tuning = &trial->tuning;
  options.alternatives.clear(); // which do not run here
  std::string path = (folder + "/" + Twine(built++) + ".so").str();
  if (failed(emit(*module, {Stage::Lib, "tuned", path, ""}, options))) {
    error = "the model could not be compiled";
    return nullptr;
  }
  if (!trial->library.open(path, /*threadCount=*/1, error))
    return nullptr;
  // The library stays mapped without its name.
  (void)llvm::sys::fs::remove(path);
  if (!makeInputs(trial->library.getModel(), {}, session.getContext(), trial->inputs, error))
    return nullptr;
  if (!trial->profile.open(trial->library)) {
    error = "the model calls no kernels: there is nothing to tune";
    return nullptr;
  }
  // The first runs touch the workspace and the weights.
  for (int i = 0; i < 2; ++i)
    if (!trial->run(session.getContext(), error))
      return nullptr;
  return trial;
}

/// Runs the trial and the best in turn, and takes over into the best's choices what was faster.
bool Tuner::compare(Trial &trial) {
  constexpr double worthwhile = 0.97, seconds = 0.5;
  constexpr int fewestRuns = 5;
  trial.profile.forget();
  best->profile.forget();
  auto until = Clock::now() +
               std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (int runs = 0; runs < fewestRuns || Clock::now() < until; ++runs)
    if (!trial.run(session.getContext(), error) || !best->run(session.getContext(), error))
      return false;
  llvm::StringMap<double> theirs = trial.profile.least(), ours = best->profile.least();
  for (auto &[kernel, fingerprint] : fingerprints)
    if (theirs.contains(kernel) && theirs[kernel] < ours.lookup(kernel) * worthwhile)
      best->tuning[fingerprint] = trial.tuning[fingerprint];
  return true;
}

/// Tries each candidate of the decision at `position` of every kernel.
bool Tuner::tryDecision(size_t position) {
  for (size_t candidate = 1; Clock::now() < end; ++candidate) {
    // The decisions of the best library: what is taken over meanwhile may bring others.
    Tuning tuning = best->tuning;
    bool any = false;
    for (auto &[fingerprint, choices] : best->tuning) {
      if (position >= choices.getDecisions().size())
        continue;
      const Choices::Decision &decision = choices.getDecisions()[position];
      if (candidate >= decision.candidates.size())
        continue;
      tuning[fingerprint].fix(decision.name, decision.candidates[candidate]);
      any = true;
    }
    if (!any)
      return true;
    options.progress(
        ("tuning: decision " + Twine(position + 1) + ", candidate " + Twine(candidate + 1)).str());
    std::unique_ptr<Trial> trial = build(std::move(tuning));
    if (!trial || !compare(*trial))
      return false;
  }
  return true;
}

bool Tuner::run() {
  if (llvm::sys::fs::createUniqueDirectory("sinter-tune", folder)) {
    error = "no temporary folder";
    return false;
  }
  options.profile = true;
  for (auto kernel : session.getModule().getOps<kernel::FuncOp>())
    fingerprints[kernel.getSymName()] = kernel::fingerprint(kernel);
  Tuning &result = *options.tuning;
  for (size_t position = 0; Clock::now() < end; ++position) {
    // The best of all that was tried, and what there is to decide with it.
    best = build(best ? std::move(best->tuning) : result);
    if (!best)
      return false;
    bool more = llvm::any_of(
        best->tuning, [&](auto &entry) { return position < entry.second.getDecisions().size(); });
    if (!more)
      break;
    if (!tryDecision(position))
      return false;
  }
  result = best->tuning;
  return true;
}

bool sinter::driver::tune(Session &session, const CompileOptions &options, double seconds,
                          std::string &error) {
  return Tuner(session, options, seconds, error).run();
}
