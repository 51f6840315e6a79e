//===- BatchesTest.cpp - samples as the model takes them ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Numbers.h"
#include "Testing.h"
#include "runtime/training/data/Prefetch.h"
#include <cmath>
#include <set>

using namespace sinter::training;
using testing::HasSubstr;

namespace {
/// One sample with any columns.
class OneSample : public Source {
public:
  OneSample(std::vector<Column> given, Sample sample) : sample(std::move(sample)) {
    columns = std::move(given);
  }
  std::optional<int64_t> count() const override { return 1; }
  bool read(int64_t, Sample &to) override {
    to = sample;
    return true;
  }
  std::string where(int64_t) const override { return "file:7"; }
  Sample sample;
};
} // namespace

static Column column(const std::string &name, std::vector<int64_t> shape) {
  Column result;
  result.name = name;
  result.shape = std::move(shape);
  return result;
}
static Column target(int64_t classes) {
  Column result = column("label", {});
  result.isInteger = result.isTarget = true;
  result.classes = classes;
  return result;
}
static Slot slot(const std::string &name, ElementType type, std::vector<int64_t> shape,
                 int64_t classes = 0) {
  Slot result;
  result.name = name;
  result.type = type;
  result.shape = std::move(shape);
  result.classes = classes;
  return result;
}

// The only batch of a source of one sample.
static Batch batchOf(Source &source, const Feeds &feeds) {
  Order order(source, {});
  Batches batches(order, bind(source, feeds), measureScaling(source, false), {});
  batches.start(0, 0);
  Batch batch;
  EXPECT_TRUE(batches.next(batch));
  return batch;
}

static std::vector<float> floats(const Tensor &tensor) {
  return std::vector<float>(tensor.as<float>(), tensor.as<float>() + countElements(tensor.shape));
}

TEST(Binding, PicturesInEitherOrder) {
  Column image = column("image", {1, 2, 3});
  image.isImage = true;
  OneSample source({image, target(10)}, {{{0, 51, 102, 153, 204, 255}, {}}, {{}, {4}}});
  Slot label = slot("target", ElementType::I64, {}, 10);
  Batch batch = batchOf(source, {{slot("x", ElementType::F32, {1, 2, 3})}, label});
  EXPECT_EQ(batch.inputs[0].shape, (std::vector<int64_t>{1, 1, 2, 3}));
  EXPECT_FLOAT_EQ(floats(batch.inputs[0])[1], 0.2f);
  EXPECT_EQ(batch.target.as<int64_t>()[0], 4);
  batch = batchOf(source, {{slot("x", ElementType::F32, {3, -1, 2})}, label});
  EXPECT_EQ(batch.inputs[0].shape, (std::vector<int64_t>{1, 3, 1, 2}));
  EXPECT_FLOAT_EQ(floats(batch.inputs[0])[1], 0.6f);
  // Flat.
  batch = batchOf(source, {{slot("x", ElementType::F64, {6})}, label});
  EXPECT_NEAR(batch.inputs[0].as<double>()[5], 1, 1e-6);
}

TEST(Binding, TargetsAsClassesVectorsAndNumbers) {
  OneSample source({column("x", {1}), target(3)}, {{{1}, {}}, {{}, {2}}});
  Slot x = slot("x", ElementType::F32, {1});
  EXPECT_EQ(floats(batchOf(source, {{x}, slot("t", ElementType::F32, {3})}).target),
            (std::vector<float>{0, 0, 1}));
  EXPECT_EQ(batchOf(source, {{x}, slot("t", ElementType::I32, {}, 3)}).target.as<int32_t>()[0], 2);
  EXPECT_EQ(floats(batchOf(source, {{x}, slot("t", ElementType::F32, {1})}).target),
            (std::vector<float>{2}));
}

TEST(Binding, ByNameOrElseByPosition) {
  OneSample source({column("a", {1}), column("b", {1}), target(0)},
                   {{{1}, {}}, {{2}, {}}, {{}, {0}}});
  Slot label = slot("t", ElementType::I64, {});
  auto first = [&](const std::string &one, const std::string &two) {
    Feeds feeds = {{slot(one, ElementType::F32, {1}), slot(two, ElementType::F32, {1})}, label};
    return floats(batchOf(source, feeds).inputs[0])[0];
  };
  EXPECT_EQ(first("b", "a"), 2);
  EXPECT_EQ(first("q", "a"), 1);
}

