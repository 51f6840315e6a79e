//===- SafetensorsTest.cpp - checkpoints ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/state/Safetensors.h"
#include "Testing.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/state/Checkpoint.h"
#include <cmath>

using namespace sinter::training;
using testing::HasSubstr;

namespace {
/// A parameter and a step in a checkpoint.
class CheckpointTest : public testing::Test {
protected:
  Folder folder;
  std::string path = folder / "a.safetensors";
  std::vector<float> kernel = {1, 2.5, -3, 4, 5, NAN};
  int64_t step = 17;

  std::vector<TensorView> state() {
    return {{"kernel", ElementType::F32, {2, 3}, kernel.data()},
            {"step", ElementType::I64, {}, &step}};
  }
  static Position position() {
    Position result;
    result.seed = UINT64_MAX;
    result.epoch = 3;
    result.batch = 4;
    result.step = 17;
    result.lossSum = 0.1 + 0.2;
    result.metricSums = {1.5};
    result.setting = "mlp";
    EpochRecord record;
    record.epoch = 2;
    record.loss = 0.5;
    record.validationLoss = NAN;
    record.metrics = {0.25};
    result.history = {record};
    return result;
  }
  std::string error() {
    return errorOf([&] { readCheckpoint(path, state()); });
  }
};
} // namespace

TEST_F(CheckpointTest, DamagedPositions) {
  auto damaged = [&](auto change) {
    Position wrong = position();
    change(wrong);
    writeCheckpoint(path, state(), wrong);
    return error();
  };
  EXPECT_THAT(damaged([](Position &p) { p.batch = -1; }),
              HasSubstr("its position is damaged (batch is -1)"));
  EXPECT_THAT(damaged([](Position &p) { p.epoch = INT64_MIN; }), HasSubstr("(epoch is -9223"));
  EXPECT_THAT(damaged([](Position &p) { p.step = INT64_MAX; }), HasSubstr("(step is 9223"));
  EXPECT_THAT(damaged([](Position &p) { p.samples = -7; }), HasSubstr("(samples is -7"));
  EXPECT_EQ(damaged([](Position &) {}), "");
}

TEST_F(CheckpointTest, RoundTrip) {
  writeCheckpoint(path, state(), position());
  std::vector<float> before = kernel;
  kernel.assign(6, 0);
  step = 0;
  Position read = readCheckpoint(path, state());
  EXPECT_EQ(std::memcmp(before.data(), kernel.data(), 24), 0);
  EXPECT_EQ(step, 17);
  EXPECT_EQ(read.seed, UINT64_MAX);
  EXPECT_EQ(read.epoch, 3);
  EXPECT_EQ(read.batch, 4);
  EXPECT_EQ(read.lossSum, 0.1 + 0.2); // bit for bit
  EXPECT_EQ(read.bestLoss, INFINITY);
  EXPECT_EQ(read.setting, "mlp");
  ASSERT_EQ(read.history.size(), 1u);
  EXPECT_TRUE(std::isnan(read.history[0].validationLoss));
  EXPECT_EQ(read.history[0].metrics, (std::vector<double>{0.25}));
  EXPECT_FALSE(isFile(path + ".part"));
}

// No prefix of a file, and no file with more behind it, is taken for a whole one.
TEST_F(CheckpointTest, TruncatedAnywhere) {
  writeCheckpoint(path, state(), position());
  std::string whole = readBytes(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    folder.write("a.safetensors", whole.substr(0, size));
    kernel[0] = 42;
    ASSERT_THAT(error(), HasSubstr("is no whole safetensors file")) << size << " bytes";
    ASSERT_EQ(kernel[0], 42) << "a file at fault has changed the state";
  }
  folder.write("a.safetensors", whole + "x");
  EXPECT_THAT(error(), HasSubstr("1 bytes too many"));
}

TEST_F(CheckpointTest, Damaged) {
  auto file = [&](const std::string &header, const std::string &data) {
    std::string length(8, '\0');
    length[0] = static_cast<char>(header.size());
    folder.write("a.safetensors", length + header + data);
    return errorOf([&] { readSafetensors(path); });
  };
  EXPECT_THAT(file("[]", ""), HasSubstr("no JSON object"));
  EXPECT_THAT(file("{", ""), HasSubstr("its header is damaged"));
  EXPECT_THAT(file(R"({"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}})", "x"),
              HasSubstr("element type F8"));
  EXPECT_THAT(file(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234"),
              HasSubstr("strange shape"));
  EXPECT_THAT(file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234"),
              HasSubstr("not where"));
  EXPECT_THAT(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "12345678"),
              HasSubstr("not where"));
  EXPECT_THAT(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "123"),
              HasSubstr("within tensor 'a'"));
  EXPECT_THAT(file(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", "1234"),
              HasSubstr("its header is damaged"));
  EXPECT_EQ(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"), "");
}

TEST_F(CheckpointTest, OfAnotherModel) {
  writeCheckpoint(path, state(), position());
  auto read = [&](std::vector<TensorView> other) {
    return errorOf([&] { readCheckpoint(path, other); });
  };
  EXPECT_THAT(read({{"bias", ElementType::F32, {3}, nullptr}}), HasSubstr("has no 'bias', F32[3]"));
  EXPECT_THAT(read({{"kernel", ElementType::F32, {3, 2}, nullptr}}),
              HasSubstr("'kernel' is F32[2,3], and the model's is F32[3,2]"));
  EXPECT_THAT(read({state()[0]}), HasSubstr("has 2 tensors, and the model 1"));
  writeSafetensors(path, state(), {});
  EXPECT_THAT(error(), HasSubstr("is no checkpoint of sinter fit"));
  EXPECT_THAT(errorOf([&] { readCheckpoint(folder / "none", state()); }),
              HasSubstr("No such file"));
}

TEST_F(CheckpointTest, AWriteThatFailsLeavesTheOldFile) {
  writeCheckpoint(path, state(), position());
  std::string before = readBytes(path);
  std::filesystem::create_directory(path + ".part"); // nothing can be written there
  EXPECT_THAT(errorOf([&] { writeCheckpoint(path, state(), position()); }),
              HasSubstr("can't write"));
  EXPECT_EQ(readBytes(path), before);
}
