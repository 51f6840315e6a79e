/*===- check.c - are the caller's tensors what the model expects? ---------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Each message names the tensor, what was expected and what was given.       *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

SinterStatus sinterError(SinterContext *context, SinterStatus status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(context->error, sizeof context->error, format, arguments);
  va_end(arguments);
  return status;
}

void sinterCreateError(const SinterContextOptions *options, const char *words) {
  if (!options->error || !options->error_bytes || strstr(options->error, words))
    return;
  size_t used = strlen(options->error);
  snprintf(options->error + used, options->error_bytes - used, "%s%s", used ? "; " : "", words);
}

/*===- Words ----------------------------------------------------------------===*/

typedef struct Text {
  char chars[256];
} Text;

static Text typeText(DLDataType type) {
  static const char *const codes[] = {"int",    "uint",    "float", "handle",
                                      "bfloat", "complex", "bool"};
  Text text;
  const char *code = type.code < sizeof codes / sizeof codes[0] ? codes[type.code] : "unknown";
  if (type.code == kDLBool && type.bits == 8)
    snprintf(text.chars, sizeof text.chars, "bool");
  else
    snprintf(text.chars, sizeof text.chars, "%s%d", code, type.bits);
  if (type.lanes != 1) {
    size_t n = strlen(text.chars);
    snprintf(text.chars + n, sizeof text.chars - n, "x%d", type.lanes);
  }
  return text;
}

/* "(batch, 3, ?)"; `names` may be NULL. */
static Text listText(const int64_t *values, const char *const *names, int32_t count) {
  Text text;
  size_t room = sizeof text.chars, at = 0;
  at += (size_t)snprintf(text.chars, room, "(");
  for (int32_t i = 0; i < count && at < room - 32; ++i) {
    const char *separator = i ? ", " : "";
    if (values[i] >= 0 || !names)
      at += (size_t)snprintf(text.chars + at, room - at, "%s%lld", separator, (long long)values[i]);
    else
      at += (size_t)snprintf(text.chars + at, room - at, "%s%.100s", separator,
                             names[i][0] ? names[i] : "?");
  }
  if (at < room - 1)
    snprintf(text.chars + at, room - at, ")");
  return text;
}

/*===- One tensor -----------------------------------------------------------===*/

typedef struct Checked {
  SinterContext *context;
  const char *kind; /* "input" or "output" */
  const SinterTensorInfo *info;
  const DLTensor *tensor;
  int64_t firstDimension; /* its place in context->symbol */
  int32_t index;
} Checked;

static SinterStatus checkType(const Checked *c) {
  const DLTensor *tensor = c->tensor;
  const SinterTensorInfo *info = c->info;
  if (tensor->device.device_type != kDLCPU && tensor->device.device_type != kDLCUDAHost &&
      !(c->context->device && hooksOf(c->context->variant->driver)->takes(c->context, tensor)))
    return sinterError(c->context, SINTER_INVALID_DEVICE,
                       "%s '%s': expected CPU memory (device type 1), given "
                       "device type %d",
                       c->kind, info->name, (int)tensor->device.device_type);
  if (tensor->dtype.code != info->dtype.code || tensor->dtype.bits != info->dtype.bits ||
      tensor->dtype.lanes != info->dtype.lanes)
    return sinterError(c->context, SINTER_INVALID_TYPE, "%s '%s': expected %s, given %s", c->kind,
                       info->name, typeText(info->dtype).chars, typeText(tensor->dtype).chars);
  return SINTER_OK;
}

static SinterStatus shapeError(const Checked *c, const int64_t *expected) {
  return sinterError(c->context, SINTER_INVALID_SHAPE, "%s '%s': expected shape %s, given %s",
                     c->kind, c->info->name,
                     listText(expected, c->info->dim_names, c->info->rank).chars,
                     listText(c->tensor->shape, NULL, c->tensor->ndim).chars);
}

/* Rank, constant dimensions, and named ones against what inputs have said. */
static SinterStatus checkShape(const Checked *c) {
  SinterContext *context = c->context;
  const DLTensor *tensor = c->tensor;
  const SinterTensorInfo *info = c->info;
  if (tensor->ndim < 0 || (tensor->ndim && !tensor->shape))
    return sinterError(context, SINTER_NULL_DATA, "%s '%s': its shape is null", c->kind,
                       info->name);
  if (tensor->ndim != info->rank)
    return sinterError(context, SINTER_INVALID_SHAPE,
                       "%s '%s': expected rank %d, shape %s; given rank %d, shape %s", c->kind,
                       info->name, info->rank,
                       listText(info->dims, info->dim_names, info->rank).chars, tensor->ndim,
                       listText(tensor->shape, NULL, tensor->ndim).chars);
  for (int32_t d = 0; d < info->rank; ++d)
    if (info->dims[d] >= 0 ? tensor->shape[d] != info->dims[d] : tensor->shape[d] < 0)
      return shapeError(c, info->dims);
  for (int32_t d = 0; d < info->rank; ++d) {
    int32_t symbol = context->symbol[c->firstDimension + d];
    if (symbol < 0 || context->value[symbol] < 0 || context->value[symbol] == tensor->shape[d])
      continue;
    return sinterError(context, SINTER_INVALID_SHAPE,
                       "%s '%s': expected dimension %d, '%s', to be %lld as in input '%s', "
                       "given shape %s",
                       c->kind, info->name, d, info->dim_names[d],
                       (long long)context->value[symbol],
                       context->model->inputs[context->valueInput[symbol]].name,
                       listText(tensor->shape, NULL, tensor->ndim).chars);
  }
  return SINTER_OK;
}

