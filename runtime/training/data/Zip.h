//===- Zip.h - the files of a zip archive -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_ZIP_H
#define SINTER_RUNTIME_TRAINING_DATA_ZIP_H

#include <string>
#include <utility>
#include <vector>

namespace sinter::training {

/// Names and contents, stored or deflated, in the archive's order.
std::vector<std::pair<std::string, std::string>> readZip(const std::string &path);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_ZIP_H
