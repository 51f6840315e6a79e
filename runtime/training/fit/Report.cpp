//===- Report.cpp - a run as a page ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Report.h"
#include "runtime/training/fit/Progress.h"
#include "runtime/training/state/AtomicFile.h"
#include <algorithm>
#include <cmath>

using namespace sinter::training;

static std::string escape(const std::string &text) {
  std::string result;
  for (char c : text) {
    switch (c) {
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '&':
      result += "&amp;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  }
  return result;
}

namespace {
/// One line of a chart: a value an epoch, NaN where there is none.
struct Curve {
  std::string name, color;
  std::vector<double> values;
};
} // namespace

static constexpr double Width = 520, Height = 240, Left = 60, Bottom = 30, Top = 10, Right = 10;
static const char *const TrainingColor = "#2563eb", *const ValidationColor = "#ea580c";

// Round numbers between the two, about four of them.
static std::vector<double> ticks(double low, double high) {
  double rough = (high - low) / 4, power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (double factor : {2.0, 5.0, 10.0})
    if (step < rough)
      step = power * factor;
  std::vector<double> result;
  for (double at = std::ceil(low / step) * step; at <= high + step * 1e-9; at += step)
    result.push_back(std::abs(at) < step * 1e-9 ? 0 : at);
  return result;
}

static std::string text(double x, double y, const char *anchor, const std::string &words) {
  return "<text x=\"" + formatNumber(x) + "\" y=\"" + formatNumber(y) + "\" text-anchor=\"" +
         anchor + "\">" + escape(words) + "</text>\n";
}

static std::string chart(const std::string &title, const std::vector<Curve> &curves) {
  double low = INFINITY, high = -INFINITY;
  size_t epochs = 0;
  for (const Curve &curve : curves)
    for (double value : curve.values)
      if (std::isfinite(value)) {
        low = std::min(low, value);
        high = std::max(high, value);
        epochs = std::max(epochs, curve.values.size());
      }
  if (epochs == 0)
    return "";
  if (high - low < 1e-12) {
    low -= std::max(1e-3, std::abs(low) * 0.1);
    high += std::max(1e-3, std::abs(high) * 0.1);
  }
  auto x = [&](size_t epoch) {
    double part = epochs > 1 ? static_cast<double>(epoch) / static_cast<double>(epochs - 1) : 0.5;
    return Left + part * (Width - Left - Right);
  };
  auto y = [&](double value) {
    return Top + (high - value) / (high - low) * (Height - Top - Bottom);
  };
  std::string svg = "<figure><figcaption>" + escape(title) + "</figcaption>\n<svg viewBox=\"0 0 " +
                    formatNumber(Width) + " " + formatNumber(Height) + "\" role=\"img\">\n";
  for (double tick : ticks(low, high)) {
    svg += "<path class=\"grid\" d=\"M" + formatNumber(Left) + " " + formatNumber(y(tick)) + "H" +
           formatNumber(Width - Right) + "\"/>\n";
    svg += text(Left - 6, y(tick) + 4, "end", formatNumber(tick));
  }
  size_t stride = std::max<size_t>(1, (epochs + 9) / 10);
  for (size_t epoch = 0; epoch < epochs; epoch += stride)
    svg += text(x(epoch), Height - 8, "middle", std::to_string(epoch + 1));
  double legend = Left + 8;
  for (const Curve &curve : curves) {
    std::string points;
    for (size_t i = 0; i < curve.values.size(); ++i) {
      if (!std::isfinite(curve.values[i]))
        continue;
      std::string place = formatNumber(x(i)) + "," + formatNumber(y(curve.values[i]));
      points += (points.empty() ? "" : " ") + place;
      svg += "<circle r=\"2.5\" fill=\"" + curve.color + "\" cx=\"" + formatNumber(x(i)) +
             "\" cy=\"" + formatNumber(y(curve.values[i])) + "\"><title>epoch " +
             std::to_string(i + 1) + ": " + formatNumber(curve.values[i]) + "</title></circle>\n";
    }
    if (points.empty())
      continue;
    svg += "<polyline fill=\"none\" stroke=\"" + curve.color + "\" points=\"" + points + "\"/>\n";
    svg += "<rect width=\"12\" height=\"3\" fill=\"" + curve.color + "\" x=\"" +
           formatNumber(legend) + "\" y=\"15\"/>\n" + text(legend + 17, 20, "start", curve.name);
    legend += 110;
  }
  return svg + "</svg></figure>\n";
}

// The training's and the validation's values of one metric; `name` may be in one alone.
static std::string metricChart(const ReportContent &content, const std::string &name) {
  auto find = [&](const std::vector<std::string> &names) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  Curve training = {"training", TrainingColor, {}},
        validation = {"validation", ValidationColor, {}};
  size_t t = find(content.metricNames), v = find(content.validationNames);
  for (const EpochRecord &record : content.history) {
    training.values.push_back(t < record.metrics.size() ? record.metrics[t] : NAN);
    validation.values.push_back(v < record.validationMetrics.size() ? record.validationMetrics[v]
                                                                    : NAN);
  }
  return chart(name, {training, validation});
}

static std::string confusionTable(const ReportContent &content) {
  if (content.confusion.empty())
    return "";
  auto name = [&](size_t i) {
    return escape(i < content.classNames.size() ? content.classNames[i] : std::to_string(i));
  };
  std::string html = "<h2>Confusion matrix</h2>\n<p>Rows: the class. Columns: what the model said. "
                     "The last column: how many of the class were found.</p>\n<div class=\"wide\">"
                     "<table class=\"confusion\"><tr><th></th>";
  size_t classes = content.confusion.size();
  for (size_t i = 0; i < classes; ++i)
    html += "<th>" + name(i) + "</th>";
  html += "<th>found</th></tr>\n";
  for (size_t i = 0; i < classes; ++i) {
    int64_t all = 0;
    for (int64_t count : content.confusion[i])
      all += count;
    html += "<tr><th>" + name(i) + "</th>";
    for (size_t j = 0; j < classes; ++j) {
      int64_t count = content.confusion[i][j];
      double part = all ? static_cast<double>(count) / static_cast<double>(all) : 0;
      html += "<td style=\"background:rgba(" + std::string(i == j ? "37,99,235," : "220,38,38,") +
              formatNumber(part) + ")\">" + std::to_string(count) + "</td>";
    }
    double found =
        all ? 100.0 * static_cast<double>(content.confusion[i][i]) / static_cast<double>(all) : 0;
    html += "<td>" + (all ? formatNumber(found) + " %" : "") + "</td></tr>\n";
  }
  return html + "</table></div>\n";
}

static const char *const Style = R"(<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
figure{display:inline-block;width:520px;max-width:100%;margin:0 1rem 1rem 0}figcaption{font-weight:600}
svg{width:100%}svg text{font-size:11px;fill:#555}.grid{stroke:#e5e7eb}polyline{stroke-width:1.5}
table{border-collapse:collapse}td,th{padding:.15rem .6rem;text-align:right;font-weight:400}
th{color:#555}.facts th{text-align:left}.facts td{text-align:left}.wide{overflow-x:auto}
.confusion td{border:1px solid #e5e7eb}
</style>
)";

void sinter::training::writeReport(const std::string &path, const ReportContent &content) {
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>" +
                     escape(content.title) + "</title>\n" + Style + "<h1>" + escape(content.title) +
                     "</h1>\n<table class=\"facts\">\n";
  for (auto &[name, value] : content.facts)
    html += "<tr><th>" + escape(name) + "</th><td>" + escape(value) + "</td></tr>\n";
  html += "</table>\n<h2>Curves, by epoch</h2>\n";
  Curve training = {"training", TrainingColor, {}},
        validation = {"validation", ValidationColor, {}};
  Curve rate = {"learning rate", TrainingColor, {}};
  for (const EpochRecord &record : content.history) {
    training.values.push_back(record.loss);
    validation.values.push_back(record.validationLoss);
    rate.values.push_back(record.learningRate);
  }
  html += chart("loss", {training, validation});
  std::vector<std::string> names = content.metricNames;
  for (const std::string &name : content.validationNames)
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  for (const std::string &name : names)
    html += metricChart(content, name);
  html += chart("learning rate", {rate}) + confusionTable(content) + "</html>\n";
  AtomicFile file(path);
  file.write(html);
  file.commit();
}
