//===- FitTest.cpp - the training loop ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Fit.h"
#include "LinearStep.h"
#include "Testing.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/state/Checkpoint.h"
#include <cmath>
#include <csignal>

using namespace sinter::training;
using testing::HasSubstr;

namespace {
/// Runs of a classifier of two features on points of two classes.
class FitTest : public testing::Test {
protected:
  FitTest() {
    std::string text = "x,y,class\n";
    for (int i = 0; i < 90; ++i) {
      double x = std::sin(i * 1.7), y = std::cos(i * 2.9);
      text += std::to_string(x) + "," + std::to_string(y) + "," + (x + y > 0 ? "above" : "below") +
              "\n";
    }
    options.data = folder.write("points.csv", text);
    options.output = folder / "out";
    options.log = folder / "run.jsonl";
    options.validation = 0.2;
    options.batch = 8;
    options.epochs = 4;
    options.learningRate = 0.5;
  }

  FitStatus run(LinearStep &step) {
    Processes alone;
    std::FILE *out = std::fopen((folder / "out.txt").c_str(), "w");
    FitStatus status = fit(options, step, alone, out, error);
    std::fclose(out);
    said = readBytes(folder / "out.txt");
    return status;
  }
  std::string errorOfRun() {
    LinearStep step(2, 2);
    EXPECT_NE(run(step), FitStatus::Done);
    return error;
  }
  // The learning rate that each epoch ended with.
  std::vector<double> lastRates() {
    LinearStep step(2, 2);
    std::vector<double> rates;
    Position position = readCheckpoint(options.output + "/last.safetensors", step.getState());
    for (const EpochRecord &record : position.history)
      rates.push_back(record.learningRate);
    return rates;
  }
  std::vector<std::string> logLines() {
    std::ifstream file(options.log);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
      if (line.find("\"seconds\"") == std::string::npos) // the times differ
        lines.push_back(line);
    return lines;
  }

  Folder folder;
  FitOptions options;
  std::string error, said;
};
} // namespace

TEST_F(FitTest, LearnsAndReports) {
  options.metrics = {"top1", "exact", "perplexity"};
  options.epochs = 20;
  LinearStep step(2, 2);
  ASSERT_EQ(run(step), FitStatus::Done) << error;
  Position position = readCheckpoint(options.output + "/last.safetensors", step.getState());
  ASSERT_EQ(position.history.size(), 20u);
  EXPECT_LT(position.history.back().validationLoss, 0.25);
  EXPECT_GT(position.history.back().metrics[0], 0.9);
  const std::vector<double> &metrics = position.history.back().validationMetrics;
  ASSERT_EQ(metrics.size(), 4u);
  EXPECT_EQ(metrics[0], metrics[1]); // accuracy is top 1
  EXPECT_EQ(metrics[0], metrics[2]); // and, with one class a sample, exact
  EXPECT_NEAR(metrics[3], std::exp(position.history.back().validationLoss), 1e-9);
  std::string page = readBytes(options.output + "/report.html");
  EXPECT_THAT(page, HasSubstr("<polyline"));
  EXPECT_THAT(page, HasSubstr("<th>above</th>"));
  EXPECT_THAT(page, testing::Not(HasSubstr("http")));
  EXPECT_THAT(said, HasSubstr("epoch 20/20"));
  EXPECT_THAT(said, testing::Not(HasSubstr("\r")));
}

// Stopped after any number of steps and resumed, a run ends as one that was not stopped.
TEST_F(FitTest, ResumedRunsAreTheSameBitForBit) {
  options.augment = "normalize";
  options.schedule = "cosine";
  options.warmup = 3;
  LinearStep whole(2, 2);
  ASSERT_EQ(run(whole), FitStatus::Done) << error;
  std::vector<std::string> lines = logLines();
  EXPECT_EQ(lines.size(), 36u);
  std::vector<double> rates = lastRates();
  for (int stop : {1, 5, 9, 20, 35}) { // 9: an epoch's last step
    options.resume.clear();
    LinearStep first(2, 2);
    first.afterStep = [&](int steps) {
      if (steps == stop)
        raise(SIGINT);
    };
    ASSERT_EQ(run(first), FitStatus::Interrupted) << error;
    EXPECT_THAT(said, HasSubstr("stopped after step " + std::to_string(stop) + "; go on with"));
    options.resume = options.output + "/last.safetensors";
    LinearStep second(2, 2);
    ASSERT_EQ(run(second), FitStatus::Done) << error;
    EXPECT_EQ(whole.weights, second.weights) << "stopped after " << stop;
    EXPECT_EQ(logLines(), lines);
    EXPECT_EQ(lastRates(), rates);
  }
}

