// Channels stand innermost, and constant weights are packed as kernels read them.
// RUN: sinter-opt %s --nn-assign-layout=vector=16 --nn-simplify | FileCheck %s
// RUN: sinter-opt %s --nn-assign-layout='vector=16 fma-per-cycle=1' --nn-simplify | FileCheck %s --check-prefix=HALVES

// A convolutional network keeps transposes only at its borders.
// CHECK-LABEL: func @network
// CHECK: nn.transpose {{.*}} -> tensor<1x8x8x3xf32>
// CHECK-NEXT: nn.conv {{.*}} filter_block = 32 : i64, out_channels = 32 : i64, {{.*}} tensor<1x3x3x3x32xf32>) -> tensor<1x8x8x32xf32>
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.conv {{.*}} filter_block = -1 : i64, {{.*}} tensor<3x3x32xf32>) -> tensor<1x8x8x32xf32>
// CHECK-NEXT: nn.max_pool {{.*}} -> tensor<1x4x4x32xf32>
// CHECK-NEXT: nn.conv {{.*}} filter_block = 16 : i64, {{.*}} tensor<1x1x1x32x16xf32>) -> tensor<1x4x4x16xf32>
// CHECK-NEXT: nn.transpose {{.*}} -> tensor<1x16x4x4xf32>
// CHECK-NEXT: return
func.func @network(%x: tensor<1x3x8x8xf32>) -> tensor<1x16x4x4xf32> {
  %w = nn.constant dense<1.0> : tensor<32x3x3x3xf32>
  %v = nn.constant dense<1.0> : tensor<16x32x1x1xf32>
  %d = nn.constant dense<1.0> : tensor<32x1x3x3xf32>
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x3x8x8xf32>, tensor<32x3x3x3xf32>) -> tensor<1x32x8x8xf32>
  %1 = nn.relu %0 : (tensor<1x32x8x8xf32>) -> tensor<1x32x8x8xf32>
  %2 = nn.conv %1, %d {dilations = array<i64: 1, 1>, group = 32 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x8x8xf32>, tensor<32x1x3x3xf32>) -> tensor<1x32x8x8xf32>
  %3 = nn.max_pool %2 {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x32x8x8xf32>) -> tensor<1x32x4x4xf32>
  %4 = nn.conv %3, %v {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x32x4x4xf32>, tensor<16x32x1x1xf32>) -> tensor<1x16x4x4xf32>
  return %4 : tensor<1x16x4x4xf32>
}

// Channels that do not fill vectors are padded, but where halves of vectors multiply as fast.
// CHECK-LABEL: func @odd_channels
// CHECK: nn.conv {{.*}} filter_block = 32 : i64, out_channels = 24 : i64
// CHECK: nn.conv {{.*}} filter_block = 32 : i64, out_channels = 40 : i64
// CHECK: nn.conv {{.*}} filter_block = 32 : i64, out_channels = 88 : i64
// HALVES-LABEL: func @odd_channels
// HALVES: nn.conv {{.*}} filter_block = 24 : i64, out_channels = 24 : i64
// HALVES: nn.conv {{.*}} filter_block = 40 : i64, out_channels = 40 : i64
// HALVES: nn.conv {{.*}} filter_block = 32 : i64, out_channels = 88 : i64
func.func @odd_channels(%x: tensor<1x8x4x4xf32>) -> tensor<1x88x4x4xf32> {
  %u = nn.constant dense<1.0> : tensor<24x8x1x1xf32>
  %v = nn.constant dense<1.0> : tensor<40x24x1x1xf32>
  %w = nn.constant dense<1.0> : tensor<88x40x1x1xf32>
  %0 = nn.conv %x, %u {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x4x4xf32>, tensor<24x8x1x1xf32>) -> tensor<1x24x4x4xf32>
  %1 = nn.conv %0, %v {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x24x4x4xf32>, tensor<40x24x1x1xf32>) -> tensor<1x40x4x4xf32>
  %2 = nn.conv %1, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x40x4x4xf32>, tensor<88x40x1x1xf32>) -> tensor<1x88x4x4xf32>
  return %2 : tensor<1x88x4x4xf32>
}

