// RUN: sinter-opt %s --lower-kernels-reference | FileCheck %s

// A kernel becomes loops that write to the destination; what is in between is on the stack while it is small.
// CHECK-LABEL: func.func private @square_sum(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<4xf32>)
// CHECK-NOT: tensor
// CHECK: memref.alloca() {{.*}}: memref<4x8xf32>
// CHECK: scf.for
// CHECK: memref.store %{{.*}}, %[[Y]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
kernel.func @square_sum(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.mulf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  %e1 = tensor.empty() : tensor<4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e1 : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%s : tensor<4x8xf32>) outs(%init : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  kernel.yield %y : tensor<4xf32>
}

// A size that is only known at run time comes from the context's arena.
// CHECK-LABEL: func.func private @twice(
// CHECK: call @sinter_rt_alloc
kernel.func @twice(%x: tensor<?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0 : index
  %n = tensor.dim %x, %zero : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %a = linalg.map {math.exp} ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>)
  %b = linalg.map {math.exp} ins(%a : tensor<?xf32>) outs(%e : tensor<?xf32>)
  %e2 = tensor.empty(%n) : tensor<?xf32>
  %c = linalg.add ins(%a, %b : tensor<?xf32>, tensor<?xf32>) outs(%e2 : tensor<?xf32>) -> tensor<?xf32>
  kernel.yield %c : tensor<?xf32>
}
