#map = affine_map<(d0, d1, d2) -> (d0, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d2, d1)>
#map2 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map3 = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @main(%arg0: tensor<8x16xf32>, %arg1: tensor<16x32xf32>, %arg2: index) -> tensor<?x?xf32> {
    %0 = tensor.empty() : tensor<8x32xf32>
    %1 = kernel.call @matmul_relu(%arg0, %arg1) outs(%0) : (tensor<8x16xf32>, tensor<16x32xf32>, tensor<8x32xf32>) -> tensor<8x32xf32>
    %2 = kernel.runtime_call "reverse"(%1) outs(%0) {params = array<i64: 1, 0>} : (tensor<8x32xf32>, tensor<8x32xf32>) -> tensor<8x32xf32>
    %3 = kernel.view %2[%arg2, %arg2] : tensor<8x32xf32> to tensor<?x?xf32>
    %4 = kernel.view %2 : tensor<8x32xf32> to tensor<256xf32>
    return %3 : tensor<?x?xf32>
  }
  kernel.func @matmul_relu(%arg0: tensor<8x16xf32>, %arg1: tensor<16x32xf32>) -> tensor<8x32xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %0 = tensor.empty() : tensor<8x32xf32>
    %1 = linalg.fill ins(%cst : f32) outs(%0 : tensor<8x32xf32>) -> tensor<8x32xf32>
    %2 = linalg.generic {indexing_maps = [#map, #map1, #map2], iterator_types = ["parallel", "parallel", "reduction"]} ins(%arg0, %arg1 : tensor<8x16xf32>, tensor<16x32xf32>) outs(%1 : tensor<8x32xf32>) {
    ^bb0(%in: f32, %in_0: f32, %out: f32):
      %4 = arith.mulf %in, %in_0 : f32
      %5 = arith.addf %out, %4 : f32
      linalg.yield %5 : f32
    } -> tensor<8x32xf32>
    %3 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%2 : tensor<8x32xf32>) outs(%0 : tensor<8x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %4 = arith.maximumf %in, %cst : f32
      linalg.yield %4 : f32
    } -> tensor<8x32xf32>
    kernel.yield %3 : tensor<8x32xf32>
  } schedule {
    %0:2 = kernel.stages
    kernel.split %0#1 d1 by 8 -> c, v tail(shift_inwards)
    kernel.reorder %0#1 [v, c, d0]
    kernel.vectorize %0#1 v
    kernel.parallel %0#1 d0
    kernel.compute_at %0#0 in %0#1 at c
    kernel.unroll %0#0 update d2
  }
}

