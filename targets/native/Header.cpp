//===- Header.cpp - the C header of a model ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header stands alone: it carries sinter/model.h, whose include guard lets
// several models' headers be included together. The typed entry is inline, over
// the table, so that it costs no exported symbol.
//
//===----------------------------------------------------------------------===//

#include "targets/native/Native.h"
#include "targets/native/OutputFile.h"

#include "runtime/Bitcode.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace sinter;

static bool isKeyword(llvm::StringRef name) {
  static const llvm::StringSet<> keywords = {
      "alignas", "auto",     "bool",     "break",     "case",  "catch",    "char",    "class",
      "const",   "continue", "default",  "delete",    "do",    "double",   "else",    "enum",
      "export",  "extern",   "false",    "float",     "for",   "friend",   "goto",    "if",
      "inline",  "int",      "long",     "namespace", "new",   "operator", "private", "protected",
      "public",  "register", "restrict", "return",    "short", "signed",   "sizeof",  "static",
      "struct",  "switch",   "template", "this",      "throw", "true",     "try",     "typedef",
      "union",   "unsigned", "using",    "virtual",   "void",  "volatile", "while",   "and",
      "or",      "not",      "xor",      "main",
  };
  return keywords.contains(name);
}

std::string sinter::cIdentifier(llvm::StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result[0]))
    result = "_" + result;
  if (isKeyword(result))
    result += '_';
  return result;
}

/// What the names of the model's C functions begin with.
static std::string modelPrefix(const ModelInterface &interface) {
  std::string prefix = cIdentifier(interface.name.empty() ? "model" : interface.name);
  return prefix == "sinter" ? "sinter_" : prefix; // sinter_model is taken
}

std::string sinter::modelFunction(const ModelInterface &interface) {
  return modelPrefix(interface) + "_model";
}

std::string sinter::trainingFunction(const ModelInterface &interface) {
  return modelPrefix(interface) + "_training";
}

namespace {

struct CType {
  const char *name;   ///< of the parameter's element
  const char *spoken; ///< in comments
};

CType cType(int32_t onnxType) {
  switch (onnxType) {
  case 1:
    return {"float", "float32"};
  case 2:
    return {"uint8_t", "uint8"};
  case 3:
    return {"int8_t", "int8"};
  case 4:
    return {"uint16_t", "uint16"};
  case 5:
    return {"int16_t", "int16"};
  case 6:
    return {"int32_t", "int32"};
  case 7:
    return {"int64_t", "int64"};
  case 9:
    return {"uint8_t", "bool, one byte, 0 or 1"};
  case 10:
    return {"uint16_t", "float16 bits"};
  case 11:
    return {"double", "float64"};
  case 12:
    return {"uint32_t", "uint32"};
  case 13:
    return {"uint64_t", "uint64"};
  case 16:
    return {"uint16_t", "bfloat16 bits"};
  }
  return {"void", "unknown"};
}

llvm::StringRef dimName(const TensorInfo &tensor, size_t d) {
  return d < tensor.dimNames.size() ? llvm::StringRef(tensor.dimNames[d]) : llvm::StringRef();
}

/// Text that may stand inside a C comment.
std::string comment(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isPrint(c) && c != '*' ? c : '_';
  return result;
}

std::string shapeText(const TensorInfo &tensor) {
  std::string text = "[";
  for (size_t d = 0; d < tensor.dims.size(); ++d) {
    if (d)
      text += ", ";
    if (tensor.dims[d] >= 0)
      text += std::to_string(tensor.dims[d]);
    else
      text += dimName(tensor, d).empty() ? "?" : comment(dimName(tensor, d));
  }
  return text + "]";
}

/// The function that runs one model.
class EntryWriter {
public:
  /// `table` is the C expression of the model's table.
  EntryWriter(const ModelInterface &interface, std::string name, std::string table,
              llvm::StringRef summary, llvm::raw_ostream &os)
      : interface(interface), os(os), name(std::move(name)), table(std::move(table)),
        summary(summary) {}
  void write() {
    collect();
    writeRun();
  }

private:
  /// A tensor of the typed entry.
  struct Argument {
    const TensorInfo *info;
    std::string name;
    std::vector<std::string> dims; ///< C expressions
    bool known = true;             ///< the shape follows from the inputs' sizes
  };

  std::string unique(const std::string &wish);
  void collect();
  void writeComment();
  void writeRun();
  void writeTensor(const char *array, const char *infos, size_t index, const Argument &argument);

