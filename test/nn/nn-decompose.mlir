// Recurrent layers become loops over time.
// RUN: sinter-opt %s --nn-decompose --nn-simplify | FileCheck %s

// The inputs of all steps are projected by one product outside of the loop; states keep their sizes.
// CHECK-LABEL: func @lstm
// CHECK: nn.matmul {{.*}} -> tensor<5x?x16xf32>
// CHECK: nn.loop trip_count({{.*}}) {{.*}} -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<5x?x4xf32>)
// CHECK: nn.matmul {{.*}} -> tensor<?x16xf32>
// CHECK: nn.yield
func.func @lstm(%x: tensor<5x?x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>) -> tensor<5x1x?x4xf32> {
  %0:3 = "nn.lstm"(%x, %w, %r) {activation_alpha = array<f64>, activation_beta = array<f64>, activations = ["Sigmoid", "Tanh", "Tanh"], direction = #nn<direction forward>, hidden_size = 4 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
   : (tensor<5x?x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>) -> (tensor<5x1x?x4xf32>, tensor<1x?x4xf32>, tensor<1x?x4xf32>)
  return %0#0 : tensor<5x1x?x4xf32>
}

// The average over a picture: columns first, then rows. Few values are summed at once.
// CHECK-LABEL: func @average
// CHECK: %[[ROWS:.*]] = nn.reduce %arg0 {{.*}}axes = array<i64: 3>{{.*}} -> tensor<2x8x56x1xf32>
// CHECK: nn.reduce %[[ROWS]] {{.*}}axes = array<i64: 2>{{.*}} -> tensor<2x8x1x1xf32>
// CHECK: nn.reduce %arg1 {{.*}}axes = array<i64: 2, 3>{{.*}} -> tensor<2x8x1x1xf32>
func.func @average(%x: tensor<2x8x56x56xf32>, %y: tensor<2x8x7x7xf32>) -> (tensor<2x8xf32>, tensor<2x8x1x1xf32>) {
  %0 = "nn.reduce"(%x) {kind = #nn<reduce_kind mean>, axes = array<i64: 2, 3>, keepdims = false} : (tensor<2x8x56x56xf32>) -> tensor<2x8xf32>
  %1 = "nn.reduce"(%y) {kind = #nn<reduce_kind mean>, axes = array<i64: 2, 3>, keepdims = true} : (tensor<2x8x7x7xf32>) -> tensor<2x8x1x1xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<2x8x1x1xf32>
}

// All four phases of the stride are one convolution with four times the channels, whose blocks are interleaved.
// CHECK-LABEL: func @doubled
// CHECK: nn.conv %arg0, {{.*}}, tensor<20x6x1x1xf32>) -> tensor<?x20x7x9xf32>
// CHECK: nn.transpose {{.*}} -> tensor<?x7x2x9x2x5xf32>
// CHECK-NOT: nn.slice
// CHECK-NOT: nn.conv_transpose
func.func @doubled(%x: tensor<?x6x7x9xf32>, %w: tensor<6x5x2x2xf32>) -> tensor<?x5x14x18xf32> {
  %0 = "nn.conv_transpose"(%x, %w) {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, output_shape = array<i64>, group = 1 : i64} : (tensor<?x6x7x9xf32>, tensor<6x5x2x2xf32>) -> tensor<?x5x14x18xf32>
  return %0 : tensor<?x5x14x18xf32>
}

// Two taps a phase; the pad of one leaves half a block of phases at each end.
// CHECK-LABEL: func @cropped
// CHECK: nn.conv %arg0, {{.*}} pads = array<i64: 1, 1>{{.*}}, tensor<10x6x2xf32>) -> tensor<1x10x8xf32>
// CHECK: nn.slice {{.*}} -> tensor<1x5x14xf32>
func.func @cropped(%x: tensor<1x6x7xf32>, %w: tensor<6x5x4xf32>) -> tensor<1x5x14xf32> {
  %0 = "nn.conv_transpose"(%x, %w) {strides = array<i64: 2>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, output_padding = array<i64: 0>, output_shape = array<i64>, group = 1 : i64} : (tensor<1x6x7xf32>, tensor<6x5x4xf32>) -> tensor<1x5x14xf32>
  return %0 : tensor<1x5x14xf32>
}

// A negative pad is a position more.
// CHECK-LABEL: func @widened
// CHECK: nn.conv %arg0, {{.*}} pads = array<i64: 2, 1>{{.*}}, tensor<2x1x2xf32>) -> tensor<1x2x8xf32>
// CHECK: nn.slice {{.*}} -> tensor<1x1x14xf32>
func.func @widened(%x: tensor<1x1x6xf32>, %w: tensor<1x1x3xf32>) -> tensor<1x1x14xf32> {
  %0 = "nn.conv_transpose"(%x, %w) {strides = array<i64: 2>, pads = array<i64: -1, 0>, dilations = array<i64: 1>, output_padding = array<i64: 0>, output_shape = array<i64>, group = 1 : i64} : (tensor<1x1x6xf32>, tensor<1x1x3xf32>) -> tensor<1x1x14xf32>
  return %0 : tensor<1x1x14xf32>
}

// Height and width are not known: the shapes are computed, no gathers.
// CHECK-LABEL: func @dynamic_picture
// CHECK: nn.conv %arg0, {{.*}} -> tensor<1x20x?x?xf32>
// CHECK: nn.transpose {{.*}} -> tensor<1x?x2x?x2x5xf32>
// CHECK-NOT: nn.conv_transpose
func.func @dynamic_picture(%x: tensor<1x6x?x?xf32>, %w: tensor<6x5x2x2xf32>) -> tensor<1x5x?x?xf32> {
  %0 = "nn.conv_transpose"(%x, %w) {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, output_shape = array<i64>, group = 1 : i64} : (tensor<1x6x?x?xf32>, tensor<6x5x2x2xf32>) -> tensor<1x5x?x?xf32>
  return %0 : tensor<1x5x?x?xf32>
}

// CHECK-LABEL: func @shuffled
// CHECK: nn.transpose {{.*}} -> tensor<1x4x2x5x2x3xf32>
// CHECK-NOT: nn.depth_to_space
func.func @shuffled(%x: tensor<1x12x4x5xf32>) -> tensor<1x3x8x10xf32> {
  %0 = "nn.depth_to_space"(%x) {blocksize = 2 : i64, mode = #nn<depth_mode CRD>} : (tensor<1x12x4x5xf32>) -> tensor<1x3x8x10xf32>
  return %0 : tensor<1x3x8x10xf32>
}
