// Kernels of one long row: its vectors go in parallel, with the sums that they need beside them; so does a copy. Extents that
// vectors and tasks divide and do not divide.
// RUN: kernel-check %s
// RUN: kernel-check %s --tile-only --target=x86-64-v4 | FileCheck %s

#id = affine_map<(d0) -> (d0)>
#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: kernel.func @squares
// CHECK: kernel.parallel %{{.*}} d0_o_task
kernel.func @squares(%x: tensor<100003xf32>) -> tensor<100003xf32> {
  %e = tensor.empty() : tensor<100003xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<100003xf32>) outs(%e : tensor<100003xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.mulf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<100003xf32>
  kernel.yield %y : tensor<100003xf32>
}

// CHECK-LABEL: kernel.func @sums
// CHECK: %[[S:.*]]:2 = kernel.stages
// CHECK: kernel.parallel %[[S]]#1 [[TASK:d0_o.*]]{{$}}
// CHECK: kernel.compute_at %[[S]]#0 in %[[S]]#1 at
// CHECK: kernel.rfactor %[[S]]#0 d1
kernel.func @sums(%x: tensor<2055x256xf32>) -> tensor<2055xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2055xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<2055xf32>) -> tensor<2055xf32>
  %y = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<2055x256xf32>) outs(%init : tensor<2055xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  } -> tensor<2055xf32>
  kernel.yield %y : tensor<2055xf32>
}

// CHECK-LABEL: kernel.func @copy
// CHECK: kernel.parallel
kernel.func @copy(%x: tensor<2048x256xf32>) -> tensor<2048x256xf32> {
  kernel.yield %x : tensor<2048x256xf32>
}

// A short row is no task.
// CHECK-LABEL: kernel.func @short
// CHECK-NOT: kernel.parallel
kernel.func @short(%x: tensor<1000xf32>) -> tensor<1000xf32> {
  kernel.yield %x : tensor<1000xf32>
}
