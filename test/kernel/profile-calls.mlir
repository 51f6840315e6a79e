// RUN: sinter-opt %s --profile-calls | FileCheck %s

// A multiplication and an exponential, of 21 operations, for each element of a dynamic extent, a table of which only some rows are read, and a call without an algorithm.
// CHECK-DAG: #[[GATHER:.*]] = affine_map<()[s0, s1] -> (s0 * 1408, s0 * 8 + s1 * 256, 4096000, s0 * 256)>
// CHECK-DAG: #[[TOP:.*]] = affine_map<()[s0, s1] -> (0, s0 * 256 + s1 * 256)>
// CHECK: module attributes {sinter.profile = {{\[}}["gather_scale", "g m"], ["top_k", "k"]]}
// CHECK: kernel.call @gather_scale
// CHECK-SAME: {sinter.profile = {cost = #[[GATHER]], entry = 0 : i64, sizes = array<i64: 1, 0, 2, 0>}}
// CHECK: kernel.runtime_call "top_k"
// CHECK-SAME: {sinter.profile = {cost = #[[TOP]], entry = 1 : i64, sizes = array<i64: 0, 0, 1, 0>}}
func.func @main(%table: tensor<16000x64xf32>, %at: tensor<?xi64>) -> tensor<?x64xf32> {
  %zero = arith.constant 0 : index
  %n = tensor.dim %at, %zero : tensor<?xi64>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %r = kernel.call @gather_scale(%table, %at) outs(%e) : (tensor<16000x64xf32>, tensor<?xi64>, tensor<?x64xf32>) -> tensor<?x64xf32> loc(fused["g", "m"])
  %s = kernel.runtime_call "top_k"(%r) outs(%e) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32> loc("k")
  return %s : tensor<?x64xf32>
}
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
kernel.func @gather_scale(%table: tensor<16000x64xf32>, %at: tensor<?xi64>) -> tensor<?x64xf32> {
  %two = arith.constant 2.0 : f32
  %zero = arith.constant 0 : index
  %n = tensor.dim %at, %zero : tensor<?xi64>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]} ins(%at : tensor<?xi64>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%i: i64, %o: f32):
    %row = arith.index_cast %i : i64 to index
    %column = linalg.index 1 : index
    %v = tensor.extract %table[%row, %column] : tensor<16000x64xf32>
    %m = arith.mulf %v, %two : f32
    %r = math.exp %m : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  kernel.yield %y : tensor<?x64xf32>
}