TEST(Binding, Faults) {
  Column image = column("image", {28, 28, 1});
  image.isImage = true;
  OneSample source({image, target(12)}, {});
  auto error = [&](std::vector<Slot> inputs, const Slot &label) {
    return errorOf([&] { bind(source, {std::move(inputs), label}); });
  };
  Slot x = slot("x", ElementType::F32, {28, 28, 1}), label = slot("t", ElementType::I64, {}, 10);
  EXPECT_THAT(error({slot("x", ElementType::F32, {32, 32, 3})}, label),
              HasSubstr("the data's 'image' [28,28,1] does not fit the model's 'x' [32,32,3]"));
  EXPECT_THAT(error({x}, label), HasSubstr("'label' has 12 classes, and the model 10"));
  EXPECT_THAT(error({x, x}, label), HasSubstr("and the model takes 'x' [28,28,1], 'x' [28,28,1]"));
  source = OneSample({image}, {});
  EXPECT_THAT(error({x}, label),
              HasSubstr("the data has 'image' [28,28,1] and no target; name it"));
}

// A model that gives its input back needs no target.
TEST(Binding, Autoencodes) {
  OneSample source({column("x", {2}), target(3)}, {{{1, 2}, {}}, {{}, {2}}});
  Slot x = slot("input", ElementType::F32, {2}), same = slot("target", ElementType::F32, {2, 1});
  Binding binding = bind(source, {{x}, same}, /*autoencode=*/true);
  EXPECT_EQ(binding.inputs[0].column, 0u);
  EXPECT_EQ(binding.target.column, 0u);
  OneSample two({column("x", {2}), column("z", {2})}, {});
  EXPECT_THAT(errorOf([&] {
                bind(two, {{x}, same}, true);
              }),
              HasSubstr("--autoencode is for data and models of one input; the data has 'x' [2], "
                        "'z' [2], and the model takes 'input' [2]"));
  EXPECT_THAT(errorOf([&] {
                bind(source, {{x}, slot("t", ElementType::F32, {3})}, true);
              }),
              HasSubstr("the data's 'x' [2] does not fit the model's 't' [3]"));
}

TEST(Binding, FaultsOfSamples) {
  OneSample source({column("x", {2}), column("y", {})}, {{{1, NAN}, {}}, {{1}, {}}});
  std::vector<Column> columns = source.getColumns();
  columns[1].isTarget = true;
  auto error = [&](float second, float label) {
    OneSample bad(columns, {{{1, second}, {}}, {{label}, {}}});
    return errorOf([&] {
      batchOf(bad, {{slot("x", ElementType::F32, {2})}, slot("t", ElementType::I64, {}, 3)});
    });
  };
  EXPECT_EQ(error(1, 2), "");
  EXPECT_THAT(error(NAN, 2), HasSubstr("file:7: 'x' has NaN"));
  EXPECT_THAT(error(-INFINITY, 2), HasSubstr("file:7: 'x' has infinity"));
  EXPECT_THAT(error(1, 3), HasSubstr("file:7: label 3 of 'y' is not between 0 and 2"));
  EXPECT_THAT(error(1, -1), HasSubstr("label -1"));
  EXPECT_THAT(error(1, 0.5), HasSubstr("takes whole numbers"));
}

TEST(Augment, Settings) {
  Augmentation all = parseAugmentation("flip,crop=2,normalize");
  EXPECT_TRUE(all.flip && all.normalize);
  EXPECT_EQ(all.crop, 2);
  EXPECT_THAT(errorOf([] { parseAugmentation("turn"); }), HasSubstr("there are flip"));
  EXPECT_THAT(errorOf([] { parseAugmentation("crop=x"); }), HasSubstr("a number of pixels"));
}

