// RUN: kernel-check %s --tile-only --target=x86-64-v3+sm_80 2>&1 | FileCheck %s
// RUN: kernel-check %s --tile-only --target=x86-64-v3+opencl 2>&1 | FileCheck %s --check-prefix=CL

#id = affine_map<(d0, d1) -> (d0, d1)>
#id1 = affine_map<(d0) -> (d0)>
#zero1 = affine_map<(d0) -> (0)>
#row = affine_map<(d0, d1) -> (d0)>
#across = affine_map<(d0, d1) -> (d1, d0)>

// What has nothing to share: one thread an element.
// CHECK-LABEL: kernel.func @add
// CHECK-SAME: attributes {kernel.device}
// CHECK: kernel.fuse %[[S:.*]] d0, d1 -> d0_1
// CHECK: kernel.split %[[S]] d0_1 by 256 -> d0_1_b, d0_1_t tail(guard)
// CHECK: kernel.gpu_blocks %[[S]] [d0_1_b]
// CHECK: kernel.gpu_threads %[[S]] [d0_1_t]
kernel.func @add(%x: tensor<100x70xf32>) -> tensor<100x70xf32> {
  %e = tensor.empty() : tensor<100x70xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<100x70xf32>) outs(%e : tensor<100x70xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %a : f32
    linalg.yield %0 : f32
  } -> tensor<100x70xf32>
  kernel.yield %y : tensor<100x70xf32>
}

// A product: 128 x 128 elements a block, 8 x 8 a thread, operands by 16 steps of k in shared memory,
// sums in registers. Neighbouring threads bring neighbouring steps of k of the first: these go to different banks.
// CHECK-LABEL: kernel.func @product
// CHECK: kernel.split %[[S:.*]]#3 d1 by 128 -> d1_b, d1_i tail(guard)
// CHECK: kernel.split %[[S]]#3 d0 by 128 -> d0_b, d0_i tail(guard)
// CHECK: kernel.gpu_threads %[[S]]#3 [d1_i_r_t, d0_i_t]
// CHECK: kernel.store_in %[[S]]#2 register
// CHECK: kernel.split %[[S]]#2 update d2 by 16 -> d2_o, d2_i
// CHECK: kernel.compute_at %[[S]]#0 in %[[S]]#2 update at d2_o
// CHECK: kernel.store_in %[[S]]#0 gpu_shared
// CHECK: kernel.align_storage %[[S]]#0 d1 to 132
// CHECK: kernel.compute_at %[[S]]#1 in %[[S]]#2 update at d2_o
// CHECK: kernel.store_in %[[S]]#1 gpu_shared
kernel.func @product(%x: tensor<2048x512xf32>, %w: tensor<512x2048xf32>) -> tensor<2048x2048xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2048x2048xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<2048x2048xf32>) -> tensor<2048x2048xf32>
  %y = linalg.matmul ins(%x, %w : tensor<2048x512xf32>, tensor<512x2048xf32>) outs(%init : tensor<2048x2048xf32>) -> tensor<2048x2048xf32>
  kernel.yield %y : tensor<2048x2048xf32>
}

// Softmax: one launch, a block a row. 128 lanes reduce in registers, 16 reduce their results, and one the rest.
// CHECK-LABEL: kernel.func @softmax
// CHECK: tensor.empty() : tensor<300x128xf32>
// CHECK: tensor.empty() : tensor<300x16xf32>
// CHECK-NOT: kernel.compute_root
// CHECK: kernel.split %[[S:.*]]#[[Y:.*]] d1 by 128 -> d1_o, d1_t tail(guard)
// CHECK: kernel.gpu_blocks %[[S]]#[[Y]] [d0]
// CHECK: kernel.gpu_threads %[[S]]#[[Y]] [d1_t]
// CHECK: kernel.compute_at %[[S]]#1 in %[[S]]#[[Y]] at d0
// CHECK: kernel.gpu_threads %[[S]]#1 [d1]
// CHECK: kernel.compute_at %[[S]]#0 in %[[S]]#1 at d1
kernel.func @softmax(%x: tensor<300x768xf32>) -> tensor<300x768xf32> {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %rows = tensor.empty() : tensor<300xf32>
  %e = tensor.empty() : tensor<300x768xf32>
  %i0 = linalg.fill ins(%low : f32) outs(%rows : tensor<300xf32>) -> tensor<300xf32>
  %m = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<300x768xf32>) outs(%i0 : tensor<300xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<300xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %m : tensor<300x768xf32>, tensor<300xf32>) outs(%e : tensor<300x768xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<300x768xf32>
  %i1 = linalg.fill ins(%zero : f32) outs(%rows : tensor<300xf32>) -> tensor<300xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%p : tensor<300x768xf32>) outs(%i1 : tensor<300xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<300xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %s : tensor<300x768xf32>, tensor<300xf32>) outs(%e : tensor<300x768xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<300x768xf32>
  kernel.yield %y : tensor<300x768xf32>
}

