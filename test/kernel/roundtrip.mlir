// Text of the kernel dialect parses to itself, in the pretty and in the generic form.
// RUN: sinter-opt %s > %t.mlir
// RUN: sinter-opt %t.mlir | cmp - %t.mlir
// RUN: sinter-opt %s --mlir-print-op-generic | sinter-opt | cmp - %t.mlir
// RUN: FileCheck %s < %t.mlir

#id = affine_map<(d0, d1) -> (d0, d1)>
#lhs = affine_map<(d0, d1, d2) -> (d0, d2)>
#rhs = affine_map<(d0, d1, d2) -> (d2, d1)>
#out = affine_map<(d0, d1, d2) -> (d0, d1)>

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x32xf32>, %n: index) -> tensor<?x?xf32> {
  %init = tensor.empty() : tensor<8x32xf32>
  // CHECK: kernel.call @matmul_relu(%{{.*}}, %{{.*}}) outs(%{{.*}}) : (tensor<8x16xf32>, tensor<16x32xf32>, tensor<8x32xf32>) -> tensor<8x32xf32>
  %0 = kernel.call @matmul_relu(%x, %w) outs(%init) : (tensor<8x16xf32>, tensor<16x32xf32>, tensor<8x32xf32>) -> tensor<8x32xf32>
  // CHECK: kernel.runtime_call "reverse"(%{{.*}}) outs(%{{.*}}) {params = array<i64: 1, 0>}
  %1 = kernel.runtime_call "reverse"(%0) outs(%init) {params = array<i64: 1, 0>} : (tensor<8x32xf32>, tensor<8x32xf32>) -> tensor<8x32xf32>
  // CHECK: kernel.view %{{.*}}[%{{.*}}, %{{.*}}] : tensor<8x32xf32> to tensor<?x?xf32>
  %2 = kernel.view %1[%n, %n] : tensor<8x32xf32> to tensor<?x?xf32>
  // CHECK: kernel.view %{{.*}} : tensor<8x32xf32> to tensor<256xf32>
  %3 = kernel.view %1 : tensor<8x32xf32> to tensor<256xf32>
  // CHECK: kernel.part %{{.*}} at %{{.*}}[%{{.*}}] : tensor<256xf32> to tensor<?x2xf32>
  %part = kernel.part %3 at %n[%n] : tensor<256xf32> to tensor<?x2xf32>
  // CHECK: kernel.room in %{{.*}} at %{{.*}} : tensor<256xf32> to tensor<4xf32>
  %room = kernel.room in %3 at %n : tensor<256xf32> to tensor<4xf32>
  // CHECK: kernel.join %{{.*}} of %{{.*}} : tensor<256xf32> of tensor<4xf32>
  %join = kernel.join %3 of %room : tensor<256xf32> of tensor<4xf32>
  return %2 : tensor<?x?xf32>
}

// CHECK-LABEL: kernel.func @matmul_relu(%{{.*}}: tensor<8x16xf32>, %{{.*}}: tensor<16x32xf32>) -> tensor<8x32xf32> {
kernel.func @matmul_relu(%x: tensor<8x16xf32>, %w: tensor<16x32xf32>) -> tensor<8x32xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8x32xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<8x32xf32>) -> tensor<8x32xf32>
  %0 = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x16xf32>, tensor<16x32xf32>) outs(%fill : tensor<8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %c, %m : f32
    linalg.yield %s : f32
  } -> tensor<8x32xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x32xf32>) outs(%empty : tensor<8x32xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.maximumf %a, %zero : f32
    linalg.yield %r : f32
  } -> tensor<8x32xf32>
  // CHECK: kernel.yield %{{.*}} : tensor<8x32xf32>
  kernel.yield %1 : tensor<8x32xf32>
// CHECK: } schedule {
} schedule {
  // CHECK: %[[S:.*]]:2 = kernel.stages
  %s:2 = kernel.stages
  // CHECK: kernel.split %[[S]]#1 d1 by 8 -> c, v tail(shift_inwards)
  kernel.split %s#1 d1 by 8 -> c, v tail(shift_inwards)
  // CHECK: kernel.versions %[[S]]#1 [{d0 = 4 : i64, d1 = 8 : i64}, {d0 = 1 : i64, d1 = 16 : i64}] cost [9, 4] fitting of {d0 = 12 : i64}
  kernel.versions %s#1 [{d0 = 4 : i64, d1 = 8 : i64}, {d0 = 1 : i64, d1 = 16 : i64}] cost [9, 4] fitting of {d0 = 12 : i64}
  // CHECK: kernel.reorder %[[S]]#1 [v, c, d0]
  kernel.reorder %s#1 [v, c, d0]
  // CHECK: kernel.vectorize %[[S]]#1 v
  kernel.vectorize %s#1 v
  // CHECK: kernel.parallel %[[S]]#1 d0
  kernel.parallel %s#1 d0
  // CHECK: kernel.compute_at %[[S]]#0 in %[[S]]#1 at c
  kernel.compute_at %s#0 in %s#1 at c
  // CHECK: kernel.unroll %[[S]]#0 update d2
  kernel.unroll %s#0 update d2
  // CHECK: kernel.split %[[S]]#1 d0 by 12 even 4 -> p, i
  kernel.split %s#1 d0 by 12 even 4 -> p, i
}

// The device's directives.
// CHECK-LABEL: kernel.func @device({{.*}}) -> tensor<8x16xf32> attributes {kernel.device}
kernel.func @device(%x: tensor<8x16xf32>) -> tensor<8x16xf32> attributes {kernel.device} {
  %e = tensor.empty() : tensor<8x16xf32>
  %y = linalg.copy ins(%x : tensor<8x16xf32>) outs(%e : tensor<8x16xf32>) -> tensor<8x16xf32>
  %z = linalg.copy ins(%y : tensor<8x16xf32>) outs(%e : tensor<8x16xf32>) -> tensor<8x16xf32>
  kernel.yield %z : tensor<8x16xf32>
} schedule {
  // CHECK: %[[S:.*]]:2 = kernel.stages
  %s:2 = kernel.stages
  // CHECK: kernel.gpu_blocks %[[S]]#1 [d0]
  kernel.gpu_blocks %s#1 [d0]
  // CHECK: kernel.gpu_threads %[[S]]#1 [d1]
  kernel.gpu_threads %s#1 [d1]
  // CHECK: kernel.gpu_block %[[S]]#0 -> b
  kernel.gpu_block %s#0 -> b
  // CHECK: kernel.store_in %[[S]]#0 gpu_shared
  kernel.store_in %s#0 gpu_shared
}

// CHECK-LABEL: func.func @require
func.func @require(%a: index, %b: index) {
  // CHECK: kernel.require %{{.*}}, %{{.*}} equal "the inner dims"
  kernel.require %a, %b equal "the inner dims"
  // CHECK: kernel.require %{{.*}}, %{{.*}} broadcast "dims"
  kernel.require %a, %b broadcast "dims"
  // CHECK: kernel.require %{{.*}}, %{{.*}} non_negative "a dim"
  kernel.require %a, %b non_negative "a dim"
  return
}
