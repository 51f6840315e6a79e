//===- Fit.cpp - the training loop ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Fit.h"
#include "runtime/training/Error.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/Prefetch.h"
#include "runtime/training/fit/Evaluation.h"
#include "runtime/training/fit/Interrupt.h"
#include "runtime/training/fit/Progress.h"
#include "runtime/training/fit/Report.h"
#include "runtime/training/fit/RunLog.h"
#include "runtime/training/fit/Schedule.h"
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

using namespace sinter::training;
using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point time) {
  return std::chrono::duration<double>(Clock::now() - time).count();
}

namespace {
/// One run, from its data to its report.
class Run {
public:
  Run(const FitOptions &options, Step &step, Processes &processes, std::FILE *out);
  FitStatus go();

private:
  void openData();
  void begin();
  FitStatus runEpoch();
  double rateOf(int64_t number) const; ///< of a step
  void trainBatch(const Batch &batch);
  void endEpoch(double seconds);
  void save(const std::string &name);
  void report();
  bool isFirst() const { return processes.getRank() == 0; }
  std::string setting() const;
  std::string learning() const;

  const FitOptions &options;
  Step &step;
  Processes &processes;
  Augmentation augmentation;
  Schedule schedule;
  Progress progress;
  std::optional<RunLog> log;
  std::optional<Interrupt> interrupt; ///< from when there is something to save

  Dataset data;
  Source *held = nullptr; ///< whose samples validate; null: none do
  std::optional<Order> trainingOrder, validationOrder;
  std::optional<Batches> trainingBatches, validationBatches;
  std::vector<std::string> predictionMetrics, metricNames, validationNames;

  Position position;
  Means means;                     ///< of the epoch
  std::optional<int64_t> perEpoch; ///< steps
  std::optional<Evaluation> last;  ///< of the model as it is now
  Clock::time_point saved = Clock::now();
};
} // namespace

Run::Run(const FitOptions &options, Step &step, Processes &processes, std::FILE *out)
    : options(options), step(step), processes(processes),
      augmentation(parseAugmentation(options.augment)),
      schedule(options.schedule,
               options.learningRate > 0 ? options.learningRate : step.getLearningRate(),
               options.warmup),
      progress(options.quiet || processes.getRank() ? nullptr : out, isatty(fileno(out)),
               options.epochs, step.getMetricNames()),
      predictionMetrics(options.metrics.empty() ? step.getPredictionMetrics() : options.metrics),
      metricNames(step.getMetricNames()) {
  validationNames = metricNames;
  for (const std::string &name : predictionMetrics)
    validationNames.push_back(PredictionMetric(name).getName());
}

// Everything that decides what the next step sees: a run goes on only with the same.
std::string Run::setting() const {
  std::string text = "model=" + step.getName() + " batch=" + std::to_string(options.batch) +
                     " validation=" + std::to_string(options.validation) +
                     " shuffle=" + std::to_string(options.shuffle) + " augment=" + options.augment +
                     (options.autoencode ? " autoencode" : "");
  auto samples = data.training->count();
  return text + " samples=" + (samples ? std::to_string(*samples) : "stream");
}

// What may change when a run goes on, but then the bits do.
std::string Run::learning() const {
  double rate = options.learningRate > 0 ? options.learningRate : step.getLearningRate();
  std::string text = "lr=" + formatNumber(rate) + " schedule=" + options.schedule +
                     " warmup=" + std::to_string(options.warmup);
  // The way down is as long as the run.
  if (schedule.needsEnd())
    text += " epochs=" + std::to_string(options.epochs);
  return text + " " + step.getRule();
}

