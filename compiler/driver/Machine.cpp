//===- Machine.cpp - what this machine can do at most ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Machine.h"
#include "compiler/driver/MachineKernels.h"
#include "targets/Target.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <chrono>
#include <functional>
#include <pthread.h>
#include <sched.h>
#include <thread>

using namespace sinter;
using namespace sinter::driver;

double MachineLimits::peak(int64_t vectorBytes) const {
  double best = 0;
  for (auto [bytes, rate] : fma)
    if (bytes <= vectorBytes || best == 0)
      best = rate;
  return best;
}

const MachineLimits &Machine::get(int32_t threads) const {
  for (const MachineLimits &each : limits)
    if (each.threads == threads)
      return each;
  return limits.back();
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Cores that this process may use.
static std::vector<int> cores() {
  std::vector<int> result;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(i, &set))
        result.push_back(i);
  return result.empty() ? std::vector<int>{0} : result;
}

/// Sum of work(i) over the threads, each on a core of its own.
static double together(int32_t threads, const std::function<double(int32_t)> &work) {
  std::vector<int> on = cores();
  std::vector<double> results(threads);
  std::vector<std::thread> others;
  for (int32_t i = 0; i < threads; ++i)
    others.emplace_back([&, i] {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(on[i % on.size()], &set);
      pthread_setaffinity_np(pthread_self(), sizeof set, &set);
      results[i] = work(i);
    });
  for (std::thread &thread : others)
    thread.join();
  double sum = 0;
  for (double each : results)
    sum += each;
  return sum;
}

/// The best of tries, until three of them agree: what disturbs only slows. Where they never do, the
/// limits are marked.
static double best(MachineLimits &limits, const std::function<double()> &rate) {
  constexpr size_t least = 5, most = 40, agreeing = 3;
  constexpr double closeness = 0.97;
  std::vector<double> rates; // descending
  while (rates.size() < most) {
    double each = rate();
    rates.insert(llvm::upper_bound(rates, each, std::greater<>()), each);
    if (rates.size() >= least && rates[agreeing - 1] >= closeness * rates.front())
      return rates.front();
  }
  limits.disturbed = true;
  return rates.front();
}

static double multiplyAddRate(MachineLimits &limits, int64_t vectorBytes) {
  return best(limits, [&] {
    return together(limits.threads, [&](int32_t) {
      double start = seconds();
      double operations = multiplyAdd(vectorBytes, 300000);
      return operations / (seconds() - start) / 1e9;
    });
  });
}

/// GB/s of reading a block of memory of each thread's own, again and again.
static double readRate(MachineLimits &limits, size_t bytes) {
  int64_t vector = vectorSizes().empty() ? 16 : vectorSizes().back();
  bytes = std::max<size_t>(bytes / 512, 1) * 512;
  return best(limits, [&] {
    return together(limits.threads, [&](int32_t) {
      std::vector<char> block(bytes + 64, 1);
      const char *data = block.data() + (-reinterpret_cast<uintptr_t>(block.data()) & 63);
      int64_t rounds = std::max<int64_t>(1, (int64_t(1) << 28) / bytes);
      readAll(vector, data, bytes);
      double start = seconds();
      for (int64_t i = 0; i < rounds; ++i)
        readAll(vector, data, bytes);
      return rounds * double(bytes) / (seconds() - start) / 1e9;
    });
  });
}

static double triadRate(MachineLimits &limits, std::vector<float> (&arrays)[3], bool streaming) {
  int32_t threads = limits.threads;
  size_t count = (arrays[0].size() - 16) / threads / 16 * 16;
  auto aligned = [&](int i) {
    return arrays[i].data() + ((-reinterpret_cast<uintptr_t>(arrays[i].data()) & 63) / 4);
  };
  return best(limits, [&] {
    double start = seconds();
    together(threads, [&](int32_t thread) {
      size_t at = thread * count;
      triad(aligned(0) + at, aligned(1) + at, aligned(2) + at, count, streaming);
      return 0.0;
    });
    return 12.0 * count * threads / (seconds() - start) / 1e9;
  });
}

static std::string cachePath() {
  llvm::SmallString<128> path;
  if (!llvm::sys::path::cache_directory(path))
    return {};
  llvm::sys::path::append(path, "sinter", "machine.json");
  return std::string(path);
}

static Target hostTarget() {
  Target target;
  std::string error;
  lookupTarget("host", target, error);
  return target;
}