// A constant right-hand side is packed in panels of three vectors of columns, or as many as waste fewest.
// CHECK-LABEL: func @packed
// CHECK: nn.matmul {{.*}} {columns = 40 : i64, rhs_block = 48 : i64} : (tensor<?x8xf32>, tensor<1x8x48xf32>) -> tensor<?x40xf32>
func.func @packed(%x: tensor<?x8xf32>) -> tensor<?x40xf32> {
  %w = nn.constant dense<1.0> : tensor<8x40xf32>
  %0 = nn.matmul %x, %w : (tensor<?x8xf32>, tensor<8x40xf32>) -> tensor<?x40xf32>
  return %0 : tensor<?x40xf32>
}

// Few rows take wider panels.
// CHECK-LABEL: func @few_rows
// CHECK: nn.matmul {{.*}} {columns = 192 : i64, rhs_block = 64 : i64}
func.func @few_rows(%x: tensor<1x8xf32>) -> tensor<1x192xf32> {
  %w = nn.constant dense<1.0> : tensor<8x192xf32>
  %0 = nn.matmul %x, %w : (tensor<1x8xf32>, tensor<8x192xf32>) -> tensor<1x192xf32>
  return %0 : tensor<1x192xf32>
}

// No column is wasted where two vectors divide the columns and three do not.
// CHECK-LABEL: func @exact_panels
// CHECK: nn.matmul {{.*}} {columns = 160 : i64, rhs_block = 32 : i64}
func.func @exact_panels(%x: tensor<?x8xf32>) -> tensor<?x160xf32> {
  %w = nn.constant dense<1.0> : tensor<8x160xf32>
  %0 = nn.matmul %x, %w : (tensor<?x8xf32>, tensor<8x160xf32>) -> tensor<?x160xf32>
  return %0 : tensor<?x160xf32>
}

// A constant part of a concat is transposed at compile time.
// CHECK-LABEL: func @padded_channels
// CHECK: nn.max_pool {{.*}} -> tensor<1x4x4x16xf32>
// CHECK-NEXT: nn.concat {{.*}} {axis = 3 : i64} : (tensor<1x4x4x16xf32>, tensor<1x4x4x8xf32>) -> tensor<1x4x4x24xf32>
// CHECK-NEXT: nn.max_pool
func.func @padded_channels(%x: tensor<1x16x8x8xf32>) -> tensor<1x24x2x2xf32> {
  %zeros = nn.constant dense<0.0> : tensor<1x8x4x4xf32>
  %0 = nn.max_pool %x {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x16x8x8xf32>) -> tensor<1x16x4x4xf32>
  %1 = nn.concat %0, %zeros {axis = 1 : i64} : (tensor<1x16x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x24x4x4xf32>
  %2 = nn.max_pool %1 {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x24x4x4xf32>) -> tensor<1x24x2x2xf32>
  return %2 : tensor<1x24x2x2xf32>
}

// A gate of one value a channel, as squeeze-and-excitation has it, is only viewed in the other layout.
// CHECK-LABEL: func @gate
// CHECK: nn.max_pool
// CHECK-NEXT: nn.reshape %{{.*}} : (tensor<?x16x1x1xf32>, {{.*}}) -> tensor<?x1x1x16xf32>
// CHECK-NEXT: nn.mul
// CHECK-NEXT: nn.max_pool
func.func @gate(%x: tensor<?x16x8x?xf32>, %g: tensor<?x16x1x1xf32>) -> tensor<?x16x2x?xf32> {
  %0 = nn.max_pool %x {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x16x8x?xf32>) -> tensor<?x16x4x?xf32>
  %1 = nn.mul %0, %g : (tensor<?x16x4x?xf32>, tensor<?x16x1x1xf32>) -> tensor<?x16x4x?xf32>
  %2 = nn.max_pool %1 {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x16x4x?xf32>) -> tensor<?x16x2x?xf32>
  return %2 : tensor<?x16x2x?xf32>
}

// A channel shuffle moves channels within each position only.
// CHECK-LABEL: func @shuffle
// CHECK: nn.max_pool {{.*}} -> tensor<1x4x4x24xf32>
// CHECK-NEXT: nn.reshape {{.*}} -> tensor<1x4x4x3x8xf32>
// CHECK-NEXT: nn.transpose {{.*}} {permutation = array<i64: 0, 1, 2, 4, 3>} : (tensor<1x4x4x3x8xf32>) -> tensor<1x4x4x8x3xf32>
// CHECK-NEXT: nn.reshape {{.*}} -> tensor<1x4x4x24xf32>
// CHECK-NEXT: nn.max_pool
func.func @shuffle(%x: tensor<1x24x8x8xf32>) -> tensor<1x24x2x2xf32> {
  %split = nn.constant dense<[1, 3, 8, 4, 4]> : tensor<5xi64>
  %merge = nn.constant dense<[1, 24, 4, 4]> : tensor<4xi64>
  %0 = nn.max_pool %x {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x24x8x8xf32>) -> tensor<1x24x4x4xf32>
  %1 = nn.reshape %0, %split : (tensor<1x24x4x4xf32>, tensor<5xi64>) -> tensor<1x3x8x4x4xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 2, 1, 3, 4>} : (tensor<1x3x8x4x4xf32>) -> tensor<1x8x3x4x4xf32>
  %3 = nn.reshape %2, %merge : (tensor<1x8x3x4x4xf32>, tensor<4xi64>) -> tensor<1x24x4x4xf32>
  %4 = nn.max_pool %3 {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x24x4x4xf32>) -> tensor<1x24x2x2xf32>
  return %4 : tensor<1x24x2x2xf32>
}

