// REQUIRES: opencl
// A window over a dynamic width, of one picture and of two: rows and pictures are loops apart from those within a row,
// so that Halide sees that a thread needs one of them.
// RUN: split-file %s %t
// RUN: kernel-check %t/one.mlir --target=opencl | FileCheck %s --check-prefix=ONE
// ONE: PASS depthwise w=1
// ONE: PASS depthwise w=37
// RUN: kernel-check %t/two.mlir --target=opencl | FileCheck %s --check-prefix=TWO
// TWO: PASS depthwise w=1
// TWO: PASS depthwise w=37
// Rows of an attention of unknown sizes, a block each.
// RUN: kernel-check %t/rows.mlir --target=opencl | FileCheck %s --check-prefix=ROWS
// ROWS: PASS softmax b=1 t=1
// ROWS: PASS softmax b=2 t=37
// And of rows that are expected to be short, a thread each.
// RUN: sed 's/{check.dims = \["b", "", "t", "t"\]})/{check.dims = ["b", "", "t", "t"], kernel.expected = array<i64: 1, 8, 28, 28>})/' %t/rows.mlir > %t/short.mlir
// RUN: kernel-check %t/short.mlir --target=opencl | FileCheck %s --check-prefix=ROWS

//--- one.mlir
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#window = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 + d4, d2 + d5, d3)>
#filter = affine_map<(d0, d1, d2, d3, d4, d5) -> (d3, d4, d5)>
#result = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>
kernel.func @depthwise(%x: tensor<1x6x?x4xf32> {check.dims = ["", "", "w", ""]}, %f: tensor<4x3x3xf32>) -> (tensor<1x6x?x4xf32> {check.dims = ["", "", "w", ""]})
    attributes {check.sizes = [{w = 1}, {w = 37}]} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %last = arith.constant 5 : index
  %rows = arith.constant 6 : index
  %w = tensor.dim %x, %c2 : tensor<1x6x?x4xf32>
  %wide = arith.addi %w, %c2 : index
  %border = tensor.empty(%wide) : tensor<1x8x?x4xf32>
  %padded = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%border : tensor<1x8x?x4xf32>) {
  ^bb0(%o: f32):
    %n = linalg.index 0 : index
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = linalg.index 3 : index
    %y = arith.subi %i, %c1 : index
    %v = arith.subi %j, %c1 : index
    %y0 = arith.cmpi sge, %y, %c0 : index
    %y1 = arith.cmpi slt, %y, %rows : index
    %v0 = arith.cmpi sge, %v, %c0 : index
    %v1 = arith.cmpi slt, %v, %w : index
    %a = arith.andi %y0, %y1 : i1
    %b = arith.andi %v0, %v1 : i1
    %inside = arith.andi %a, %b : i1
    %end = arith.subi %w, %c1 : index
    %y2 = arith.maxsi %y, %c0 : index
    %y3 = arith.minsi %y2, %last : index
    %v2 = arith.maxsi %v, %c0 : index
    %v3 = arith.minsi %v2, %end : index
    %at = tensor.extract %x[%n, %y3, %v3, %c] : tensor<1x6x?x4xf32>
    %r = arith.select %inside, %at, %zero : f32
    linalg.yield %r : f32
  } -> tensor<1x8x?x4xf32>
  %place = tensor.empty(%w) : tensor<1x6x?x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<1x6x?x4xf32>) -> tensor<1x6x?x4xf32>
  %sum = linalg.generic {indexing_maps = [#window, #filter, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %f : tensor<1x8x?x4xf32>, tensor<4x3x3xf32>) outs(%init : tensor<1x6x?x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %m = arith.mulf %p, %q : f32
    %r = arith.addf %o, %m : f32
    linalg.yield %r : f32
  } -> tensor<1x6x?x4xf32>
  kernel.yield %sum : tensor<1x6x?x4xf32>
}