llvm::json::Object sinter::driver::toJson(const MachineLimits &limits) {
  llvm::json::Object fma;
  for (auto [bytes, rate] : limits.fma)
    fma[std::to_string(bytes)] = rate;
  return llvm::json::Object{{"threads", limits.threads}, {"fma_gflops", std::move(fma)},
                            {"triad_gbs", limits.triad}, {"streaming_gbs", limits.streaming},
                            {"l1_gbs", limits.l1},       {"l2_gbs", limits.l2},
                            {"l3_gbs", limits.l3},       {"disturbed", limits.disturbed}};
}

/// Written beside it and renamed: a reader sees the old file or the new one.
static void remember(const Machine &machine) {
  llvm::json::Array limits;
  for (const MachineLimits &each : machine.limits)
    limits.push_back(toJson(each));
  std::string path = cachePath();
  if (path.empty() || llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)))
    return;
  llvm::consumeError(llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << llvm::formatv("{0:2}\n", llvm::json::Value(llvm::json::Object{
                                       {"cpu", machine.cpu}, {"limits", std::move(limits)}}));
    return llvm::Error::success();
  }));
}

/// What the file says, if it is this machine's.
static std::optional<Machine> recall(llvm::StringRef cpu) {
  Machine machine;
  auto buffer = llvm::MemoryBuffer::getFile(cachePath());
  auto parsed = llvm::json::parse(buffer ? (*buffer)->getBuffer() : llvm::StringRef());
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return std::nullopt;
  }
  const llvm::json::Object *top = parsed->getAsObject();
  const llvm::json::Array *list = top ? top->getArray("limits") : nullptr;
  if (!list || top->getString("cpu") != cpu)
    return std::nullopt;
  machine.cpu = cpu;
  for (const llvm::json::Value &value : *list) {
    const llvm::json::Object *object = value.getAsObject();
    const llvm::json::Object *fma = object ? object->getObject("fma_gflops") : nullptr;
    if (!fma)
      return std::nullopt;
    MachineLimits limits;
    auto number = [&](llvm::StringRef name) { return object->getNumber(name).value_or(0); };
    limits.threads = number("threads");
    for (int64_t bytes : {16, 32, 64})
      if (auto rate = fma->getNumber(std::to_string(bytes)))
        limits.fma.emplace_back(bytes, *rate);
    limits.triad = number("triad_gbs");
    limits.streaming = number("streaming_gbs");
    limits.l1 = number("l1_gbs");
    limits.l2 = number("l2_gbs");
    limits.l3 = number("l3_gbs");
    limits.disturbed = object->getBoolean("disturbed").value_or(false);
    machine.limits.push_back(std::move(limits));
  }
  return machine;
}

Machine sinter::driver::measureMachine() {
  Target target = hostTarget();
  Machine machine;
  machine.cpu = target.cpu;
  std::vector<float> arrays[3];
  // Beyond the caches; a shared last level may call itself larger than what one gets of it.
  size_t count = std::clamp<size_t>(target.l3Bytes / 2, 16 << 20, 64 << 20);
  for (std::vector<float> &array : arrays)
    array.assign(count, 1);
  for (int32_t threads = 1, all = cores().size(); threads <= all; ++threads) {
    MachineLimits limits;
    limits.threads = threads;
    for (int64_t bytes : vectorSizes())
      limits.fma.emplace_back(bytes, multiplyAddRate(limits, bytes));
    limits.triad = triadRate(limits, arrays, false);
    limits.streaming = triadRate(limits, arrays, true);
    limits.l1 = readRate(limits, target.l1Bytes / 2);
    limits.l2 = readRate(limits, target.l2Bytes / 2);
    // More than the level before, and little of the last: others may use it too.
    limits.l3 = readRate(limits, std::max(target.l2Bytes * 2, target.l3Bytes / 16) / threads);
    machine.limits.push_back(std::move(limits));
  }
  // A process that may use some of the cores leaves what is known of more.
  if (auto known = recall(machine.cpu); known && known->limits.size() > machine.limits.size())
    llvm::append_range(machine.limits, llvm::drop_begin(known->limits, machine.limits.size()));
  remember(machine);
  return machine;
}

Machine sinter::driver::knownMachine(int32_t threads) {
  // Threads beyond the cores gain nothing.
  size_t needed = threads ? std::min<size_t>(threads, cores().size()) : cores().size();
  std::optional<Machine> machine = recall(hostTarget().cpu);
  if (machine && machine->limits.size() >= needed && !machine->limits[needed - 1].disturbed)
    return *machine;
  return measureMachine();
}
