// RUN: kernel-check %s
// RUN: kernel-check --target=x86-64-v3 %s
// RUN: %if opencl %{ kernel-check --target=opencl %s %}
// RUN: kernel-check %s --tile-only --target=x86-64-v4 | FileCheck %s

#xw = affine_map<(d0, d1, d2) -> (d0, d2)>
#ww = affine_map<(d0, d1, d2) -> (d2, d1)>
#yw = affine_map<(d0, d1, d2) -> (d0, d1)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>

// A product that branches: its tile is in registers for all of them, and one of the results is the product itself.
// CHECK-LABEL: kernel.func @branches
// CHECK: %[[Y:.*]]:3 = linalg.generic
// CHECK: kernel.yield %[[Y]]#0, %[[Y]]#1, %[[Y]]#2
// CHECK: %[[S:.*]]:5 = kernel.stages
// CHECK-NOT: rfactor
// CHECK: kernel.compute_at %[[S]]#0 in %[[S]]#4
kernel.func @branches(%x: tensor<37x40xf32>, %w: tensor<40x70xf32>, %b: tensor<70xf32>)
    -> (tensor<37x70xf32>, tensor<37x70xf32>, tensor<37x70xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<37x70xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<37x70xf32>) -> tensor<37x70xf32>
  %p = linalg.generic {indexing_maps = [#xw, #ww, #yw], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<37x40xf32>, tensor<40x70xf32>) outs(%init : tensor<37x70xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<37x70xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<37x70xf32>, tensor<70xf32>) outs(%e : tensor<37x70xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    %r = arith.maximumf %s, %zero : f32
    linalg.yield %r : f32
  } -> tensor<37x70xf32>
  %z = linalg.map {math.tanh} ins(%p : tensor<37x70xf32>) outs(%e : tensor<37x70xf32>)
  kernel.yield %y, %p, %z : tensor<37x70xf32>, tensor<37x70xf32>, tensor<37x70xf32>
}

// The gates of a cell, over a batch that is not known.
// CHECK-LABEL: kernel.func @gates
// CHECK: %[[S:.*]]:3 = kernel.stages
// CHECK-NOT: kernel.split %[[S]]#0
// CHECK: kernel.split %[[S]]#2
kernel.func @gates(%x: tensor<?x64xf32> {check.dims = ["n", ""]}, %c: tensor<?x64xf32> {check.dims = ["n", ""]})
    -> (tensor<?x64xf32> {check.dims = ["n", ""]}, tensor<?x64xf32> {check.dims = ["n", ""]})
    attributes {check.sizes = [{n = 1 : i64}, {n = 5 : i64}]} {
  %i0 = arith.constant 0 : index
  %n = tensor.dim %x, %i0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %y = linalg.map {arith.addf} ins(%x, %c : tensor<?x64xf32>, tensor<?x64xf32>) outs(%e : tensor<?x64xf32>)
  %z = linalg.map {math.tanh} ins(%y : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>)
  kernel.yield %y, %z : tensor<?x64xf32>, tensor<?x64xf32>
}

// Results of two element types.
kernel.func @types(%x: tensor<9x70xf32>, %c: tensor<9x70xf32>) -> (tensor<9x70xf32>, tensor<9x70xi1>) {
  %e = tensor.empty() : tensor<9x70xf32>
  %e1 = tensor.empty() : tensor<9x70xi1>
  %y = linalg.map {arith.addf} ins(%x, %c : tensor<9x70xf32>, tensor<9x70xf32>) outs(%e : tensor<9x70xf32>)
  %z = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %c : tensor<9x70xf32>, tensor<9x70xf32>) outs(%e1 : tensor<9x70xi1>) {
  ^bb0(%a: f32, %b: f32, %o: i1):
    %r = arith.cmpf olt, %a, %b : f32
    linalg.yield %r : i1
  } -> tensor<9x70xi1>
  kernel.yield %y, %z : tensor<9x70xf32>, tensor<9x70xi1>
}

// Shapes that differ stay nests of their own.
// CHECK-LABEL: kernel.func @shapes
// CHECK: kernel.yield %{{[0-9a-z]*}}, %{{[0-9a-z]*}} :
// CHECK: kernel.split %[[S:.*]]#0
// CHECK: kernel.split %[[S]]#2
kernel.func @shapes(%x: tensor<9x70xf32>) -> (tensor<9x70xf32>, tensor<70x9xf32>) {
  %e = tensor.empty() : tensor<9x70xf32>
  %t = tensor.empty() : tensor<70x9xf32>
  %y = linalg.map {math.tanh} ins(%x : tensor<9x70xf32>) outs(%e : tensor<9x70xf32>)
  %z = linalg.transpose ins(%x : tensor<9x70xf32>) outs(%t : tensor<70x9xf32>) permutation = [1, 0]
  kernel.yield %y, %z : tensor<9x70xf32>, tensor<70x9xf32>
}

// A part of a larger tensor: nothing is written between its rows.
kernel.func @part(%x: tensor<9x70xf32>) -> (tensor<9x70xf32> {kernel.strides = array<i64: 96, 1>}) {
  %e = tensor.empty() : tensor<9x70xf32>
  %y = linalg.map {math.tanh} ins(%x : tensor<9x70xf32>) outs(%e : tensor<9x70xf32>)
  kernel.yield %y : tensor<9x70xf32>
}
