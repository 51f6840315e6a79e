//===- NVPTX.cpp - NVIDIA's GPUs by compute capability ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels are carried as PTX, which the driver compiles for the GPU that is
// there: code for an older capability runs on every newer one.
//
//===----------------------------------------------------------------------===//

#include "targets/Family.h"

#include "llvm/ADT/STLExtras.h"

using namespace sinter;

namespace {

/// CUDA C++ Programming Guide, technical specifications by compute capability; multiprocessors of
/// the GPU of each that is met most often.
const struct Capability {
  int64_t number;
  const char *gpu;
  int64_t multiprocessors;
} capabilities[] = {
    {70, "V100", 80}, {72, "Xavier", 8},       {75, "T4", 40}, {80, "A100", 108},
    {86, "A10", 72},  {87, "Jetson Orin", 16}, {89, "L4", 58}, {90, "H100", 132},
};

bool lookup(llvm::StringRef name, Device &device) {
  int64_t number = 0;
  if (name == "nvptx" || name == "nvptx64")
    number = 70;
  else if (!name.consume_front("sm_") || name.getAsInteger(10, number))
    return false;
  auto known = llvm::find_if(capabilities, [&](auto &each) { return each.number == number; });
  if (known == std::end(capabilities))
    return false;
  device.runtime = "cuda";
  device.capability = number;
  device.multiprocessors = known->multiprocessors;
  device.float64 = device.float16 = true;
  // Halide 14 has names for these only: the latest one that is not newer.
  int64_t ptx = 70;
  for (int64_t each : {75, 80, 86})
    if (each <= number)
      ptx = each;
  device.halide = "cuda-cuda_capability_" + std::to_string(ptx);
  return true;
}

std::vector<std::string> levels() {
  std::vector<std::string> names = {"nvptx"};
  for (const Capability &each : capabilities)
    names.push_back("sm_" + std::to_string(each.number));
  return names;
}

} // namespace

const DeviceFamily &nvptx::devices() {
  static const DeviceFamily family = {"NVIDIA GPUs, as PTX", lookup, levels};
  return family;
}
