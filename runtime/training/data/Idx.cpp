//===- Idx.cpp - MNIST's IDX files ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// http://yann.lecun.com/exdb/mnist: two bytes 0, the element type (8: unsigned
// bytes), the rank, each dim in four bytes, the highest first, then the elements.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/Pictures.h"
#include <algorithm>

using namespace sinter::training;

namespace {
struct IdxArray {
  std::string path;
  std::vector<int64_t> shape;
  std::string bytes; ///< the elements alone
};
} // namespace

static IdxArray readIdx(const std::string &path, unsigned rank) {
  IdxArray array;
  array.path = path;
  std::string bytes = readBytes(path);
  size_t header = 4 + 4 * rank;
  if (bytes.size() < header || bytes[0] != 0 || bytes[1] != 0 || bytes[2] != 8 ||
      static_cast<unsigned>(bytes[3]) != rank)
    throw Error(path + " is not an IDX file of unsigned bytes and " + std::to_string(rank) +
                " dims; fetch the file again");
  uint64_t size = 1;
  for (unsigned i = 0; i < rank; ++i) {
    array.shape.push_back(static_cast<int64_t>(bigEndian(bytes, 4 + 4 * i, 4)));
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(array.shape[i]), &size))
      throw Error(path + ": its dims are too large; fetch the file again");
  }
  if (bytes.size() - header != size)
    throw Error(path + " has " + std::to_string(bytes.size() - header) +
                " elements, and its dims " + "ask for " + std::to_string(size) +
                "; the file is damaged: fetch it again");
  array.bytes = bytes.substr(header);
  return array;
}

// The file, or the one that gzip packed; empty if there is neither.
static std::string findFile(const std::string &folder, const std::string &name) {
  for (const char *ending : {"", ".gz"})
    if (isFile(folder + "/" + name + ending))
      return folder + "/" + name + ending;
  return "";
}

static std::unique_ptr<Source> openPair(const std::string &imagesPath,
                                        const std::string &labelsPath) {
  IdxArray images = readIdx(imagesPath, 3), labels = readIdx(labelsPath, 1);
  int64_t count = images.shape[0];
  if (labels.shape[0] != count)
    throw Error(labelsPath + " has " + std::to_string(labels.shape[0]) + " labels for the " +
                std::to_string(count) + " images of " + imagesPath +
                "; take both files from one data set");
  if (count == 0)
    throw Error(imagesPath + " has no images");
  int64_t classes = 1 + static_cast<uint8_t>(*std::max_element(
                            labels.bytes.begin(), labels.bytes.end(), [](char a, char b) {
                              return static_cast<uint8_t>(a) < static_cast<uint8_t>(b);
                            }));
  size_t size = images.shape[1] * images.shape[2];
  auto pictures = std::make_unique<Pictures>(images.shape[1], images.shape[2], 1, classes,
                                             std::vector<std::string>());
  for (int64_t i = 0; i < count; ++i)
    pictures->add(reinterpret_cast<const uint8_t *>(images.bytes.data()) + i * size,
                  static_cast<uint8_t>(labels.bytes[i]), imagesPath, i);
  return pictures;
}

Dataset sinter::training::openIdx(const std::string &path, Settings &settings) {
  settings.finish();
  if (!isFolder(path))
    throw Error("can't read " + path +
                ": there is no such folder; give the folder with train-images-idx3-ubyte");
  Dataset data;
  auto openSet = [&](const std::string &set) -> std::unique_ptr<Source> {
    std::string images = findFile(path, set + "-images-idx3-ubyte");
    std::string labels = findFile(path, set + "-labels-idx1-ubyte");
    if (images.empty() && labels.empty())
      return nullptr;
    if (images.empty() || labels.empty())
      throw Error(path + " has " + (images.empty() ? "labels" : "images") + " of '" + set +
                  "' but no " + set +
                  (images.empty() ? "-images-idx3-ubyte" : "-labels-idx1-ubyte") +
                  "; fetch that file too");
    return openPair(images, labels);
  };
  data.training = openSet("train");
  if (!data.training)
    throw Error(path + " has no train-images-idx3-ubyte (or .gz)");
  data.validation = openSet("t10k");
  return data;
}
