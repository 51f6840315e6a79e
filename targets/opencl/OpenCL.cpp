//===- OpenCL.cpp - what OpenCL drivers run ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels are carried as source and compiled by the driver where they run. What
// every full profile has is taken as given: half and double precision are not.
//
//===----------------------------------------------------------------------===//

#include "targets/Family.h"

using namespace sinter;

static bool lookup(llvm::StringRef name, Device &device) {
  if (name != "opencl")
    return false;
  device.runtime = "opencl";
  device.halide = "opencl";
  device.threadsPerBlock = 256;
  device.sharedBytes = 32 << 10;
  device.multiprocessors = 16;
  return true;
}

static std::vector<std::string> levels() { return {"opencl"}; }

const DeviceFamily &opencl::devices() {
  static const DeviceFamily family = {"OpenCL 2.0 devices, as source", lookup, levels};
  return family;
}
