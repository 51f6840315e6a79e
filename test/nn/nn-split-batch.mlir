// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-split-batch{cache-bytes=4096}))' | FileCheck %s

// Layers of large tensors go through two pictures one after the other; what follows the pool is small, and reads both.
// CHECK-LABEL: func @pictures
// CHECK: %[[FILTER:.*]] = nn.constant
// CHECK: %[[A:.*]] = nn.slice %arg0, {{.*}} -> tensor<1x8x8x8xf32>
// CHECK: %[[A1:.*]] = nn.conv %[[A]], %[[FILTER]] {{.*}} -> tensor<1x8x8x8xf32>
// CHECK: %[[A2:.*]] = nn.relu %[[A1]]
// CHECK: %[[A3:.*]] = nn.max_pool %[[A2]] {{.*}} -> tensor<1x4x4x8xf32>
// CHECK: %[[B:.*]] = nn.slice %arg0, {{.*}} -> tensor<1x8x8x8xf32>
// CHECK: %[[B1:.*]] = nn.conv %[[B]], %[[FILTER]]
// CHECK: %[[B2:.*]] = nn.relu %[[B1]]
// CHECK: %[[B3:.*]] = nn.max_pool %[[B2]]
// CHECK: %[[ALL:.*]] = nn.concat %[[A3]], %[[B3]] {axis = 0 : i64} : {{.*}} -> tensor<2x4x4x8xf32>
// CHECK: %[[SMALL:.*]] = nn.conv %[[ALL]], {{.*}} -> tensor<2x4x4x8xf32>
// CHECK: return %[[SMALL]]
func.func @pictures(%x: tensor<2x8x8x8xf32>) -> tensor<2x4x4x8xf32> {
  %w = nn.constant dense<0.5> : tensor<1x1x1x8x8xf32>
  %0 = nn.conv %x, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 8 : i64, out_channels = 8 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<2x8x8x8xf32>, tensor<1x1x1x8x8xf32>) -> tensor<2x8x8x8xf32>
  %1 = nn.relu %0 : (tensor<2x8x8x8xf32>) -> tensor<2x8x8x8xf32>
  %2 = nn.max_pool %1 {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<2x8x8x8xf32>) -> tensor<2x4x4x8xf32>
  %3 = nn.conv %2, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 8 : i64, out_channels = 8 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<2x4x4x8xf32>, tensor<1x1x1x8x8xf32>) -> tensor<2x4x4x8xf32>
  return %3 : tensor<2x4x4x8xf32>
}

// Reading 18 KB of weights twice costs more than what 6 KB of activations do in memory.
// CHECK-LABEL: func @weights
// CHECK-NOT: nn.slice
func.func @weights(%x: tensor<2x4x4x16xf32>) -> tensor<2x4x4x32xf32> {
  %w = nn.constant dense<0.5> : tensor<1x3x3x16x32xf32>
  %0 = nn.conv %x, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 32 : i64, out_channels = 32 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<2x4x4x16xf32>, tensor<1x3x3x16x32xf32>) -> tensor<2x4x4x32xf32>
  return %0 : tensor<2x4x4x32xf32>
}

// A sum over the batch ends what can be split, and what it reads is joined again.
// CHECK-LABEL: func @sum
// CHECK-COUNT-2: nn.max_pool
// CHECK: %[[ALL:.*]] = nn.concat
// CHECK: nn.reduce %[[ALL]]
func.func @sum(%x: tensor<2x8x8x8xf32>) -> tensor<4x4x8xf32> {
  %0 = nn.max_pool %x {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<2x8x8x8xf32>) -> tensor<2x4x4x8xf32>
  %1 = nn.max_pool %0 {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32>
  %2 = nn.reduce %1 {axes = array<i64: 0>, keepdims = false, kind = #nn<reduce_kind sum>} : (tensor<2x4x4x8xf32>) -> tensor<4x4x8xf32>
  return %2 : tensor<4x4x8xf32>
}

// Where the greatest of a window lies is counted through the whole batch.
// CHECK-LABEL: func @indices
// CHECK-NOT: nn.slice
func.func @indices(%x: tensor<2x8x16x16xf32>) -> tensor<2x8x8x8xi64> {
  %0 = nn.max_pool_indices %x {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<2x8x16x16xf32>) -> tensor<2x8x8x8xi64>
  return %0 : tensor<2x8x8x8xi64>
}
