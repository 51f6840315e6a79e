//===- Pictures.cpp - labelled pictures in memory -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Pictures.h"
#include "runtime/training/Error.h"

using namespace sinter::training;

Pictures::Pictures(int64_t height, int64_t width, int64_t channels, int64_t classes,
                   std::vector<std::string> names)
    : size(height * width * channels) {
  Column image, label;
  image.name = "image";
  image.shape = {height, width, channels};
  image.isImage = true;
  label.name = "label";
  label.isInteger = label.isTarget = true;
  label.classes = classes;
  columns = {image, label};
  classNames = std::move(names);
}

void Pictures::add(const uint8_t *bytes, int64_t label, const std::string &file, int64_t row) {
  if (files.empty() || files.back() != file)
    files.push_back(file);
  pixels.insert(pixels.end(), bytes, bytes + size);
  labels.push_back(label);
  rows.push_back(row);
  fileOf.push_back(files.size() - 1);
  int64_t classes = columns[1].classes;
  if (classes && (label < 0 || label >= classes))
    throw Error(where(labels.size() - 1) + ": label " + std::to_string(label) +
                " is not between 0 and " + std::to_string(classes - 1) +
                "; is this a file of that format?");
}

bool Pictures::read(int64_t index, Sample &sample) {
  sample.resize(2);
  const uint8_t *start = pixels.data() + index * size;
  sample[0].reals.assign(start, start + size);
  sample[1].integers.assign(1, labels[index]);
  return true;
}

std::string Pictures::where(int64_t index) const {
  const std::string &file = files[fileOf[index]];
  return rows[index] < 0 ? file : file + ": record " + std::to_string(rows[index]);
}