  const ModelInterface &interface;
  llvm::raw_ostream &os;
  std::string name, table;
  llvm::StringRef summary;
  llvm::StringSet<> taken;
  llvm::StringMap<std::string> sizeOf; ///< named dimension to parameter
  std::vector<Argument> inputs, outputs;
  std::vector<std::string> parameters;
};

std::string EntryWriter::unique(const std::string &wish) {
  std::string name = wish;
  for (int i = 1; !taken.insert(name).second; ++i)
    name = wish + "_" + std::to_string(i);
  return name;
}

void EntryWriter::collect() {
  // The names of the function's own variables.
  for (const char *name : {"context", "model_", "inputs_", "outputs_", "status_"})
    taken.insert(name);
  for (const TensorInfo &info : interface.inputs) {
    Argument argument{&info, unique(cIdentifier(info.name)), {}};
    parameters.push_back(std::string("const ") + cType(info.dtype).name + " *" + argument.name);
    for (size_t d = 0; d < info.dims.size(); ++d) {
      if (info.dims[d] >= 0) {
        argument.dims.push_back(std::to_string(info.dims[d]));
        continue;
      }
      llvm::StringRef symbol = dimName(info, d);
      auto known = sizeOf.find(symbol);
      if (!symbol.empty() && known != sizeOf.end()) {
        argument.dims.push_back(known->second);
        continue;
      }
      std::string size =
          unique(symbol.empty() ? argument.name + "_dim" + std::to_string(d) : cIdentifier(symbol));
      parameters.push_back("int64_t " + size);
      argument.dims.push_back(size);
      if (!symbol.empty())
        sizeOf[symbol] = size;
    }
    inputs.push_back(argument);
  }
  for (const TensorInfo &info : interface.outputs) {
    Argument argument{&info, unique(cIdentifier(info.name)), {}};
    for (size_t d = 0; d < info.dims.size(); ++d) {
      auto known = sizeOf.find(dimName(info, d));
      if (info.dims[d] >= 0)
        argument.dims.push_back(std::to_string(info.dims[d]));
      else if (known != sizeOf.end())
        argument.dims.push_back(known->second);
      else
        argument.known = false;
    }
    parameters.push_back((argument.known ? cType(info.dtype).name : std::string("DLTensor")) +
                         " *" + argument.name);
    outputs.push_back(argument);
  }
}

void EntryWriter::writeComment() {
  os << "/* " << summary << "\n\n";
  for (const Argument &argument : inputs)
    os << "   " << argument.name << ": input '" << comment(argument.info->name) << "', "
       << cType(argument.info->dtype).spoken << " " << shapeText(*argument.info) << "\n";
  for (const Argument &argument : outputs) {
    os << "   " << argument.name << ": output '" << comment(argument.info->name) << "', "
       << cType(argument.info->dtype).spoken << " " << shapeText(*argument.info);
    if (!argument.known)
      os << ": its size comes out of the run; with data == NULL the tensor is"
            "\n      filled in, and holds until the next run";
    os << "\n";
  }
  os << "\n   All dense, row-major. Returns SINTER_OK, or a status that " << table
     << "->last_error(context)\n   explains. */\n";
}

void EntryWriter::writeTensor(const char *array, const char *infos, size_t index,
                              const Argument &argument) {
  if (!argument.known) {
    os << "  " << array << "[" << index << "] = *" << argument.name << ";\n";
    return;
  }
  std::string shape = "NULL";
  if (!argument.dims.empty()) {
    shape = std::string(array) + "shape" + std::to_string(index);
    os << "  int64_t " << shape << "[] = {" << llvm::join(argument.dims, ", ") << "};\n";
  }
  os << "  " << array << "[" << index << "] = sinter_tensor(" << argument.name << ", model_->"
     << infos << "[" << index << "].dtype, " << argument.dims.size() << ", " << shape << ");\n";
}

void EntryWriter::writeRun() {
  writeComment();
  os << "static inline SinterStatus " << name << "(SinterContext *context";
  for (const std::string &parameter : parameters)
    os << ",\n    " << parameter;
  os << ") {\n"
     << "  const SinterModel *model_ = " << table << ";\n"
     << "  DLTensor inputs_[" << std::max<size_t>(inputs.size(), 1) << "], outputs_["
     << std::max<size_t>(outputs.size(), 1) << "];\n";
  for (size_t i = 0; i < inputs.size(); ++i)
    writeTensor("inputs_", "inputs", i, inputs[i]);
  for (size_t i = 0; i < outputs.size(); ++i)
    writeTensor("outputs_", "outputs", i, outputs[i]);
  // A null pointer would have the library keep the result to itself.
  for (const Argument &argument : outputs)
    if (argument.known)
      os << "  if (!" << argument.name << ") return SINTER_NULL_DATA;\n";
  os << "  SinterStatus status_ = model_->run(context, inputs_, " << inputs.size() << ", outputs_, "
     << outputs.size() << ");\n";
  for (size_t i = 0; i < outputs.size(); ++i)
    if (!outputs[i].known)
      os << "  *" << outputs[i].name << " = outputs_[" << i << "];\n";
  os << "  return status_;\n}\n";
}

/// Declares the `options` of a context with `threads` threads, in C as in C++.
const char *const declareOptions = "  static SinterContextOptions zeros;\n"
                                   "  SinterContextOptions options = zeros;\n"
                                   "  options.struct_size = sizeof options;\n"
                                   "  options.threads = threads;\n";

/// The functions with which a context trains, and others follow.
void writeTraining(const ModelInterface &interface, const std::string &prefix,
                   llvm::raw_ostream &os) {
  const TrainingInterface &training = *interface.training;
  std::string table = prefix + "_training()";
  os << "/* The table of this training. Its state, by number:\n\n";
  for (auto [i, state] : llvm::enumerate(training.states))
    os << "   " << i << ": '" << comment(state.tensor.name) << "', "
       << cType(state.tensor.dtype).spoken << " " << shapeText(state.tensor) << "\n";
  os << "*/\nconst SinterTraining *" << prefix << "_training(void);\n\n"
     << "/* Gives the whole state of a context its first value. */\n"
     << "static inline SinterStatus " << prefix
     << "_init(SinterContext *context, uint64_t seed) {\n  return " << table
     << "->init(context, seed);\n}\n\n";
  for (const char *entry : {"eval", "forward"})
    os << "/* A context for " << prefix << "_" << entry << (entry[0] == 'e' ? "_step" : "")
       << " that runs on the state of `trainer`, which must outlive it. */\n"
       << "static inline SinterStatus " << prefix << "_" << entry
       << "_create(SinterContext *trainer, int32_t threads,\n    SinterContext **context) {\n"
       << declareOptions << "  const SinterModel *model = " << table << "->" << entry
       << (entry[0] == 'e' ? "_step" : "") << ";\n"
       << "  SinterStatus status = model->context_create(model, &options, context);\n"
       << "  return status ? status : " << table << "->share(*context, trainer);\n}\n\n";
  EntryWriter(interface, prefix + "_train_step", table + "->train_step",
              "One step: forward, loss, backward, and the next state.", os)
      .write();
  os << "\n";
  EntryWriter(training.evalStep, prefix + "_eval_step", table + "->eval_step",
              "Loss and outputs of a batch; the state stays.", os)
      .write();
  os << "\n";
  EntryWriter(training.forward, prefix + "_forward", table + "->forward",
              "Runs the model as it is trained so far.", os)
      .write();
}

void writeText(const ModelInterface &interface, llvm::raw_ostream &os) {
  std::string prefix = modelPrefix(interface);
  std::string guard = "SINTER_MODEL_" + llvm::StringRef(prefix).upper() + "_H";
  os << "/* The model '" << comment(interface.name)
     << "', compiled by Sinter. Generated: changes are lost.\n"
     << "   The C interface comes first; the model's own functions stand at the "
        "end. */\n\n";
  Embedded header = interfaceHeader();
  os << llvm::StringRef(header.data, header.size) << "\n";
  if (interface.training) {
    Embedded more = trainingHeader();
    os << llvm::StringRef(more.data, more.size) << "\n";
  }
  os << "#ifndef " << guard << "\n#define " << guard << "\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << "/* The table of this model. */\n"
     << "const SinterModel *" << prefix << "_model(void);\n\n"
     << "/* A context with `threads` threads; 0: all cores. */\n"
     << "static inline SinterStatus " << prefix
     << "_create(int32_t threads, SinterContext **context) {\n"
     << declareOptions << "  return " << prefix << "_model()->context_create(" << prefix
     << "_model(), &options, context);\n}\n\n"
     << "static inline void " << prefix << "_destroy(SinterContext *context) {\n  " << prefix
     << "_model()->context_destroy(context);\n}\n\n";
  if (interface.training)
    writeTraining(interface, prefix, os);
  else
    EntryWriter(interface, prefix + "_run", prefix + "_model()", "Runs the model once.", os)
        .write();
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
}

} // namespace

bool sinter::writeHeader(const ModelInterface &interface, llvm::StringRef outputPath,
                         std::string &error) {
  return writeOutputFile(
      outputPath, [&](llvm::raw_ostream &os) { writeText(interface, os); }, error);
}