static SinterStatus checkMemory(const Checked *c) {
  const DLTensor *tensor = c->tensor;
  int64_t elements = 1;
  for (int32_t d = 0; d < tensor->ndim; ++d)
    elements *= tensor->shape[d];
  if (!elements)
    return SINTER_OK;
  if (tensor->strides) {
    int64_t dense = 1;
    for (int32_t d = tensor->ndim - 1; d >= 0; --d) {
      if (tensor->shape[d] != 1 && tensor->strides[d] != dense)
        return sinterError(c->context, SINTER_INVALID_STRIDES,
                           "%s '%s': expected dense row-major memory, given strides %s for "
                           "shape %s (make a contiguous copy first)",
                           c->kind, c->info->name,
                           listText(tensor->strides, NULL, tensor->ndim).chars,
                           listText(tensor->shape, NULL, tensor->ndim).chars);
      dense *= tensor->shape[d];
    }
  }
  if (!tensor->data)
    return sinterError(c->context, SINTER_NULL_DATA, "%s '%s': its data pointer is null", c->kind,
                       c->info->name);
  int64_t bytes = elementBytes(c->info->dtype);
  if (((uintptr_t)tensor->data + tensor->byte_offset) % (uint64_t)bytes)
    return sinterError(c->context, SINTER_MISALIGNED,
                       "%s '%s': expected an address that is a multiple of %lld "
                       "bytes, given %p + %llu",
                       c->kind, c->info->name, (long long)bytes, tensor->data,
                       (unsigned long long)tensor->byte_offset);
  return SINTER_OK;
}

/*===- All of them ----------------------------------------------------------===*/

static SinterStatus checkCount(SinterContext *context, const char *kind, int32_t expected,
                               const DLTensor *tensors, int32_t given) {
  if (given != expected)
    return sinterError(context, SINTER_INVALID_COUNT, "model '%s': expected %d %s%s, given %d",
                       context->model->name, expected, kind, expected == 1 ? "" : "s", given);
  if (expected && !tensors)
    return sinterError(context, SINTER_NULL_DATA, "model '%s': the array of %ss is null",
                       context->model->name, kind);
  return SINTER_OK;
}

/* Notes the sizes of named dimensions in `value`, for the outputs' check. */
SinterStatus sinterCheckInputs(SinterContext *context, const DLTensor *inputs, int32_t count,
                               bool data) {
  const SinterModel *model = context->model;
  SinterStatus status = checkCount(context, "input", model->input_count, inputs, count);
  if (status)
    return status;
  for (int32_t s = 0; s < context->symbols; ++s)
    context->value[s] = -1;
  int64_t first = 0;
  for (int32_t i = 0; i < count; ++i) {
    Checked c = {context, "input", &model->inputs[i], &inputs[i], first, i};
    if ((status = checkType(&c)) || (status = checkShape(&c)))
      return status;
    for (int32_t d = 0; d < c.info->rank; ++d, ++first) {
      int32_t symbol = context->symbol[first];
      if (symbol < 0)
        continue;
      if (context->value[symbol] >= 0) {
        /* The same name twice in one input. */
        if (context->value[symbol] != inputs[i].shape[d]) {
          c.firstDimension = first - d;
          return checkShape(&c);
        }
        continue;
      }
      context->value[symbol] = inputs[i].shape[d];
      context->valueInput[symbol] = i;
    }
    if (data && (status = checkMemory(&c)))
      return status;
  }
  return SINTER_OK;
}

/* What can be said before the model has run. */
SinterStatus sinterCheckOutputs(SinterContext *context, const DLTensor *outputs, int32_t count) {
  const SinterModel *model = context->model;
  SinterStatus status = checkCount(context, "output", model->output_count, outputs, count);
  if (status)
    return status;
  int64_t first = 0;
  for (int32_t i = 0; i < model->input_count; ++i)
    first += model->inputs[i].rank;
  for (int32_t i = 0; i < count; ++i) {
    Checked c = {context, "output", &model->outputs[i], &outputs[i], first, i};
    first += c.info->rank;
    if (!outputs[i].data) /* the library's memory, or an empty tensor */
      continue;
    if ((status = checkType(&c)) || (status = checkShape(&c)) || (status = checkMemory(&c)))
      return status;
  }
  return SINTER_OK;
}

/* The caller's memory against the shape that has come out. */
SinterStatus sinterCheckResult(SinterContext *context, int32_t output, const DLTensor *given,
                               const int64_t *dims) {
  Checked c = {context, "output", &context->model->outputs[output], given, 0, output};
  for (int32_t d = 0; d < c.info->rank; ++d)
    if (given->shape[d] != dims[d])
      return shapeError(&c, dims);
  return SINTER_OK;
}
