// 3×3 filters of stride 1 are transformed where that pays for their size in memory.
// RUN: sinter-opt %s --nn-assign-layout="vector=16 fewer-products=true" | FileCheck %s
// RUN: sinter-opt %s --nn-assign-layout="vector=16" | FileCheck %s --check-prefix=DIRECT
// DIRECT-NOT: winograd

// A large picture amortises large filters.
// CHECK-LABEL: func @large
// CHECK: nn.einsum {{.*}} {equation = "pt,btcv->bpcv"} : (tensor<36x9xf32>, tensor<2x9x64x32xf32>) -> tensor<2x36x64x32xf32>
// CHECK: nn.conv {{.*}} filter_block = 32 : i64, out_channels = 64 : i64, {{.*}} winograd = 4 : i64
func.func @large(%x: tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32> {
  %w = nn.constant dense<1.0> : tensor<64x64x3x3xf32>
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  return %0 : tensor<1x64x56x56xf32>
}

// So does a size that is not known.
// CHECK-LABEL: func @dynamic
// CHECK: nn.conv {{.*}} winograd = 4 : i64
func.func @dynamic(%x: tensor<?x64x?x?xf32>) -> tensor<?x64x?x?xf32> {
  %w = nn.constant dense<1.0> : tensor<64x64x3x3xf32>
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<?x64x?x?xf32>, tensor<64x64x3x3xf32>) -> tensor<?x64x?x?xf32>
  return %0 : tensor<?x64x?x?xf32>
}

// A small one does not: the filters are all that counts. Nor do few channels, strides, other filters.
// CHECK-LABEL: func @direct
// CHECK-NOT: winograd
func.func @direct(%x: tensor<1x512x4x4xf32>, %y: tensor<1x20x56x56xf32>, %z: tensor<1x64x56x56xf32>) -> (tensor<1x512x4x4xf32>, tensor<1x64x56x56xf32>, tensor<1x64x28x28xf32>, tensor<1x64x56x56xf32>) {
  %w = nn.constant dense<1.0> : tensor<512x512x3x3xf32>
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x512x4x4xf32>, tensor<512x512x3x3xf32>) -> tensor<1x512x4x4xf32>
  %v = nn.constant dense<1.0> : tensor<64x20x3x3xf32>
  %1 = nn.conv %y, %v {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x20x56x56xf32>, tensor<64x20x3x3xf32>) -> tensor<1x64x56x56xf32>
  %u = nn.constant dense<1.0> : tensor<64x64x3x3xf32>
  %2 = nn.conv %z, %u {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x28x28xf32>
  %t = nn.constant dense<1.0> : tensor<64x64x5x5xf32>
  %3 = nn.conv %z, %t {dilations = array<i64: 1, 1>, pads = array<i64: 2, 2, 2, 2>, strides = array<i64: 1, 1>} : (tensor<1x64x56x56xf32>, tensor<64x64x5x5xf32>) -> tensor<1x64x56x56xf32>
  return %0, %1, %2, %3 : tensor<1x512x4x4xf32>, tensor<1x64x56x56xf32>, tensor<1x64x28x28xf32>, tensor<1x64x56x56xf32>
}
