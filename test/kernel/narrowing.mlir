// A float that an int32 holds wraps around in a narrower integer, on every vector width: x86's packing
// instructions saturate, and a conversion straight to 8 bits would be free to use them.
// RUN: kernel-check %s
// RUN: kernel-check --target=x86-64-v3 %s
// RUN: kernel-check --target=x86-64-v2 %s
// REQUIRES: x86-64, avx2

kernel.func @float_to_i8(%x: tensor<77xf32> {check.range = [-300.0, 300.0]}) -> tensor<77xi8> {
  %init = tensor.empty() : tensor<77xi8>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%x : tensor<77xf32>) outs(%init : tensor<77xi8>) {
  ^bb0(%a: f32, %o: i8):
    %wide = arith.fptosi %a : f32 to i32
    %narrow = arith.trunci %wide : i32 to i8
    linalg.yield %narrow : i8
  } -> tensor<77xi8>
  kernel.yield %0 : tensor<77xi8>
}

// The wide integer in an op of its own, which the schedule puts inside.
kernel.func @in_two_steps(%x: tensor<77xf32> {check.range = [-70000.0, 70000.0]}) -> tensor<77xi16> {
  %e = tensor.empty() : tensor<77xi32>
  %wide = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%x : tensor<77xf32>) outs(%e : tensor<77xi32>) {
  ^bb0(%a: f32, %o: i32):
    %0 = arith.fptosi %a : f32 to i32
    linalg.yield %0 : i32
  } -> tensor<77xi32>
  %init = tensor.empty() : tensor<77xi16>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%wide : tensor<77xi32>) outs(%init : tensor<77xi16>) {
  ^bb0(%a: i32, %o: i16):
    %narrow = arith.trunci %a : i32 to i16
    linalg.yield %narrow : i16
  } -> tensor<77xi16>
  kernel.yield %0 : tensor<77xi16>
}