// Other bits are no reason to refuse, but to say so.
TEST_F(FitTest, AnotherLearningRateIsTold) {
  options.epochs = 1;
  LinearStep first(2, 2);
  ASSERT_EQ(run(first), FitStatus::Done) << error;
  options.resume = options.output + "/last.safetensors";
  options.epochs = 2;
  for (double rate : {0.5, 0.25}) {
    options.learningRate = rate;
    LinearStep second(2, 2);
    testing::internal::CaptureStderr();
    EXPECT_EQ(run(second), FitStatus::Done) << error;
    std::string warned = testing::internal::GetCapturedStderr();
    EXPECT_EQ(warned.empty(), rate == 0.5) << warned;
    if (rate != 0.5)
      EXPECT_THAT(warned, HasSubstr("the run began with\n  lr=0.5 schedule=constant warmup=0"));
  }
}

TEST_F(FitTest, StopsEarlyAndKeepsTheBest) {
  options.patience = 3;
  options.epochs = 100;
  options.learningRate = 40; // overshoots
  LinearStep step(2, 2);
  ASSERT_EQ(run(step), FitStatus::Done) << error;
  EXPECT_THAT(said, HasSubstr("stops early"));
  Position last = readCheckpoint(options.output + "/last.safetensors", step.getState());
  Position best = readCheckpoint(options.output + "/best.safetensors", step.getState());
  EXPECT_EQ(last.epoch, best.epoch + 3);
  EXPECT_EQ(last.bestLoss, best.history.back().validationLoss);
}

TEST_F(FitTest, Faults) {
  options.data = folder / "none.csv";
  EXPECT_THAT(errorOfRun(), HasSubstr("No such file"));
  options.data = folder.write("three.csv", "1,2,a\n3,4,b\n5,6,c\n1,1,a\n1,1,b\n");
  EXPECT_THAT(errorOfRun(), HasSubstr("'2' has 3 classes, and the model 2"));
  options.data = folder.write("nan.csv", "1,2,a\n3,nan,b\n5,6,a\n1,1,a\n1,1,b\n");
  EXPECT_THAT(errorOfRun(), HasSubstr("nan.csv:2: 'features' has NaN"));
  options.validation = 0;
  options.validationData = folder.write("four.csv", "1,2,a\n3,4,d\n");
  EXPECT_THAT(errorOfRun(), HasSubstr("four.csv has other classes"));
  options.validationData = "";
  options.data = folder.write("one.csv", "1,a\n2,b\n");
  EXPECT_THAT(errorOfRun(), HasSubstr("'features' [1] does not fit the model's 'x' [2]"));
}

TEST_F(FitTest, WrongUsage) {
  auto usage = [&](auto change) {
    FitOptions before = options;
    change();
    LinearStep step(2, 2);
    EXPECT_EQ(run(step), FitStatus::WrongUsage);
    options = before;
    return error;
  };
  EXPECT_THAT(usage([&] { options.validation = 1; }), HasSubstr("less than 1"));
  EXPECT_THAT(usage([&] { options.schedule = "sine"; }), HasSubstr("there is no 'sine'"));
  EXPECT_THAT(usage([&] { options.metrics = {"speed"}; }), HasSubstr("there are topK"));
  LinearStep step(2, 2);
  ASSERT_EQ(run(step), FitStatus::Done);
  options.resume = options.output + "/last.safetensors";
  EXPECT_THAT(usage([&] { options.batch = 9; }), HasSubstr("batch=8"));
  EXPECT_THAT(usage([&] { options.seed = 9; }), HasSubstr("seed=0"));
}

TEST_F(FitTest, ALossThatIsNoNumber) {
  LinearStep step(2, 2);
  step.afterStep = [&](int steps) {
    if (steps == 3)
      step.weights[0] = NAN;
  };
  options.checkpointSteps = 1;
  ASSERT_EQ(run(step), FitStatus::Fault);
  EXPECT_THAT(error, HasSubstr("the loss is nan in epoch 1, step 4"));
}
