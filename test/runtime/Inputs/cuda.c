/*===- cuda.c - stands in for libcuda.so.1 --------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Notes each call, keeps the device's memory in the host's, and computes     *|
|* what the kernels of models/device.c do. Compute capability is 8.6; a       *|
|* kernel whose name begins with "scale" takes only 8 threads in a block      *|
|* unless its module was loaded with a limit of registers.                    *|
\*===----------------------------------------------------------------------===*/

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int Code;
typedef uint64_t Pointer;

static char calls[1 << 20], failing[64];
static Code failure;
static int depth; /* of the stack of contexts */

const char *fakeCudaCalls(void) { return calls; }
void fakeCudaForget(void) { calls[0] = 0; }
void fakeCudaFail(const char *name, Code code) {
  snprintf(failing, sizeof failing, "%s", name);
  failure = code;
}
int fakeCudaDepth(void) { return depth; }

static Code note(const char *name) {
  strcat(strcat(calls, name), " ");
  return strcmp(name, failing) ? 0 : failure;
}

/* Calls that need a current context. */
static Code inside(const char *name) {
  Code code = note(name);
  return depth ? code : 201;
}

Code cuInit(unsigned flags) { return (void)flags, note("cuInit"); }

Code cuGetErrorString(Code code, const char **text) {
  *text = code == 2 ? "out of memory" : code == 201 ? "invalid device context" : "a failure";
  return 0;
}

Code cuDeviceGetCount(int *count) { return *count = 1, note("cuDeviceGetCount"); }

Code cuDeviceGet(int *device, int ordinal) { return *device = 40 + ordinal, note("cuDeviceGet"); }

Code cuDeviceGetName(char *name, int room, int device) {
  snprintf(name, (size_t)room, "Fake %d", device);
  return note("cuDeviceGetName");
}

Code cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  *value = attribute == 75 ? 8 : attribute == 76 ? 6 : -1;
  return note("cuDeviceGetAttribute");
}

Code cuDevicePrimaryCtxRetain(void **context, int device) {
  *context = (void *)(intptr_t)device;
  return note("cuDevicePrimaryCtxRetain");
}

Code cuDevicePrimaryCtxRelease_v2(int device) {
  return (void)device, note("cuDevicePrimaryCtxRelease");
}

Code cuCtxPushCurrent_v2(void *context) {
  depth += context == (void *)40;
  return note("cuCtxPushCurrent");
}

Code cuCtxPopCurrent_v2(void **context) {
  --depth;
  *context = (void *)40;
  return note("cuCtxPopCurrent");
}

Code cuStreamCreate(void **stream, unsigned flags) {
  *stream = (void *)(uintptr_t)(76 + flags);
  return inside("cuStreamCreate");
}

Code cuStreamDestroy_v2(void *stream) { return (void)stream, inside("cuStreamDestroy"); }

/* What a stream is asked to do: at once, or between the functions of capture, collected in a graph.
 */
typedef struct Node {
  const char *kernel; /* NULL: a copy */
  int n;              /* threads, or bytes */
  void *arguments[3];
} Node;

typedef struct Graph {
  Node nodes[16];
  int count;
} Graph;

static Graph *capturing;

static void execute(const Node *node) {
  const float *x = node->arguments[0];
  if (!node->kernel)
    memmove(node->arguments[1], x, (size_t)node->n);
  for (int i = 0; node->kernel && i < node->n; ++i) {
    if (!strcmp(node->kernel, "add"))
      ((float *)node->arguments[1])[i] = x[i] + 1;
    else
      ((float *)node->arguments[2])[i] = x[i] * ((const float *)node->arguments[1])[i % 4];
  }
}

static Code enqueue(Node node) {
  if (!capturing)
    execute(&node);
  else if (capturing->count == 16)
    return 2;
  else
    capturing->nodes[capturing->count++] = node;
  return 0;
}

/* What a capture does not allow. */
static Code now(const char *name) {
  Code code = inside(name);
  return capturing ? 900 : code;
}

Code cuStreamBeginCapture_v2(void *stream, int mode) {
  (void)stream;
  Code code = mode == 2 ? inside("cuStreamBeginCapture") : 1;
  if (!code)
    capturing = calloc(1, sizeof *capturing);
  return code;
}

Code cuStreamEndCapture(void *stream, void **graph) {
  (void)stream;
  Code code = inside("cuStreamEndCapture");
  *graph = capturing;
  capturing = NULL;
  if (code) {
    free(*graph);
    *graph = NULL;
  }
  return code;
}

Code cuGraphInstantiateWithFlags(void **launchable, const Graph *graph, uint64_t flags) {
  Code code = flags ? 1 : inside("cuGraphInstantiateWithFlags");
  *launchable = code ? NULL : memcpy(malloc(sizeof *graph), graph, sizeof *graph);
  return code;
}

