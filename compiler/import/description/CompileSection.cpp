//===- CompileSection.cpp - loss, optimizer and metrics -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/CompileSection.h"
#include "compiler/import/description/Configuration.h"
#include "llvm/ADT/StringExtras.h"
#include <charconv>

using namespace sinter;
using namespace sinter::description;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace {
/// Settings that Sinter does not have, and the value at which they say nothing; none: any.
using Neutral = llvm::StringMap<std::optional<Value>>;

class SectionReader {
public:
  SectionReader(std::vector<std::string> &problems, std::vector<std::string> &warnings)
      : problems(problems), warnings(warnings) {}

  CompileSection read(const Object &section);

private:
  void problem(const Twine &message) { problems.push_back(("compile: " + message).str()); }
  std::string readNamed(const Value &value, StringRef what, const Neutral &neutral);
  std::string readSettings(const Object &config, StringRef what, const Neutral &neutral);
  std::string readLoss(const Value &value);
  void addMetric(const Value &value, std::vector<std::string> &metrics);

  std::vector<std::string> &problems, &warnings;
};
} // namespace

// The shortest text that reads as this number.
static std::string numberText(double number) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

// One name for what has several.
static std::string plainName(StringRef given) {
  static const std::pair<StringRef, StringRef> names[] = {
      {"mse", "mean_squared_error"},
      {"mae", "mean_absolute_error"},
      {"kld", "kl_divergence"},
      {"kullback_leibler_divergence", "kl_divergence"},
      {"SGD", "sgd"},
      {"RMSprop", "rmsprop"},
      {"AdamW", "adamw"}};
  for (auto [from, to] : names)
    if (given == from || given.equals_insensitive(from))
      return to.str();
  return snakeCase(given);
}

// key=number,…; settings of their `neutral` value say nothing.
std::string SectionReader::readSettings(const Object &config, StringRef what,
                                        const Neutral &neutral) {
  std::vector<std::string> texts;
  for (const auto &[key, value] : config) {
    auto found = neutral.find(StringRef(key));
    bool isName = StringRef(key) == "name" || StringRef(key) == "fn";
    bool isNeutral = found != neutral.end() && (!found->second || *found->second == value);
    // Keras 2's word for the usual reduction.
    bool isAuto = StringRef(key) == "reduction" && value == Value("auto");
    if (isName || isNeutral || isAuto || value.kind() == Value::Null)
      continue;
    auto number = value.getAsNumber();
    auto flag = value.getAsBoolean();
    auto only =
        found != neutral.end() && found->second ? found->second->getAsString() : std::nullopt;
    if (only)
      problem("'" + StringRef(key) + "' of the " + what + " should be " + *only);
    else if (found != neutral.end())
      problem("'" + StringRef(key) + "' of the " + what + " is not supported");
    else if (number)
      texts.push_back(StringRef(key).str() + "=" + numberText(*number));
    else if (flag)
      texts.push_back(StringRef(key).str() + "=" + (*flag ? "1" : "0"));
    else if (StringRef(key) == "learning_rate")
      problem("'learning_rate' should be a number; give sinter fit --schedule");
    else
      problem("'" + StringRef(key) + "' of the " + what + " should be a number");
  }
  llvm::sort(texts);
  return llvm::join(texts, ",");
}

// "adam", "adam:beta_1=0.8", {class_name, config}, or {adam: {beta_1: 0.8}}.
std::string SectionReader::readNamed(const Value &value, StringRef what, const Neutral &neutral) {
  if (auto text = value.getAsString()) {
    auto [name, settings] = text->split(':');
    return plainName(name) + (settings.empty() ? "" : ":" + settings.str());
  }
  const auto *object = value.getAsObject();
  std::string name;
  const Value *config = nullptr;
  if (object && object->getString("class_name")) {
    name = object->getString("class_name")->str();
    config = object->get("config");
    if (name == "function" && config && config->getAsString())
      return plainName(*config->getAsString());
  } else if (object && object->size() == 1) {
    name = StringRef(object->begin()->first).str();
    config = &object->begin()->second;
  } else {
    problem("the " + what + " should be a name, or a name and its settings");
    return {};
  }
  const auto *settings = config ? config->getAsObject() : nullptr;
  if (config && !settings && config->kind() != Value::Null) {
    problem("the " + what + " '" + name + "' should have settings with names");
    return {};
  }
  std::string text = settings ? readSettings(*settings, what, neutral) : "";
  return plainName(name) + (text.empty() ? "" : ":" + text);
}

