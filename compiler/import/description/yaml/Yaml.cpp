//===- Yaml.cpp - YAML as JSON's values -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/yaml/Yaml.h"
#include <stdexcept>
#include <yaml-cpp/yaml.h>

using namespace sinter;
using llvm::StringRef;
using llvm::json::Value;

namespace {
/// Aliases may refer to what they stand in, or double the tree at each level: both end here.
constexpr int MostLevels = 64;
constexpr int64_t MostNodes = 1000000;

class Converter {
public:
  Value convert(const YAML::Node &node, int level = 0);

private:
  Value convertMap(const YAML::Node &node, int level);
  void merge(const YAML::Node &from, llvm::json::Object &into, int level);

  int64_t nodes = 0;
};

[[noreturn]] void fail(const YAML::Mark &mark, const std::string &message) {
  throw std::runtime_error("line " + std::to_string(mark.line + 1) + ", column " +
                           std::to_string(mark.column + 1) + ": " + message);
}
} // namespace

static bool isOneOf(StringRef text, std::initializer_list<StringRef> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// YAML 1.2, section 10.3.2.
static Value convertPlain(StringRef text) {
  if (isOneOf(text, {"", "~", "null", "Null", "NULL"}))
    return nullptr;
  if (isOneOf(text, {"true", "True", "TRUE"}))
    return true;
  if (isOneOf(text, {"false", "False", "FALSE"}))
    return false;
  StringRef digits = text;
  digits.consume_front("+");
  int64_t integer = 0;
  bool isBased = digits.starts_with("0x") || digits.starts_with("0o");
  if (!digits.getAsInteger(isBased ? 0 : 10, integer))
    return integer;
  double number = 0;
  bool isNumber = digits.find_first_of("0123456789") != StringRef::npos &&
                  digits.find_first_not_of("+-.eE0123456789") == StringRef::npos;
  if (isNumber && !digits.getAsDouble(number))
    return number;
  return text.str();
}

// Quotes make a text of anything.
static bool isQuoted(const YAML::Node &scalar) { return scalar.Tag() == "!"; }

// The members of a map, or of a list of maps, that `into` has not yet: yaml.org/type/merge.html.
void Converter::merge(const YAML::Node &from, llvm::json::Object &into, int level) {
  if (from.IsSequence()) {
    for (const YAML::Node &each : from)
      merge(each, into, level + 1);
    return;
  }
  Value value = convert(from, level);
  const llvm::json::Object *members = value.getAsObject();
  if (!members)
    fail(from.Mark(), "what '<<' merges should be a map, or a list of maps");
  for (const auto &[key, member] : *members)
    into.try_emplace(key, member);
}

Value Converter::convertMap(const YAML::Node &node, int level) {
  llvm::json::Object object;
  YAML::Node merged(YAML::NodeType::Undefined);
  for (const auto &member : node) {
    if (!member.first.IsScalar())
      fail(member.first.Mark(), "a key should be a text");
    const std::string &key = member.first.Scalar();
    bool isMerge = key == "<<" && !isQuoted(member.first);
    if (object.get(key) || (isMerge && merged.IsDefined()))
      fail(member.first.Mark(), "'" + key + "' stands here twice");
    if (isMerge)
      merged.reset(member.second);
    else
      object[key] = convert(member.second, level + 1);
  }
  if (merged.IsDefined())
    merge(merged, object, level + 1);
  return object;
}

Value Converter::convert(const YAML::Node &node, int level) {
  if (level > MostLevels || ++nodes > MostNodes)
    fail(node.Mark(), "the text is nested too deeply, or too large");
  switch (node.Type()) {
  case YAML::NodeType::Map:
    return convertMap(node, level);
  case YAML::NodeType::Sequence: {
    llvm::json::Array array;
    for (const YAML::Node &each : node)
      array.push_back(convert(each, level + 1));
    return array;
  }
  case YAML::NodeType::Scalar:
    return isQuoted(node) ? Value(node.Scalar()) : convertPlain(node.Scalar());
  case YAML::NodeType::Undefined:
  case YAML::NodeType::Null:
    break;
  }
  return nullptr;
}

std::optional<Value> sinter::description::parseYaml(StringRef text, std::string &error) {
  if (!llvm::json::isUTF8(text)) {
    error = "the text is not UTF-8";
    return std::nullopt;
  }
  try {
    std::vector<YAML::Node> documents = YAML::LoadAll(text.str());
    if (documents.size() > 1)
      fail(documents[1].Mark(), "a second document begins; a file holds one model");
    return documents.empty() ? Value(nullptr) : Converter().convert(documents.front());
  } catch (const YAML::ParserException &wrong) {
    error = "line " + std::to_string(wrong.mark.line + 1) + ", column " +
            std::to_string(wrong.mark.column + 1) + ": " + wrong.msg;
  } catch (const std::exception &wrong) {
    error = wrong.what();
  }
  return std::nullopt;
}
