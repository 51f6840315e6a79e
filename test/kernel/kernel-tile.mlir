// RUN: kernel-check %s --tile-only --target=x86-64-v4 | FileCheck %s
// RUN: kernel-check %s --tile-only --target=x86-64-v3 | FileCheck %s --check-prefix=AVX2

// A product: accumulators of some vectors by some rows, over the whole reduction. The copy behind it keeps them out of
// the output's memory.
// CHECK-LABEL: kernel.func @product
// CHECK: %[[S:.*]]:2 = kernel.stages
// CHECK: kernel.split %[[S]]#1 d1 by [[T:[0-9]+]] -> d1_o, d1_v tail(shift_inwards)
// CHECK: kernel.vectorize %[[S]]#1 d1_v
// CHECK: kernel.unroll %[[S]]#1 d0_u
// CHECK: kernel.compute_at %[[S]]#0 in %[[S]]#1
// CHECK: kernel.vectorize %[[S]]#0 update d1
// CHECK: kernel.unroll %[[S]]#0 update d0
// AVX2-LABEL: kernel.func @product
// AVX2: kernel.compute_at
kernel.func @product(%x: tensor<64x128xf32>, %w: tensor<128x96xf32>) -> tensor<64x96xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x96xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<64x96xf32>) -> tensor<64x96xf32>
  %y = linalg.matmul ins(%x, %w : tensor<64x128xf32>, tensor<128x96xf32>) outs(%init : tensor<64x96xf32>) -> tensor<64x96xf32>
  kernel.yield %y : tensor<64x96xf32>
}

// Sums of rows are taken in vectors of partial results.
// CHECK-LABEL: kernel.func @row_sums
// CHECK: kernel.rfactor %{{.*}} d1 by {{[0-9]+}} -> d1_v
kernel.func @row_sums(%x: tensor<64x1000xf32>) -> tensor<64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %y = linalg.reduce {arith.addf} ins(%x : tensor<64x1000xf32>) outs(%init : tensor<64xf32>) dimensions = [1]
  kernel.yield %y : tensor<64xf32>
}

// A vector never reaches beyond an extent that is not known.
// CHECK-LABEL: kernel.func @dynamic
// CHECK: kernel.split %{{.*}} d0 by 16 -> d0_o, d0_v tail(predicate)
kernel.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0 : index
  %n = tensor.dim %x, %zero : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.map {math.exp} ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>)
  kernel.yield %y : tensor<?xf32>
}

// Many rows: runs of them go in parallel, so that the next kernel finds them in the cache of the core that made them. Within
// a run a panel is used for all rows.
// CHECK-LABEL: kernel.func @many_rows
// CHECK: kernel.split %[[O:.*]] d0_o by [[LENGTH:[0-9]+]] -> d0_o_r, d0_o_i
// CHECK: kernel.reorder %[[O]] [d1_v, d0_u, d0_o_i, d1_o, d0_o_r]
// CHECK: kernel.fuse %[[O]] d0_o_r, d1_o -> [[TASK:.*]]
// CHECK: kernel.parallel %[[O]] [[TASK]]
kernel.func @many_rows(%x: tensor<784x64xf32>, %w: tensor<64x128xf32>) -> tensor<784x128xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<784x128xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<784x128xf32>) -> tensor<784x128xf32>
  %sum = linalg.matmul ins(%x, %w : tensor<784x64xf32>, tensor<64x128xf32>) outs(%init : tensor<784x128xf32>) -> tensor<784x128xf32>
  kernel.yield %sum : tensor<784x128xf32>
}

// One row whose last panel is not full: its panels go in parallel.
// CHECK-LABEL: kernel.func @open_panel
// CHECK: kernel.split %[[S:.*]] d1 by 48 -> d1_o, d1_v tail(round_up)
// CHECK: kernel.parallel %[[S]] d1_o
kernel.func @open_panel(%x: tensor<1x2048xf32>, %w: tensor<21x2048x48xf32>) -> tensor<1x1000xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x1000xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x1000xf32>) -> tensor<1x1000xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1 floordiv 48, d2, d1 mod 48)>,
                                          affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1x2048xf32>, tensor<21x2048x48xf32>) outs(%init : tensor<1x1000xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %c, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x1000xf32>
  kernel.yield %sum : tensor<1x1000xf32>
}

// Rows that may be few: one by one they have wider tiles, so that enough sums are under way.
// AVX2-LABEL: kernel.func @few_rows
// AVX2: kernel.versions %{{.*}} [{{.*}}, {d0 = 1 : i64, d1 = 64 : i64}] cost [{{.*}}] fitting
kernel.func @few_rows(%x: tensor<?x128xf32>, %w: tensor<128x192xf32>) -> tensor<?x192xf32> {
  %zero = arith.constant 0.0 : f32
  %i0 = arith.constant 0 : index
  %n = tensor.dim %x, %i0 : tensor<?x128xf32>
  %e = tensor.empty(%n) : tensor<?x192xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x192xf32>) -> tensor<?x192xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x128xf32>, tensor<128x192xf32>) outs(%init : tensor<?x192xf32>) -> tensor<?x192xf32>
  kernel.yield %y : tensor<?x192xf32>
}

// A batch is expected to be 1, but others come: tiles of many and of few rows.
// CHECK-LABEL: kernel.func @some_batch
// CHECK: kernel.versions %{{.*}} [{{.*}}{d0 = {{[4-9]|1[0-4]}} : i64, d1 = {{.*}}{d0 = {{2|3}} : i64, {{.*}}{d0 = 1 : i64, d1 = {{[0-9]+}} : i64}] cost [{{.*}}] fitting
kernel.func @some_batch(%x: tensor<?x128xf32> {kernel.expected = array<i64: 1, 128>}, %w: tensor<128x192xf32>) -> tensor<?x192xf32> {
  %zero = arith.constant 0.0 : f32
  %i0 = arith.constant 0 : index
  %n = tensor.dim %x, %i0 : tensor<?x128xf32>
  %e = tensor.empty(%n) : tensor<?x192xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x192xf32>) -> tensor<?x192xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x128xf32>, tensor<128x192xf32>) outs(%init : tensor<?x192xf32>) -> tensor<?x192xf32>
  kernel.yield %y : tensor<?x192xf32>
}
