//===- Processes.h - the processes of one training --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_PROCESSES_H
#define SINTER_RUNTIME_TRAINING_FIT_PROCESSES_H

#include <cstdint>
#include <memory>

namespace sinter::training {

/// The processes that `mpirun -n N sinter fit` started, or this one alone.
class Processes {
public:
  virtual ~Processes() = default;
  virtual int32_t getRank() const { return 0; }
  virtual int32_t getCount() const { return 1; }
  /// Replaces each number by its sum over the processes.
  virtual void sum(float * /*numbers*/, int64_t /*count*/) {}
  virtual void sum(double * /*numbers*/, int64_t /*count*/) {}
  /// The same beside what the caller does, in the order of the calls; `endSum` waits for these
  /// numbers, or for all (null). Nothing else of MPI may be called between the two.
  virtual void beginSum(float * /*numbers*/, int64_t /*count*/) {}
  virtual void endSum(const float * /*numbers*/) {}
  /// Ends all of them: one that has a fault would leave the others waiting for ever.
  virtual void abort(int /*status*/) {}
};

/// MPI's, if mpirun started this process; libmpi is opened only then. Else one alone.
std::unique_ptr<Processes> openProcesses();

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_PROCESSES_H