std::string SectionReader::readLoss(const Value &value) {
  // Of a model with one output.
  if (const auto *list = value.getAsArray()) {
    if (list->size() == 1)
      return readLoss(list->front());
    problem("losses of several outputs are not supported");
    return {};
  }
  static const Neutral neutral{{"reduction", Value("sum_over_batch_size")},
                               {"dtype", std::nullopt},
                               {"axis", Value(-1)},
                               {"ignore_class", Value(nullptr)}};
  return readNamed(value, "loss", neutral);
}

// As `sinter fit --metrics` calls them; accuracy comes with a loss of classes.
void SectionReader::addMetric(const Value &value, std::vector<std::string> &metrics) {
  if (const auto *list = value.getAsArray()) {
    for (const Value &each : *list)
      addMetric(each, metrics);
    return;
  }
  const auto *object = value.getAsObject();
  const auto *config = object ? object->getObject("config") : nullptr;
  auto given = object ? object->getString("class_name") : value.getAsString();
  std::string name = given ? plainName(*given) : "";
  if (llvm::is_contained({"accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy"},
                         name))
    return;
  bool isTop = name == "sparse_top_k_categorical_accuracy" || name == "top_k_categorical_accuracy";
  if (isTop)
    metrics.push_back("top" + std::to_string(config ? config->getInteger("k").value_or(5) : 5));
  else if (name == "mean_absolute_error")
    metrics.push_back("mae");
  else if (name == "perplexity" || name == "exact" || StringRef(name).starts_with("top"))
    metrics.push_back(name);
  else
    warnings.push_back("compile: metric '" + (name.empty() ? "?" : name) +
                       "' is none of Sinter's and is left out");
}

CompileSection SectionReader::read(const Object &section) {
  CompileSection result;
  auto find = [&](StringRef key) {
    const Value *value = section.get(key);
    return value && value->kind() != Value::Null ? value : nullptr;
  };
  const Value *optimizer = find("optimizer") ? find("optimizer") : find("optimizer_config");
  if (optimizer) {
    static const Neutral neutral{{"use_ema", Value(false)},
                                 {"amsgrad", Value(false)},
                                 {"centered", Value(false)},
                                 {"decay", Value(0.0)},
                                 {"ema_momentum", std::nullopt},
                                 {"jit_compile", std::nullopt},
                                 {"is_legacy_optimizer", std::nullopt},
                                 {"ema_overwrite_frequency", Value(nullptr)},
                                 {"loss_scale_factor", Value(nullptr)},
                                 {"gradient_accumulation_steps", Value(nullptr)}};
    result.optimizer = readNamed(*optimizer, "optimizer", neutral);
  }
  if (const Value *loss = find("loss"))
    result.loss = readLoss(*loss);
  if (const Value *metrics = find("metrics"))
    addMetric(*metrics, result.metrics);
  for (const auto &[key, value] : section) {
    StringRef name = key;
    if (value.kind() == Value::Null)
      continue;
    if (name == "loss_weights" || name == "sample_weight_mode")
      problem("'" + name + "' is not supported");
    else if (!llvm::is_contained({"optimizer", "optimizer_config", "loss", "metrics",
                                  "weighted_metrics", "run_eagerly", "steps_per_execution",
                                  "jit_compile", "auto_scale_loss"},
                                 name))
      problem("there is no '" + name + "'; it has optimizer, loss and metrics");
  }
  return result;
}

mlir::DictionaryAttr CompileSection::toAttribute(mlir::MLIRContext &context) const {
  mlir::Builder b(&context);
  llvm::SmallVector<mlir::NamedAttribute> members;
  auto add = [&](StringRef name, const std::string &text) {
    if (!text.empty())
      members.push_back(b.getNamedAttr(name, b.getStringAttr(text)));
  };
  add("loss", loss);
  add("metrics", llvm::join(metrics, ","));
  add("optimizer", optimizer);
  return members.empty() ? mlir::DictionaryAttr() : b.getDictionaryAttr(members);
}

CompileSection sinter::description::readCompileSection(const Value &model,
                                                       std::vector<std::string> &problems,
                                                       std::vector<std::string> &warnings) {
  const auto *root = model.getAsObject();
  for (StringRef key : {"compile_config", "training_config", "compile"}) {
    const Value *section = root ? root->get(key) : nullptr;
    if (!section || section->kind() == Value::Null)
      continue;
    if (const auto *members = section->getAsObject())
      return SectionReader(problems, warnings).read(*members);
    problems.push_back(("'" + key + "' should have optimizer, loss and metrics").str());
  }
  return {};
}