void Run::openData() {
  if (processes.getCount() > 1 && isStandardInput(options.data))
    throw UsageError("--data " + options.data +
                     ": mpirun gives the standard input to one process only; give all of them a "
                     "file, or run one process");
  data = openDataset(options.data);
  if (!options.validationData.empty())
    data.validation = openDataset(options.validationData).training;
  if (data.validation && !data.validation->canRestart())
    throw UsageError("--validation-data: the standard input can't be read again each epoch; give a "
                     "file");
  if (data.validation && data.validation->getClassNames() != data.training->getClassNames())
    throw Error(options.validationData + " has other classes (or another alphabet) than " +
                options.data + "; both must have all of them");
  bool splits = options.validation > 0 && !data.validation;
  if (options.validation < 0 || options.validation >= 1)
    throw UsageError("--validation must be at least 0 and less than 1");
  if (options.validation > 0 && !splits)
    throw UsageError("--validation: the data brings its own validation set; leave this out");
  if (splits && !data.training->canRestart())
    throw UsageError("--validation: what comes on the standard input can't be kept for validation; "
                     "give --validation-data");
  held = splits ? data.training.get() : data.validation.get();

  OrderOptions order;
  order.seed = options.seed;
  order.shuffle = options.shuffle;
  order.heldOut = splits ? options.validation : 0;
  order.epochSamples = options.epochSamples;
  if (step.isStateful()) {
    if (options.shuffle || splits)
      throw UsageError("the model's layers keep a state from batch to batch: give --no-shuffle, "
                       "and samples to validate with by --validation-data");
    if (data.training->isContinuous())
      order.sequences = options.batch;
  }
  trainingOrder.emplace(*data.training, order);
  Feeds feeds = step.getFeeds();
  Binding binding = bind(*data.training, feeds, options.autoencode);
  std::vector<Scaling> scaling = measureScaling(*data.training, augmentation.normalize);
  BatchOptions batch;
  batch.size = options.batch;
  batch.seed = options.seed;
  batch.augmentation = augmentation;
  batch.rank = processes.getRank();
  batch.ranks = processes.getCount();
  if (batch.size % batch.ranks)
    throw UsageError("--batch " + std::to_string(batch.size) + " can't be shared by " +
                     std::to_string(batch.ranks) + " processes; give a multiple");
  if (int64_t fixed = step.getFixedBatch(); fixed && fixed * batch.ranks != batch.size)
    throw UsageError("the model's batch is fixed to " + std::to_string(fixed) + "; give --batch " +
                     std::to_string(fixed * batch.ranks));
  batch.keepPartial = step.getFixedBatch() == 0;
  trainingBatches.emplace(*trainingOrder, binding, scaling, batch);
  perEpoch = trainingBatches->count();
  if (perEpoch && *perEpoch == 0)
    throw Error(options.data + " has fewer samples than one batch of " +
                std::to_string(options.batch) + "; give more data, or a smaller --batch");
  if (!held)
    return;
  order.shuffle = false;
  order.validation = splits;
  order.sequences = step.isStateful() && held->isContinuous() ? options.batch : 0;
  order.heldOut = splits ? options.validation : 0;
  order.epochSamples = 0;
  validationOrder.emplace(*held, order);
  batch.augmentation = Augmentation();
  // Each process validates with the whole set: all must take the same decisions.
  batch.rank = 0;
  batch.ranks = 1;
  batch.size = options.batch / processes.getCount();
  validationBatches.emplace(*validationOrder, bind(*held, feeds, options.autoencode), scaling,
                            batch);
}

void Run::begin() {
  if (isFirst() && mkdir(options.output.c_str(), 0777) != 0 && errno != EEXIST)
    failOnFile("make folder", options.output);
  if (schedule.needsEnd() && !perEpoch)
    throw UsageError("--schedule " + options.schedule +
                     ": a stream's end is not known; take constant or step");
  step.init(options.seed);
  if (!data.training->getClassCounts().empty())
    step.setClassCounts(data.training->getClassCounts());
  if (processes.getCount() > 1)
    step.share(processes);
  position.seed = options.seed;
  position.setting = setting();
  position.learning = learning();
  if (!options.resume.empty()) {
    position = readCheckpoint(options.resume, step.getState());
    if (position.setting != setting() || position.seed != options.seed)
      throw UsageError("--resume " + options.resume + ": the run began with\n  " +
                       position.setting + " seed=" + std::to_string(position.seed) +
                       "\nand this one would go on with\n  " + setting() +
                       " seed=" + std::to_string(options.seed));
    if (!position.learning.empty() && position.learning != learning() && isFirst())
      std::fprintf(stderr,
                   "warning: --resume %s: the run began with\n  %s\nand goes on with\n  %s\n",
                   options.resume.c_str(), position.learning.c_str(), learning().c_str());
    position.learning = learning();
    if (perEpoch && position.batch > *perEpoch)
      throw Error(options.resume + ": its position is damaged (batch " +
                  std::to_string(position.batch) + " of " + std::to_string(*perEpoch) +
                  "); resume from another checkpoint");
    means.lossSum = position.lossSum;
    means.metricSums = position.metricSums;
    means.samples = position.samples;
    progress.say("goes on in epoch " + std::to_string(position.epoch + 1) + ", after step " +
                 std::to_string(position.step));
  }
  if (isFirst() && !data.training->getClassNames().empty())
    writeNames(options.output + "/classes.json", data.training->getClassNames());
  interrupt.emplace();
  log.emplace(isFirst() ? options.log : "", options.resume.empty() ? nullptr : &position);
}

void Run::save(const std::string &name) {
  saved = Clock::now();
  if (!isFirst())
    return;
  position.lossSum = means.lossSum;
  position.metricSums = means.metricSums;
  position.samples = means.samples;
  writeCheckpoint(options.output + "/" + name, step.getState(), position);
}

double Run::rateOf(int64_t number) const {
  int64_t total = perEpoch ? *perEpoch * options.epochs : -1;
  return schedule.rate(number, total, perEpoch.value_or(0));
}