// A transpose: squares in shared memory, read and written along the memory's neighbours.
// CHECK-LABEL: kernel.func @transpose
// CHECK: kernel.gpu_threads %[[S:.*]]#1 [d1_i, d0_i_t]
// CHECK: kernel.compute_at %[[S]]#0 in %[[S]]#1
// CHECK: kernel.store_in %[[S]]#0 gpu_shared
// CHECK: kernel.align_storage %[[S]]#0 d1 to 33
// CHECK: kernel.gpu_threads %[[S]]#0 [d1, d0_t]
kernel.func @transpose(%x: tensor<70x100xf32>) -> tensor<100x70xf32> {
  %e = tensor.empty() : tensor<100x70xf32>
  %y = linalg.generic {indexing_maps = [#across, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<70x100xf32>) outs(%e : tensor<100x70xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<100x70xf32>
  kernel.yield %y : tensor<100x70xf32>
}

// OpenCL's devices need not have float64: the CPU's, with vectors. CUDA's have it.
// CL: kernel 'double' stays the CPU's: the device need not have float64
// CHECK-LABEL: kernel.func @double
// CHECK: kernel.gpu_threads
kernel.func @double(%x: tensor<100xf64>) -> tensor<100xf64> {
  %e = tensor.empty() : tensor<100xf64>
  %y = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]} ins(%x : tensor<100xf64>) outs(%e : tensor<100xf64>) {
  ^bb0(%a: f64, %o: f64):
    %0 = arith.addf %a, %a : f64
    linalg.yield %0 : f64
  } -> tensor<100xf64>
  kernel.yield %y : tensor<100xf64>
}

// What it computes on the way has sizes that are elements of a tensor.
// CL: kernel 'inner_sizes' stays the CPU's: sizes of what it computes on the way are elements of a tensor
kernel.func @inner_sizes(%x: tensor<?xf32>, %n: tensor<1xi64>) -> tensor<1xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %count = tensor.extract %n[%c0] : tensor<1xi64>
  %size = arith.index_cast %count : i64 to index
  %e = tensor.empty(%size) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id1], iterator_types = ["parallel"]} outs(%e : tensor<?xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %0 = tensor.extract %x[%i] : tensor<?xf32>
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %r = tensor.empty() : tensor<1xf32>
  %init = linalg.fill ins(%zero : f32) outs(%r : tensor<1xf32>) -> tensor<1xf32>
  %s = linalg.generic {indexing_maps = [#id1, #zero1], iterator_types = ["reduction"]} ins(%y : tensor<?xf32>) outs(%init : tensor<1xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<1xf32>
  kernel.yield %s : tensor<1xf32>
}

// A few sizes: the host needs them.
// CL: kernel 'sizes' stays the CPU's: a few integers are computed by the host
// CL-LABEL: kernel.func @sizes
// CL-NOT: kernel.gpu
kernel.func @sizes(%x: tensor<4xi64>) -> tensor<4xi64> {
  %e = tensor.empty() : tensor<4xi64>
  %y = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]} ins(%x : tensor<4xi64>) outs(%e : tensor<4xi64>) {
  ^bb0(%a: i64, %o: i64):
    %0 = arith.addi %a, %a : i64
    linalg.yield %0 : i64
  } -> tensor<4xi64>
  kernel.yield %y : tensor<4xi64>
}