// Heads that come side by side are no channels: one transpose does it, which the product before it takes in.
// CHECK-LABEL: func @heads
// CHECK-NEXT: nn.constant
// CHECK-NEXT: nn.matmul
// CHECK-NEXT: nn.transpose {{.*}} {permutation = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT: nn.reshape
// CHECK-NEXT: return
func.func @heads(%p: tensor<2x4x77x77xf32>, %v: tensor<2x4x77x16xf32>) -> tensor<2x77x64xf32> {
  %merge = nn.constant dense<[2, 77, 64]> : tensor<3xi64>
  %0 = nn.matmul %p, %v : (tensor<2x4x77x77xf32>, tensor<2x4x77x16xf32>) -> tensor<2x4x77x16xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x4x77x16xf32>) -> tensor<2x77x4x16xf32>
  %2 = nn.reshape %1, %merge : (tensor<2x77x4x16xf32>, tensor<3xi64>) -> tensor<2x77x64xf32>
  return %2 : tensor<2x77x64xf32>
}

// Transposes that are views are not sunk; a concat of them once never came to an end.
// CHECK-LABEL: func @pooled_over_time
// CHECK: nn.concat
func.func @pooled_over_time(%x: tensor<1x60x16xf32>, %y: tensor<1x8xf32>) -> tensor<1x24xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<1x60x16xf32>) -> tensor<1x16x60xf32>
  %1 = "nn.reduce"(%0) {kind = #nn<reduce_kind max>, axes = array<i64: 2>, keepdims = false} : (tensor<1x16x60xf32>) -> tensor<1x16xf32>
  %2 = "nn.concat"(%1, %y) {axis = 1 : i64} : (tensor<1x16xf32>, tensor<1x8xf32>) -> tensor<1x24xf32>
  return %2 : tensor<1x24xf32>
}