void Run::trainBatch(const Batch &batch) {
  double rate = rateOf(position.step);
  StepResult result = step.train(batch, rate);
  if (processes.getCount() > 1) {
    // The mean over all samples of the step.
    auto weight = static_cast<double>(batch.size) / static_cast<double>(batch.global);
    std::vector<double> sums = {result.loss * weight};
    for (double metric : result.metrics)
      sums.push_back(metric * weight);
    processes.sum(sums.data(), sums.size());
    result.loss = sums[0];
    result.metrics.assign(sums.begin() + 1, sums.end());
  }
  if (!std::isfinite(result.loss))
    throw Error("the loss is " + formatNumber(result.loss) + " in epoch " +
                std::to_string(position.epoch + 1) + ", step " + std::to_string(position.step + 1) +
                ", with the learning rate " + formatNumber(rate) +
                "; try a smaller --lr, --warmup, or --augment normalize");
  log->step(position.step, position.epoch, rate, result.loss, metricNames, result.metrics);
  means.add(result, batch.global);
  ++position.batch;
  ++position.step;
  progress.update(position.batch, batch.global, means.loss(), means.metrics());
}

FitStatus Run::runEpoch() {
  Clock::time_point start = Clock::now();
  progress.startEpoch(position.epoch, perEpoch);
  if (position.batch == 0)
    step.resetStates();
  Prefetch prefetch(*trainingBatches, position.epoch, position.batch);
  auto stopped = [&] {
    save("last.safetensors");
    progress.say("stopped after step " + std::to_string(position.step) +
                 "; go on with the same command and --resume " + options.output +
                 "/last.safetensors");
    return FitStatus::Interrupted;
  };
  // One process need not wait for a stream's next sample; several stop at the same step.
  auto stops = [&] { return interrupt->signal() != 0 && processes.getCount() == 1; };
  for (Batch batch; prefetch.next(batch, stops);) {
    last.reset();
    trainBatch(batch);
    double stop = interrupt->signal() != 0;
    processes.sum(&stop, 1);
    if (stop > 0)
      return stopped();
    if ((options.checkpointSteps && position.step % options.checkpointSteps == 0) ||
        secondsSince(saved) > options.checkpointSeconds)
      save("last.safetensors");
  }
  if (stops())
    return stopped();
  if (means.samples == 0)
    throw Error(options.data + ": the stream has ended, before epoch " +
                std::to_string(position.epoch + 1) + "; give fewer --epochs");
  endEpoch(secondsSince(start));
  return FitStatus::Done;
}

void Run::endEpoch(double seconds) {
  EpochRecord record;
  record.epoch = position.epoch;
  record.seconds = seconds;
  record.learningRate = rateOf(position.step - 1);
  record.loss = means.loss();
  record.metrics = means.metrics();
  record.validationLoss = NAN;
  if (validationBatches) {
    last = evaluate(step, *validationBatches, predictionMetrics);
    record.validationLoss = last->loss;
    record.validationMetrics = last->metrics;
  }
  progress.endEpoch(record, validationNames);
  log->epoch(record, position.step - 1, metricNames, validationNames);
  position.history.push_back(record);
  ++position.epoch;
  position.batch = 0;
  means = Means();
  bool isBest = validationBatches && record.validationLoss < position.bestLoss;
  position.epochsSinceBest = isBest ? 0 : position.epochsSinceBest + 1;
  if (isBest) {
    position.bestLoss = record.validationLoss;
    save("best.safetensors");
  }
  save("last.safetensors");
}

void Run::report() {
  if (!isFirst())
    return;
  if (!last && validationBatches) // a run that went on after its end
    last = evaluate(step, *validationBatches, predictionMetrics);
  ReportContent content;
  content.title = "Training of " + step.getName();
  content.history = position.history;
  content.metricNames = metricNames;
  content.validationNames = validationNames;
  if (last)
    content.confusion = last->confusion;
  content.classNames = data.training->getClassNames();
  double seconds = 0;
  for (const EpochRecord &record : position.history)
    seconds += record.seconds;
  auto samples = trainingOrder->count();
  content.facts = {{"data", options.data},
                   {"samples", samples ? std::to_string(*samples) : "a stream"},
                   {"epochs", std::to_string(position.history.size())},
                   {"batch", std::to_string(options.batch)},
                   {"seed", std::to_string(options.seed)},
                   {"schedule", options.schedule},
                   {"time", formatDuration(seconds)}};
  if (std::isfinite(position.bestLoss))
    content.facts.emplace_back("least validation loss", formatNumber(position.bestLoss));
  writeReport(options.output + "/report.html", content);
}

FitStatus Run::go() {
  openData();
  begin();
  while (position.epoch < options.epochs) {
    FitStatus status = runEpoch();
    if (status != FitStatus::Done)
      return status;
    if (options.patience && validationBatches && position.epochsSinceBest >= options.patience) {
      progress.say("stops early: no better validation loss for " +
                   std::to_string(options.patience) + " epochs");
      break;
    }
  }
  report();
  progress.say("wrote " + options.output + "/report.html, " + options.output + "/last.safetensors" +
               (validationBatches ? ", " + options.output + "/best.safetensors" : ""));
  return FitStatus::Done;
}

FitStatus sinter::training::fit(const FitOptions &options, Step &step, Processes &processes,
                                std::FILE *out, std::string &error) {
  try {
    return Run(options, step, processes, out).go();
  } catch (const UsageError &fault) {
    error = fault.what();
    return FitStatus::WrongUsage;
  } catch (const std::exception &fault) {
    error = fault.what();
    return FitStatus::Fault;
  }
}
