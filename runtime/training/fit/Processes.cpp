//===- Processes.cpp - the processes of one training ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// OpenMPI's library is opened at run time and its few names are declared here: no
// build needs its headers. Handles are addresses of its global objects.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/fit/Processes.h"
#include "runtime/training/Error.h"
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <functional>
#include <mutex>
#include <thread>

using namespace sinter::training;

namespace {
/// A thread that sums what it is given, one after the other.
class SummingThread {
public:
  using Sum = std::function<void(float *numbers, int64_t count)>;
  explicit SummingThread(Sum sum) : sum(std::move(sum)), thread([this] { work(); }) {}
  SummingThread(const SummingThread &) = delete;
  SummingThread &operator=(const SummingThread &) = delete;
  ~SummingThread() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    thread.join();
  }

  void begin(float *numbers, int64_t count) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      waiting.push_back({numbers, count});
    }
    changed.notify_all();
  }
  /// Throws what a sum has thrown.
  void end(const float *numbers) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return fault || !isWaiting(numbers); });
    if (fault)
      std::rethrow_exception(fault);
  }

private:
  struct Part {
    float *numbers;
    int64_t count;
  };

  bool isWaiting(const float *numbers) const {
    for (const Part &part : waiting)
      if (!numbers || part.numbers == numbers)
        return true;
    return false;
  }
  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return stopped || (!waiting.empty() && !fault); });
      if (stopped)
        return;
      Part part = waiting.front(); // which stays there until it is done
      lock.unlock();
      std::exception_ptr met;
      try {
        sum(part.numbers, part.count);
      } catch (...) {
        met = std::current_exception();
      }
      lock.lock();
      waiting.pop_front();
      fault = met;
      changed.notify_all();
    }
  }

  Sum sum;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Part> waiting;
  std::exception_ptr fault;
  bool stopped = false;
  std::thread thread; ///< the last: it uses the others
};

class OpenMpi : public Processes {
public:
  OpenMpi() {
    // Global, for OpenMPI's own plugins look for it.
    handle = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL);
    if (!handle)
      throw Error(std::string("mpirun started this process, and OpenMPI's library can't be "
                              "opened; install libopenmpi3: ") +
                  dlerror());
    world = symbol("ompi_mpi_comm_world");
    sumOp = symbol("ompi_mpi_op_sum");
    floatType = symbol("ompi_mpi_float");
    doubleType = symbol("ompi_mpi_double");
    allReduce = reinterpret_cast<AllReduce>(symbol("MPI_Allreduce"));
    // One thread after the other calls MPI: MPI_THREAD_SERIALIZED is 2.
    using Init = int (*)(int *, char ***, int, int *);
    constexpr int serialized = 2;
    int provided = 0;
    check(
        reinterpret_cast<Init>(symbol("MPI_Init_thread"))(nullptr, nullptr, serialized, &provided),
        "MPI_Init_thread");
    overlaps = provided >= serialized && isOnSeveralMachines();
    using Ask = int (*)(void *, int *);
    check(reinterpret_cast<Ask>(symbol("MPI_Comm_rank"))(world, &rank), "MPI_Comm_rank");
    check(reinterpret_cast<Ask>(symbol("MPI_Comm_size"))(world, &count), "MPI_Comm_size");
  }
  OpenMpi(const OpenMpi &) = delete;
  OpenMpi &operator=(const OpenMpi &) = delete;
  ~OpenMpi() override {
    summing.reset();
    reinterpret_cast<int (*)()>(symbol("MPI_Finalize"))();
  }

  int32_t getRank() const override { return rank; }
  int32_t getCount() const override { return count; }
  void abort(int status) override {
    reinterpret_cast<int (*)(void *, int)>(symbol("MPI_Abort"))(world, status);
  }
  void sum(float *numbers, int64_t size) override { reduce(numbers, size, floatType); }
  void sum(double *numbers, int64_t size) override { reduce(numbers, size, doubleType); }
  void beginSum(float *numbers, int64_t size) override {
    if (!overlaps)
      return sum(numbers, size);
    if (!summing)
      summing =
          std::make_unique<SummingThread>([this](float *at, int64_t count) { sum(at, count); });
    summing->begin(numbers, size);
  }
  void endSum(const float *numbers) override {
    if (summing)
      summing->end(numbers);
  }

private:
  using AllReduce = int (*)(const void *, void *, int, void *, void *, void *);

  void *symbol(const char *name) const {
    void *found = dlsym(handle, name);
    if (!found)
      throw Error(std::string("libmpi.so.40 has no ") + name + "; install Debian's libopenmpi3");
    return found;
  }
  // On one machine a sum is work for the cores that the step needs, too; between machines it
  // mostly waits.
  static bool isOnSeveralMachines() {
    const char *all = std::getenv("OMPI_COMM_WORLD_SIZE"),
               *here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    return all && here && std::strcmp(all, here) != 0;
  }
  static void check(int code, const char *function) {
    if (code != 0)
      throw Error(std::string(function) + " failed with code " + std::to_string(code));
  }
  template <typename T>
  void reduce(T *numbers, int64_t size, void *type) {
    constexpr int64_t Most = 1 << 30; // MPI counts in int
    // In place: MPI_IN_PLACE is the address 1.
    for (int64_t at = 0; at < size; at += Most)
      check(allReduce(reinterpret_cast<void *>(1), numbers + at,
                      static_cast<int>(size - at < Most ? size - at : Most), type, sumOp, world),
            "MPI_Allreduce");
  }

  void *handle, *world, *sumOp, *floatType, *doubleType;
  AllReduce allReduce;
  int rank = 0, count = 1;
  bool overlaps = false; ///< whether sums go on beside the step
  std::unique_ptr<SummingThread> summing;
};
} // namespace

std::unique_ptr<Processes> sinter::training::openProcesses() {
  if (!std::getenv("OMPI_COMM_WORLD_SIZE"))
    return std::make_unique<Processes>();
  return std::make_unique<OpenMpi>();
}