// What a loop multiplies by in each step is packed before the loop; what a product reads across its rows, before the product.
// CHECK-LABEL: func @variables
// CHECK-SAME: %{{.*}}: tensor<32x48xf32>, %[[R:.*]]: tensor<48x48xf32>, %{{.*}}: tensor<64x48xf32>, %[[W:.*]]: tensor<96x48xf32>
// CHECK: nn.reshape %[[R]]
// CHECK-NEXT: %[[PACKED:.*]] = nn.transpose {{.*}} -> tensor<1x48x48xf32>
// CHECK: nn.loop
// CHECK: nn.matmul %{{.*}}, %[[PACKED]] {columns = 48 : i64, rhs_block = 48 : i64}
// CHECK: nn.reshape %[[W]]
// CHECK-NEXT: %[[TURNED:.*]] = nn.transpose {{.*}} -> tensor<2x48x48xf32>
// CHECK-NEXT: nn.matmul %{{.*}}, %[[TURNED]] {columns = 96 : i64, rhs_block = 48 : i64}
// CHECK: nn.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<32x48xf32>, tensor<96x48xf32>)
func.func @variables(%h: tensor<32x48xf32>, %r: tensor<48x48xf32>, %x: tensor<64x48xf32>, %w: tensor<96x48xf32>) -> (tensor<32x48xf32>, tensor<64x96xf32>, tensor<32x96xf32>) {
  %n = nn.constant dense<5> : tensor<i64>
  %c = nn.constant dense<true> : tensor<i1>
  %0 = nn.loop trip_count(%n : tensor<i64>) while(%c : tensor<i1>) (%h) : (tensor<32x48xf32>) -> (tensor<32x48xf32>) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %carried: tensor<32x48xf32>):
    %next = nn.matmul %carried, %r : (tensor<32x48xf32>, tensor<48x48xf32>) -> tensor<32x48xf32>
    nn.yield %go, %next : tensor<i1>, tensor<32x48xf32>
  }
  %1 = nn.matmul %x, %w {transpose_rhs} : (tensor<64x48xf32>, tensor<96x48xf32>) -> tensor<64x96xf32>
  %2 = nn.matmul %0, %w {transpose_rhs} : (tensor<32x48xf32>, tensor<96x48xf32>) -> tensor<32x96xf32>
  return %0, %1, %2 : tensor<32x48xf32>, tensor<64x96xf32>, tensor<32x96xf32>
}

// A depthwise filter that is trained is turned in each step, for it is small; a dense one that is no constant stays.
// CHECK-LABEL: func @variable_filters
// CHECK: nn.conv %{{.*}}, %{{.*}} {{{.*}}filter_block = -1 : i64, {{.*}} tensor<3x3x32xf32>) -> tensor<1x6x6x32xf32>
// CHECK: nn.conv {{.*}} tensor<8x32x1x1xf32>) -> tensor<1x6x6x8xf32>
func.func @variable_filters(%x: tensor<1x8x8x32xf32>, %d: tensor<32x1x3x3xf32>, %w: tensor<8x32x1x1xf32>) -> tensor<1x6x6x8xf32> {
  %0 = nn.conv %x, %d {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, group = 32 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x8x32xf32>, tensor<32x1x3x3xf32>) -> tensor<1x6x6x32xf32>
  %1 = nn.conv %0, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x6x6x32xf32>, tensor<8x32x1x1xf32>) -> tensor<1x6x6x8xf32>
  return %1 : tensor<1x6x6x8xf32>
}

// The gradient of a weight sums over very many terms: in pieces.
// CHECK-LABEL: func @long_sum
// CHECK: nn.matmul {{.*}} {transpose_lhs} : (tensor<3x500x64xf32>, tensor<3x500x32xf32>) -> tensor<3x64x32xf32>
// CHECK-NEXT: nn.reduce {{.*}} {axes = array<i64: 0>, keepdims = false, kind = #nn<reduce_kind sum>} : (tensor<3x64x32xf32>) -> tensor<64x32xf32>
func.func @long_sum(%x: tensor<1500x64xf32>, %g: tensor<1500x32xf32>) -> tensor<64x32xf32> {
  %0 = nn.matmul %x, %g {transpose_lhs} : (tensor<1500x64xf32>, tensor<1500x32xf32>) -> tensor<64x32xf32>
  return %0 : tensor<64x32xf32>
}
