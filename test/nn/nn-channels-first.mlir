// Channels go to dim 1, filters to O C X, and the transposes between them cancel.
// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-channels-first))' | FileCheck %s
// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-channels-first),nn-fold-constants)' --mlir-print-debuginfo | FileCheck %s --check-prefix=FOLDED

// A network keeps them at its borders only; one block of a packed filter is a filter.
// CHECK-LABEL: @network
// CHECK: nn.transpose %{{.*}} {permutation = array<i64: 0, 3, 1, 2>}
// CHECK: nn.conv {{.*}}-> tensor<?x4x6x6xf32>
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.max_pool {{.*}}-> tensor<?x4x3x3xf32>
// CHECK-NEXT: nn.transpose %{{.*}} {permutation = array<i64: 0, 2, 3, 1>}
// What only moves a weight keeps its name.
// FOLDED: nn.constant {{.*}}tensor<4x2x3x3xf32> loc([[KERNEL:#loc[0-9]*]])
// FOLDED: [[KERNEL]] = loc("layer/kernel")
func.func @network(%x: tensor<?x8x8x2xf32>) -> tensor<?x3x3x4xf32> {
  %kernel = nn.constant dense<0.5> : tensor<1x3x3x2x4xf32> loc("layer/kernel")
  %y = nn.conv %x, %kernel {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 4 : i64, out_channels = 4 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x8x8x2xf32>, tensor<1x3x3x2x4xf32>) -> tensor<?x6x6x4xf32>
  %z = nn.relu %y : (tensor<?x6x6x4xf32>) -> tensor<?x6x6x4xf32>
  %p = nn.max_pool %z {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x6x6x4xf32>) -> tensor<?x3x3x4xf32>
  return %p : tensor<?x3x3x4xf32>
}

// Several blocks are joined, and what fills the last one is cut off.
// CHECK-LABEL: @blocks
// CHECK: nn.transpose %{{.*}} {permutation = array<i64: 0, 4, 1, 2, 3>} : (tensor<2x2x2x3x4xf32>) -> tensor<2x4x2x2x3xf32>
// CHECK: nn.reshape {{.*}}-> tensor<8x2x2x3xf32>
// CHECK: nn.slice {{.*}}-> tensor<6x2x2x3xf32>
// CHECK: nn.conv {{.*}}tensor<6x3x2x2xf32>
func.func @blocks(%x: tensor<1x5x5x3xf32>, %kernel: tensor<2x2x2x3x4xf32>) -> tensor<1x4x4x6xf32> {
  %y = nn.conv %x, %kernel {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 4 : i64, out_channels = 6 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x5x3xf32>, tensor<2x2x2x3x4xf32>) -> tensor<1x4x4x6xf32>
  return %y : tensor<1x4x4x6xf32>
}

// Depthwise: X O becomes O 1 X.
// CHECK-LABEL: @depthwise
// CHECK: nn.transpose %{{.*}} {permutation = array<i64: 2, 0, 1>} : (tensor<3x3x6xf32>) -> tensor<6x3x3xf32>
// CHECK: nn.unsqueeze {{.*}}-> tensor<6x1x3x3xf32>
func.func @depthwise(%x: tensor<1x5x5x6xf32>, %kernel: tensor<3x3x6xf32>) -> tensor<1x3x3x6xf32> {
  %y = nn.conv %x, %kernel {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = -1 : i64, group = 6 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x5x6xf32>, tensor<3x3x6xf32>) -> tensor<1x3x3x6xf32>
  return %y : tensor<1x3x3x6xf32>
}

// A bias of zeros is a parameter, and not the next one's.
// CHECK-LABEL: @zeros
// CHECK-COUNT-2: nn.constant dense<0.000000e+00>
// CHECK-COUNT-2: nn.add
func.func @zeros(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a = nn.constant dense<0.0> : tensor<3xf32>
  %b = nn.constant dense<0.0> : tensor<3xf32>
  %y = nn.add %x, %a : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %z = nn.add %y, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %z : tensor<2x3xf32>
}