//--- two.mlir
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#window = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 + d4, d2 + d5, d3)>
#filter = affine_map<(d0, d1, d2, d3, d4, d5) -> (d3, d4, d5)>
#result = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>
kernel.func @depthwise(%x: tensor<2x6x?x4xf32> {check.dims = ["", "", "w", ""]}, %f: tensor<4x3x3xf32>) -> (tensor<2x6x?x4xf32> {check.dims = ["", "", "w", ""]})
    attributes {check.sizes = [{w = 1}, {w = 37}]} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %last = arith.constant 5 : index
  %rows = arith.constant 6 : index
  %w = tensor.dim %x, %c2 : tensor<2x6x?x4xf32>
  %wide = arith.addi %w, %c2 : index
  %border = tensor.empty(%wide) : tensor<2x8x?x4xf32>
  %padded = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%border : tensor<2x8x?x4xf32>) {
  ^bb0(%o: f32):
    %n = linalg.index 0 : index
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = linalg.index 3 : index
    %y = arith.subi %i, %c1 : index
    %v = arith.subi %j, %c1 : index
    %y0 = arith.cmpi sge, %y, %c0 : index
    %y1 = arith.cmpi slt, %y, %rows : index
    %v0 = arith.cmpi sge, %v, %c0 : index
    %v1 = arith.cmpi slt, %v, %w : index
    %a = arith.andi %y0, %y1 : i1
    %b = arith.andi %v0, %v1 : i1
    %inside = arith.andi %a, %b : i1
    %end = arith.subi %w, %c1 : index
    %y2 = arith.maxsi %y, %c0 : index
    %y3 = arith.minsi %y2, %last : index
    %v2 = arith.maxsi %v, %c0 : index
    %v3 = arith.minsi %v2, %end : index
    %at = tensor.extract %x[%n, %y3, %v3, %c] : tensor<2x6x?x4xf32>
    %r = arith.select %inside, %at, %zero : f32
    linalg.yield %r : f32
  } -> tensor<2x8x?x4xf32>
  %place = tensor.empty(%w) : tensor<2x6x?x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<2x6x?x4xf32>) -> tensor<2x6x?x4xf32>
  %sum = linalg.generic {indexing_maps = [#window, #filter, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %f : tensor<2x8x?x4xf32>, tensor<4x3x3xf32>) outs(%init : tensor<2x6x?x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %m = arith.mulf %p, %q : f32
    %r = arith.addf %o, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x6x?x4xf32>
  kernel.yield %sum : tensor<2x6x?x4xf32>
}

//--- rows.mlir
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#row = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
kernel.func @softmax(%x: tensor<?x8x?x?xf32> {check.dims = ["b", "", "t", "t"]}) -> (tensor<?x8x?x?xf32> {check.dims = ["b", "", "t", "t"]})
    attributes {check.sizes = [{b = 1, t = 1}, {b = 2, t = 37}]} {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x?x?xf32>
  %t = tensor.dim %x, %c2 : tensor<?x8x?x?xf32>
  %u = tensor.dim %x, %c3 : tensor<?x8x?x?xf32>
  %place = tensor.empty(%b, %t) : tensor<?x8x?xf32>
  %first = linalg.fill ins(%least : f32) outs(%place : tensor<?x8x?xf32>) -> tensor<?x8x?xf32>
  %most = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x : tensor<?x8x?x?xf32>) outs(%first : tensor<?x8x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maxnumf %o, %a : f32
    linalg.yield %m : f32
  } -> tensor<?x8x?xf32>
  %values = tensor.empty(%b, %t, %u) : tensor<?x8x?x?xf32>
  %e = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %most : tensor<?x8x?x?xf32>, tensor<?x8x?xf32>) outs(%values : tensor<?x8x?x?xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %d = arith.subf %a, %m : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  } -> tensor<?x8x?x?xf32>
  %none = linalg.fill ins(%zero : f32) outs(%place : tensor<?x8x?xf32>) -> tensor<?x8x?xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%e : tensor<?x8x?x?xf32>) outs(%none : tensor<?x8x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x8x?xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%e, %sum : tensor<?x8x?x?xf32>, tensor<?x8x?xf32>) outs(%values : tensor<?x8x?x?xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %r = arith.divf %a, %s : f32
    linalg.yield %r : f32
  } -> tensor<?x8x?x?xf32>
  kernel.yield %y : tensor<?x8x?x?xf32>
}