TEST(Augment, FlipsAndMoves) {
  Column image = column("image", {1, 3, 1});
  image.isImage = true;
  std::set<std::vector<float>> flips, moves;
  for (int i = 0; i < 64; ++i) {
    Sample sample = {{{1, 2, 3}, {}}};
    augment(sample, {image}, parseAugmentation("flip"), Random(1, Purpose::Augment, i));
    flips.insert(sample[0].reals);
    sample = {{{1, 2, 3}, {}}};
    augment(sample, {image}, parseAugmentation("crop=1"), Random(1, Purpose::Augment, i));
    moves.insert(sample[0].reals);
  }
  EXPECT_EQ(flips, (std::set<std::vector<float>>{{1, 2, 3}, {3, 2, 1}}));
  EXPECT_EQ(moves, (std::set<std::vector<float>>{{1, 2, 3}, {2, 3, 0}, {0, 1, 2}, {0, 0, 0}}));
}

TEST(Augment, Normalizes) {
  Numbers source(5);
  std::vector<Scaling> scaling = measureScaling(source, true);
  Sample sample = readSample(source, 4);
  applyScaling(sample, source.getColumns(), scaling);
  EXPECT_FLOAT_EQ(sample[0].reals[0], std::sqrt(2.0f));
  EXPECT_EQ(sample[1].integers[0], 1);
  Numbers stream(5, true);
  EXPECT_THAT(errorOf([&] { measureScaling(stream, true); }), HasSubstr("a stream can't be"));
}

static const Feeds NumberFeeds = {{slot("x", ElementType::F32, {1})},
                                  slot("t", ElementType::I64, {}, 3)};

// All x of an epoch from batch `first` on, batch by batch.
static std::vector<std::vector<float>> batchesOf(Source &source, BatchOptions options,
                                                 int64_t first = 0) {
  Order order(source, {});
  Batches batches(order, bind(source, NumberFeeds), measureScaling(source, false), options);
  Prefetch prefetch(batches, 1, first);
  std::vector<std::vector<float>> all;
  for (Batch batch; prefetch.next(batch);)
    all.push_back(floats(batch.inputs[0]));
  if (first == 0)
    EXPECT_EQ(batches.count(), static_cast<int64_t>(all.size()));
  return all;
}

TEST(Batches, PartialGoOnAndShares) {
  Numbers source(10);
  BatchOptions options;
  options.size = 4;
  auto whole = batchesOf(source, options);
  ASSERT_EQ(whole.size(), 3u);
  EXPECT_EQ(whole[2].size(), 2u);
  EXPECT_EQ(batchesOf(source, options, 1), decltype(whole)(whole.begin() + 1, whole.end()));
  // Two processes have the halves of the same batches.
  options.ranks = 2;
  auto left = batchesOf(source, options);
  options.rank = 1;
  auto right = batchesOf(source, options);
  for (size_t i = 0; i < whole.size(); ++i) {
    left[i].insert(left[i].end(), right[i].begin(), right[i].end());
    EXPECT_EQ(left[i], whole[i]);
  }
  options.keepPartial = false;
  EXPECT_EQ(batchesOf(source, options).size(), 2u);
}

TEST(Batches, NoProcessIsWithoutSamples) {
  Numbers source(9);
  BatchOptions options;
  options.size = 4;
  options.ranks = 2;
  for (options.rank = 0; options.rank < 2; ++options.rank)
    EXPECT_EQ(batchesOf(source, options).size(), 2u);
}

TEST(Prefetch, StopsEarlyAndTellsFaults) {
  Numbers source(1000);
  Order order(source, {});
  Batches batches(order, bind(source, NumberFeeds), measureScaling(source, false), {});
  {
    Prefetch prefetch(batches, 0, 0);
    Batch batch;
    EXPECT_TRUE(prefetch.next(batch));
  }
  Feeds two = NumberFeeds;
  two.target.classes = 3;
  Binding binding = bind(source, two);
  binding.target.slot.classes = 2; // label 2 will be out of range
  Batches bad(order, binding, measureScaling(source, false), {});
  Prefetch prefetch(bad, 0, 0);
  Batch batch;
  EXPECT_THAT(errorOf([&] {
                while (prefetch.next(batch)) {
                }
              }),
              HasSubstr("label 2 of 'y' is not between 0 and 1"));
}
