//===- Profile.cpp - time of each kernel against the roofline -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Profile.h"
#include "compiler/driver/Machine.h"
#include "targets/Target.h"
#include "llvm/Support/Format.h"
#include <algorithm>

using namespace sinter;
using namespace sinter::driver;

bool Profile::open(const Library &library) {
  SinterProfileFunction function = library.getProfile();
  if (!function)
    return false;
  const SinterKernelInfo *infos = nullptr;
  int64_t count = function(library.getContext(), &infos, &totals);
  kernels = llvm::ArrayRef<SinterKernelInfo>(infos, count);
  before.assign(totals, totals + count);
  last.resize(count);
  times.resize(count);
  return true;
}

void Profile::take() {
  for (size_t i = 0; i < kernels.size(); ++i) {
    last[i].calls = totals[i].calls - before[i].calls;
    last[i].operations = totals[i].operations - before[i].operations;
    last[i].bytes = totals[i].bytes - before[i].bytes;
    times[i].push_back(totals[i].nanoseconds - before[i].nanoseconds);
    before[i] = totals[i];
  }
}

void Profile::forget() {
  for (std::vector<int64_t> &each : times)
    each.clear();
}

llvm::StringMap<double> Profile::least() const {
  llvm::StringMap<double> result;
  for (auto [info, runs] : llvm::zip(kernels, times))
    if (!runs.empty())
      result[info.kernel] += *std::min_element(runs.begin(), runs.end());
  return result;
}

std::vector<Profile::Row> Profile::rows() const {
  std::vector<Row> rows;
  llvm::StringMap<size_t> places;
  for (auto [i, info] : llvm::enumerate(kernels)) {
    auto [place, isNew] = places.try_emplace(info.kernel, rows.size());
    if (isNew)
      rows.push_back({info.kernel, info.nodes});
    else
      rows[place->second].nodes += std::string(" ") + info.nodes;
    std::vector<int64_t> sorted = times[i];
    std::sort(sorted.begin(), sorted.end());
    Row &row = rows[place->second];
    row.microseconds += sorted.empty() ? 0 : sorted[sorted.size() / 2] / 1e3;
    row.calls += last[i].calls;
    row.operations += last[i].operations;
    row.bytes += last[i].bytes;
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row &a, const Row &b) { return a.microseconds > b.microseconds; });
  return rows;
}

/// GFLOP/s or GB/s.
static double rate(double amount, double microseconds) {
  return microseconds > 0 ? amount / microseconds / 1e3 : 0;
}

namespace {
/// What holds back a library on this machine: GFLOP/s, and GB/s of memory.
struct Roofline {
  double peak, triad;
};
} // namespace

static Roofline rooflineOf(const Library &library, int32_t threads) {
  const Machine machine = knownMachine(threads);
  const MachineLimits &limits = machine.get(threads);
  // A library for an older processor cannot use all of this one.
  Target target;
  std::string error;
  int64_t vector = lookupTarget(library.getModel().target, target, error) ? target.vectorBytes : 64;
  return {limits.peak(vector), limits.triad};
}

void Profile::print(const Library &library, int32_t threads, double median,
                    llvm::raw_ostream &os) const {
  const Roofline limits = rooflineOf(library, threads);
  std::vector<Row> all = rows();
  size_t width = 6;
  double kernelTime = 0, bound = 0;
  for (const Row &row : all) {
    width = std::max(width, row.kernel.size());
    kernelTime += row.microseconds;
    bound += std::max(rate(row.operations, 1) / limits.peak, rate(row.bytes, 1) / limits.triad);
  }
  os << llvm::left_justify("kernel", width)
     << " calls        us  share  GFLOP/s  %peak     GB/s %triad  nodes\n";
  auto line = [&](llvm::StringRef name, const Row &row, llvm::StringRef nodes) {
    double operations = rate(row.operations, row.microseconds),
           bytes = rate(row.bytes, row.microseconds);
    os << llvm::left_justify(name, width) << ' '
       << llvm::format("%5lld %9.2f %5.1f%% %8.1f %5.0f%% %8.1f %5.0f%%",
                       static_cast<long long>(row.calls), row.microseconds,
                       row.microseconds / median / 10, operations, 100 * operations / limits.peak,
                       bytes, 100 * bytes / limits.triad);
    if (!nodes.empty())
      os << "  " << (nodes.size() > 60 ? nodes.take_front(57).str() + "..." : nodes.str());
    os << '\n';
  };
  Row sum;
  for (const Row &row : all) {
    line(row.kernel, row, row.nodes);
    sum.microseconds += row.microseconds;
    sum.calls += row.calls;
    sum.operations += row.operations;
    sum.bytes += row.bytes;
  }
  line("all", sum, "");
  os << llvm::format("beside kernels: %.1f us a run (%.1f%%), measuring included\n",
                     median * 1e3 - kernelTime, 100 - kernelTime / median / 10)
     << llvm::format("roofline: %.4f ms at %.0f GFLOP/s and %.1f GB/s; measured %.4f ms, "
                     "%.0f%% of the roofline\n",
                     bound / 1e3, limits.peak, limits.triad, median, bound / median / 10);
}

llvm::json::Object Profile::toJson(const Library &library, int32_t threads) const {
  llvm::json::Array array;
  for (const Row &row : rows())
    array.push_back(llvm::json::Object{{"kernel", row.kernel},
                                       {"nodes", row.nodes},
                                       {"calls", row.calls},
                                       {"us", row.microseconds},
                                       {"operations", row.operations},
                                       {"bytes", row.bytes}});
  const Roofline limits = rooflineOf(library, threads);
  return llvm::json::Object{
      {"kernels", std::move(array)},
      {"limits", llvm::json::Object{{"gflops", limits.peak}, {"triad_gbs", limits.triad}}}};
}
