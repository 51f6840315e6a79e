//===- Augment.cpp - variations of samples --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Augment.h"
#include "runtime/training/Error.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

using namespace sinter::training;

Augmentation sinter::training::parseAugmentation(const std::string &text) {
  Augmentation result;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == "flip") {
      result.flip = true;
    } else if (word == "normalize") {
      result.normalize = true;
    } else if (word.rfind("crop=", 0) == 0) {
      const char *end = word.data() + word.size();
      auto [rest, error] = std::from_chars(word.data() + 5, end, result.crop);
      if (error != std::errc() || rest != end || result.crop < 1)
        throw UsageError("--augment " + word + ": a number of pixels, as in crop=4");
    } else {
      throw UsageError("--augment " + word + ": there are flip, crop=PIXELS and normalize");
    }
  }
  return result;
}

static bool isScaled(const Column &column) { return !column.isTarget && !column.isInteger; }

std::vector<Scaling> sinter::training::measureScaling(Source &source, bool normalize,
                                                      int64_t limit) {
  const std::vector<Column> &columns = source.getColumns();
  std::vector<Scaling> scaling(columns.size());
  for (size_t c = 0; c < columns.size(); ++c)
    if (columns[c].isImage)
      scaling[c] = {{1.0f / 255}, {0}};
  if (!normalize)
    return scaling;
  if (!source.count())
    throw UsageError("--augment normalize needs data that can be read twice; a stream can't be");
  int64_t count = std::min(*source.count(), limit);
  std::vector<std::vector<double>> sums(columns.size()), squares(columns.size());
  std::vector<double> values(columns.size());
  Sample sample;
  for (int64_t i = 0; i < count; ++i) {
    source.read(i, sample);
    for (size_t c = 0; c < columns.size(); ++c) {
      if (!isScaled(columns[c]))
        continue;
      size_t channels = columns[c].shape.empty() ? 1 : columns[c].shape.back();
      if (channels == 0)
        continue;
      sums[c].resize(channels);
      squares[c].resize(channels);
      values[c] += static_cast<double>(sample[c].reals.size() / channels);
      for (size_t k = 0; k < sample[c].reals.size(); ++k) {
        double value = sample[c].reals[k];
        sums[c][k % channels] += value;
        squares[c][k % channels] += value * value;
      }
    }
  }
  for (size_t c = 0; c < columns.size(); ++c) {
    scaling[c].scale.resize(sums[c].size());
    scaling[c].shift.resize(sums[c].size());
    for (size_t k = 0; k < sums[c].size(); ++k) {
      double mean = sums[c][k] / values[c];
      double deviation = std::sqrt(std::max(0.0, squares[c][k] / values[c] - mean * mean));
      // What never varies stays 0.
      double scale = deviation > 1e-12 ? 1 / deviation : 1;
      scaling[c].scale[k] = static_cast<float>(scale);
      scaling[c].shift[k] = static_cast<float>(-mean * scale);
    }
  }
  return scaling;
}

void sinter::training::applyScaling(Sample &sample, const std::vector<Column> &columns,
                                    const std::vector<Scaling> &scaling) {
  for (size_t c = 0; c < columns.size(); ++c) {
    const Scaling &each = scaling[c];
    size_t channels = each.scale.size();
    if (channels == 0)
      continue;
    std::vector<float> &values = sample[c].reals;
    for (size_t i = 0; i < values.size(); ++i) {
      size_t k = channels == 1 ? 0 : i % channels;
      values[i] = values[i] * each.scale[k] + each.shift[k];
    }
  }
}

void sinter::training::augment(Sample &sample, const std::vector<Column> &columns,
                               const Augmentation &augmentation, Random random) {
  bool flip = augmentation.flip && random.below(2) == 1;
  int64_t down = 0, right = 0;
  if (augmentation.crop) {
    down = static_cast<int64_t>(random.below(2 * augmentation.crop + 1)) - augmentation.crop;
    right = static_cast<int64_t>(random.below(2 * augmentation.crop + 1)) - augmentation.crop;
  }
  if (!flip && !down && !right)
    return;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (!columns[c].isImage)
      continue;
    int64_t height = columns[c].shape[0], width = columns[c].shape[1],
            channels = columns[c].shape[2];
    std::vector<float> moved(sample[c].reals.size(), 0.0f);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        int64_t fromY = y + down, fromX = (flip ? width - 1 - x : x) + right;
        if (fromY < 0 || fromY >= height || fromX < 0 || fromX >= width)
          continue;
        std::copy_n(&sample[c].reals[(fromY * width + fromX) * channels], channels,
                    &moved[(y * width + x) * channels]);
      }
    sample[c].reals.swap(moved);
  }
}
