/*===- graph.c - runs as one launch ---------------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* A run that only brings inputs to the device, launches, and takes results   *|
|* from there does the same again when it is given the same tensors. The      *|
|* second such run in a row is captured; from the third on the captured graph *|
|* is launched, and the host program not called. A run in which the host looks*|
|* at a tensor, or writes one, is never captured: what it launches may depend *|
|* on values.                                                                 *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

/* Of each tensor: address, device, rank, dims. */
static int64_t keyWords(const SinterContext *context) {
  const SinterModel *model = context->model;
  int64_t words = 0;
  for (int32_t i = 0; i < model->input_count + model->output_count; ++i)
    words +=
        2 +
        (i < model->input_count ? model->inputs[i] : model->outputs[i - model->input_count]).rank;
  return words;
}

/* Notes the tensors; are they those of the last run? */
static bool sameKey(SinterContext *context, const DLTensor *inputs, const DLTensor *outputs,
                    bool keep) {
  const SinterModel *model = context->model;
  int64_t *word = context->device->graph.key;
  bool same = true;
  for (int32_t i = 0; i < model->input_count + model->output_count; ++i) {
    bool input = i < model->input_count;
    /* Of an output without memory the result says the shape. */
    const DLTensor *tensor = input ? &inputs[i] : &outputs[i - model->input_count];
    int32_t rank = (input ? model->inputs[i] : model->outputs[i - model->input_count]).rank;
    for (int32_t d = -2; d < rank; ++d, ++word) {
      int64_t now = !input && !tensor->data ? 0
                    : d == -2 ? (int64_t)((uintptr_t)tensor->data + tensor->byte_offset)
                    : d == -1 ? (int64_t)tensor->device.device_type
                              : tensor->shape[d];
      same &= *word == now;
      if (keep)
        *word = now;
    }
  }
  return same;
}

/* Can this context's runs be captured at all? */
static bool mayCapture(const SinterContext *context) {
  const SinterInternal *internal = (const SinterInternal *)context->model->internal;
  return context->variant->driver->beginCapture && !context->options.no_graph &&
         !context->variant->kernelCount && !internal->stateInputCount;
}

void sinterGraphDrop(SinterDevice *device) {
  Graph *graph = &device->graph;
  if (graph->launchable)
    device->shared->driver->destroyGraph(graph->launchable);
  graph->launchable = NULL;
  graph->repeatable = false;
}

void sinterGraphFree(SinterContext *context) {
  Graph *graph = &context->device->graph;
  sinterGraphDrop(context->device);
  sinterDeallocate(context, graph->key, (size_t)keyWords(context) * sizeof(int64_t));
  sinterDeallocate(context, graph->transfers,
                   (size_t)context->device->slotCount * sizeof(GraphTransfer));
}

static bool allocate(SinterContext *context) {
  Graph *graph = &context->device->graph;
  size_t bytes = (size_t)keyWords(context) * sizeof(int64_t);
  if (!graph->key && (graph->key = (int64_t *)sinterAllocate(context, bytes, 64)))
    memset(graph->key, 0xff, bytes); /* no tensor's */
  if (!graph->transfers)
    graph->transfers = (GraphTransfer *)sinterAllocate(
        context, (size_t)context->device->slotCount * sizeof(GraphTransfer), 64);
  return graph->key && graph->transfers;
}

void sinterGraphBegin(SinterContext *context, const DLTensor *inputs, const DLTensor *outputs) {
  Graph *graph = &context->device->graph;
  graph->wanted = false;
  if (!mayCapture(context) || !allocate(context))
    return;
  bool again = sameKey(context, inputs, outputs, /*keep=*/true) && graph->repeatable;
  sinterGraphDrop(context->device);
  graph->wanted = again;
  graph->repeatable = true; /* until it turns out not to be */
  graph->uploads = graph->downloads = graph->results = 0;
}

bool sinterGraphOpen(SinterDevice *device) {
  Graph *graph = &device->graph;
  if (graph->launchable) /* what follows is not part of it */
    graph->repeatable = false;
  if (!graph->wanted)
    return true;
  graph->wanted = false;
  /* A stream that can't be captured takes the launches one by one. */
  graph->capturing = device->shared->driver->beginCapture(device);
  return true;
}

bool sinterGraphClose(SinterDevice *device) {
  Graph *graph = &device->graph;
  if (!graph->capturing)
    return true;
  graph->capturing = false;
  graph->launchable = device->shared->driver->endCapture(device);
  return graph->launchable && device->shared->driver->launchGraph(device, graph->launchable);
}

bool sinterGraphUnrepeatable(SinterDevice *device) {
  device->graph.wanted = false;
  bool good = sinterGraphClose(device);
  device->graph.repeatable = false;
  return good;
}

void sinterGraphTransfer(SinterDevice *device, bool upload, void *host, char *place, size_t bytes) {
  Graph *graph = &device->graph;
  if (!graph->repeatable)
    return;
  int32_t at = upload ? graph->uploads++ : device->slotCount - ++graph->downloads;
  graph->transfers[at] = (GraphTransfer){host, place, bytes};
}

bool sinterGraphEnd(SinterContext *context) {
  SinterDevice *device = context->device;
  Graph *graph = &device->graph;
  bool good = true;
  if (graph->capturing && context->failed) {
    graph->capturing = false;
    graph->launchable = device->shared->driver->endCapture(device);
  } else {
    good = sinterGraphClose(device);
  }
  if (!good || context->failed || !graph->repeatable ||
      graph->results != context->model->output_count)
    sinterGraphDrop(device);
  return good;
}

bool sinterGraphReplay(SinterContext *context, const DLTensor *inputs, const DLTensor *outputs,
                       bool *good) {
  SinterDevice *device = context->device;
  const SinterDriver *driver = device->shared->driver;
  Graph *graph = &device->graph;
  if (!graph->launchable || !sameKey(context, inputs, outputs, /*keep=*/false))
    return false;
  *good = sinterDeviceEnter(device);
  if (!*good)
    return true;
  const GraphTransfer *each = graph->transfers;
  for (int32_t i = 0; *good && i < graph->uploads; ++i)
    *good = driver->upload(device, each[i].place, each[i].host, each[i].bytes);
  *good = *good && driver->launchGraph(device, graph->launchable);
  for (int32_t i = 1; *good && i <= graph->downloads; ++i) {
    const GraphTransfer *result = &each[device->slotCount - i];
    *good = driver->download(device, result->host, result->place, result->bytes);
  }
  *good = *good && driver->synchronize(device);
  sinterDeviceLeave(device);
  return true;
}