Code cuGraphLaunch(const Graph *launchable, void *stream) {
  (void)stream;
  for (int i = 0; i < launchable->count; ++i)
    execute(&launchable->nodes[i]);
  return inside("cuGraphLaunch");
}

Code cuGraphDestroy(void *graph) { return free(graph), inside("cuGraphDestroy"); }

Code cuGraphExecDestroy(void *launchable) { return free(launchable), inside("cuGraphExecDestroy"); }

Code cuStreamSynchronize(void *stream) { return (void)stream, now("cuStreamSynchronize"); }

Code cuMemAlloc_v2(Pointer *memory, size_t bytes) {
  Code code = inside("cuMemAlloc");
  *memory = code ? 0 : (Pointer)(uintptr_t)calloc(bytes, 1);
  return code;
}

Code cuMemFree_v2(Pointer memory) { return free((void *)(uintptr_t)memory), inside("cuMemFree"); }

Code cuMemcpyHtoDAsync_v2(Pointer to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  memcpy((void *)(uintptr_t)to, from, bytes);
  return now("cuMemcpyHtoDAsync");
}

Code cuMemcpyDtoHAsync_v2(void *to, Pointer from, size_t bytes, void *stream) {
  (void)stream;
  memcpy(to, (void *)(uintptr_t)from, bytes);
  return now("cuMemcpyDtoHAsync");
}

Code cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, void *stream) {
  (void)stream;
  Code code = inside("cuMemcpyDtoDAsync");
  return code ? code
              : enqueue((Node){NULL, (int)bytes, {(void *)(uintptr_t)from, (void *)(uintptr_t)to}});
}

typedef struct Part { /* of CUDA_MEMCPY2D */
  size_t x, y;
  unsigned kind;
  void *host;
  Pointer device;
  void *array;
  size_t pitch;
} Part;

Code cuMemcpy2DAsync_v2(const void *plan, void *stream) {
  (void)stream;
  const Part *from = plan, *to = from + 1;
  const size_t *bytes = (const size_t *)(to + 1), *rows = bytes + 1;
  if (from->kind != 2 || to->kind != 2)
    return 1;
  Code code = inside("cuMemcpy2DAsync");
  for (size_t i = 0; !code && i < *rows; ++i)
    code = enqueue((Node){NULL,
                          (int)*bytes,
                          {(char *)(uintptr_t)from->device + i * from->pitch,
                           (char *)(uintptr_t)to->device + i * to->pitch}});
  return code;
}

static char modules[2];

Code cuModuleLoadDataEx(void **module, const void *source, unsigned count, const int *options,
                        void **values) {
  Code code = inside("cuModuleLoadDataEx");
  if (code)
    snprintf(values[0], (size_t)values[1], "ptxas: no '%.6s'", (const char *)source);
  if (count == 3 && options[2] == 0) {
    char limit[32];
    snprintf(limit, sizeof limit, "registers=%d", (int)(intptr_t)values[2]);
    note(limit);
  }
  *module = &modules[count == 3];
  return code;
}

Code cuModuleUnload(void *module) { return (void)module, inside("cuModuleUnload"); }

typedef struct Function {
  void *module;
  const char *name;
} Function;

Code cuModuleGetFunction(void **function, void *module, const char *name) {
  static Function functions[16];
  static int count;
  Function *entry = &functions[count++ % 16];
  entry->module = module;
  entry->name = name;
  *function = entry;
  return inside("cuModuleGetFunction");
}

Code cuFuncGetAttribute(int *value, int attribute, const Function *function) {
  int few = !strncmp(function->name, "scale", 5) && function->module == &modules[0];
  *value = attribute != 0 ? -1 : few ? 8 : 1024;
  return inside("cuFuncGetAttribute");
}

Code cuFuncSetAttribute(Function *function, int attribute, int value) {
  (void)function;
  char text[32];
  snprintf(text, sizeof text, "attribute%d=%d", attribute, value);
  note(text);
  return inside("cuFuncSetAttribute");
}

Code cuLaunchKernel(const Function *function, unsigned blocks, unsigned blocksY, unsigned blocksZ,
                    unsigned threads, unsigned threadsY, unsigned threadsZ, unsigned sharedBytes,
                    void *stream, void **arguments, void **extra) {
  (void)sharedBytes, (void)stream;
  int n = *(int *)arguments[0], add = !strcmp(function->name, "add");
  if (blocksY != 1 || blocksZ != 1 || threadsY != 1 || threadsZ != 1 || extra)
    return 1;
  if (n > (int)(blocks * threads))
    n = (int)(blocks * threads);
  note(function->name);
  Code code = inside("cuLaunchKernel");
  return code ? code
              : enqueue((Node){function->name,
                               n,
                               {*(void **)arguments[1], *(void **)arguments[2],
                                add ? NULL : *(void **)arguments[3]}});
}
