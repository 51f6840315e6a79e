//===- Processes.cpp - the processes of one training ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// OpenMPI's library is opened at run time and its few names are declared here: no
// build needs its headers. Handles are addresses of its global objects.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/fit/Processes.h"
#include "runtime/training/Error.h"
#include <cstdlib>
#include <dlfcn.h>

using namespace sinter::training;

namespace {
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
    check(reinterpret_cast<int (*)(int *, char ***)>(symbol("MPI_Init"))(nullptr, nullptr),
          "MPI_Init");
    using Ask = int (*)(void *, int *);
    check(reinterpret_cast<Ask>(symbol("MPI_Comm_rank"))(world, &rank), "MPI_Comm_rank");
    check(reinterpret_cast<Ask>(symbol("MPI_Comm_size"))(world, &count), "MPI_Comm_size");
  }
  OpenMpi(const OpenMpi &) = delete;
  OpenMpi &operator=(const OpenMpi &) = delete;
  ~OpenMpi() override { reinterpret_cast<int (*)()>(symbol("MPI_Finalize"))(); }

  int32_t getRank() const override { return rank; }
  int32_t getCount() const override { return count; }
  void abort(int status) override {
    reinterpret_cast<int (*)(void *, int)>(symbol("MPI_Abort"))(world, status);
  }
  void sum(float *numbers, int64_t size) override { reduce(numbers, size, floatType); }
  void sum(double *numbers, int64_t size) override { reduce(numbers, size, doubleType); }

private:
  using AllReduce = int (*)(const void *, void *, int, void *, void *, void *);

  void *symbol(const char *name) const {
    void *found = dlsym(handle, name);
    if (!found)
      throw Error(std::string("libmpi.so.40 has no ") + name + "; install Debian's libopenmpi3");
    return found;
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
};
} // namespace

std::unique_ptr<Processes> sinter::training::openProcesses() {
  if (!std::getenv("OMPI_COMM_WORLD_SIZE"))
    return std::make_unique<Processes>();
  return std::make_unique<OpenMpi>();
}
