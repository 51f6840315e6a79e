//===- Cifar10.cpp - CIFAR-10's binary files ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// https://www.cs.toronto.edu/~kriz/cifar.html, "binary version": a record is one
// byte of label, then 1024 bytes of red, of green, of blue, row by row.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/Pictures.h"
#include <sstream>

using namespace sinter::training;

static constexpr size_t Plane = 32 * 32, RecordBytes = 1 + 3 * Plane;

static void addFile(Pictures &pictures, const std::string &path) {
  std::string bytes = readBytes(path);
  if (bytes.empty())
    throw Error(path + " is empty; fetch the file again");
  if (size_t rest = bytes.size() % RecordBytes)
    throw Error(path + ": the record " + std::to_string(bytes.size() / RecordBytes) +
                " ends after " + std::to_string(rest) + " of " + std::to_string(RecordBytes) +
                " bytes; the file is truncated: fetch it again");
  std::vector<uint8_t> picture(3 * Plane);
  for (size_t record = 0; record < bytes.size() / RecordBytes; ++record) {
    const auto *start = reinterpret_cast<const uint8_t *>(bytes.data()) + record * RecordBytes;
    for (size_t pixel = 0; pixel < Plane; ++pixel)
      for (size_t channel = 0; channel < 3; ++channel)
        picture[pixel * 3 + channel] = start[1 + channel * Plane + pixel];
    pictures.add(picture.data(), start[0], path, record);
  }
}

static std::vector<std::string> readClassNames(const std::string &path) {
  std::vector<std::string> names;
  if (!isFile(path))
    return names;
  std::istringstream lines(readBytes(path));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty())
      names.push_back(line);
  return names;
}

Dataset sinter::training::openCifar10(const std::string &path, Settings &settings) {
  settings.finish();
  Dataset data;
  if (!isFolder(path)) {
    auto pictures = std::make_unique<Pictures>(32, 32, 3, 10, std::vector<std::string>());
    addFile(*pictures, path);
    data.training = std::move(pictures);
    return data;
  }
  std::vector<std::string> names = readClassNames(path + "/batches.meta.txt");
  auto training = std::make_unique<Pictures>(32, 32, 3, 10, names);
  for (const std::string &file : listFolder(path))
    if (file.rfind("data_batch_", 0) == 0 && file.size() > 4 &&
        file.compare(file.size() - 4, 4, ".bin") == 0)
      addFile(*training, path + "/" + file);
  if (*training->count() == 0)
    throw Error(path + " has no data_batch_1.bin; unpack cifar-10-binary.tar.gz there");
  data.training = std::move(training);
  if (isFile(path + "/test_batch.bin")) {
    auto test = std::make_unique<Pictures>(32, 32, 3, 10, names);
    addFile(*test, path + "/test_batch.bin");
    data.validation = std::move(test);
  }
  return data;
}
