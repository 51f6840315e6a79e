// The backward graph that an nn.gradient stands for.
// RUN: sinter-opt %s --nn-autodiff --split-input-file --verify-diagnostics | FileCheck %s

// A dense layer: the weights' gradient is one product, the bias's a sum over the rows.
// CHECK-LABEL: func @dense
// CHECK-SAME: (%[[X:.*]]: tensor<8x3xf32>, %[[W:.*]]: tensor<3x5xf32>, %[[B:.*]]: tensor<5xf32>, %[[G:.*]]: tensor<8x5xf32>)
func.func @dense(%x: tensor<8x3xf32>, %w: tensor<3x5xf32>, %b: tensor<5xf32>, %g: tensor<8x5xf32>)
    -> (tensor<3x5xf32>, tensor<5xf32>) {
  %0 = nn.matmul %x, %w : (tensor<8x3xf32>, tensor<3x5xf32>) -> tensor<8x5xf32>
  %1 = nn.add %0, %b : (tensor<8x5xf32>, tensor<5xf32>) -> tensor<8x5xf32>
  // CHECK: %[[SUM:.*]] = nn.reduce %[[G]] {axes = array<i64: 0>, keepdims = true, kind = #nn<reduce_kind sum>}
  // CHECK: %[[DB:.*]] = nn.squeeze %[[SUM]]
  // CHECK: %[[DW:.*]] = nn.matmul %[[X]], %[[G]] {transpose_lhs}
  // CHECK-NOT: nn.gradient
  // CHECK: return %[[DW]], %[[DB]]
  %2:2 = nn.gradient %1 seeded(%g : tensor<8x5xf32>) by %w, %b
      : tensor<8x5xf32> by tensor<3x5xf32>, tensor<5xf32> -> tensor<3x5xf32>, tensor<5xf32>
  return %2#0, %2#1 : tensor<3x5xf32>, tensor<5xf32>
}

// -----

// A convolution with steps of one: its input's gradient is a convolution with the filter turned round.
// CHECK-LABEL: func @conv
// CHECK-SAME: (%[[X:.*]]: tensor<2x8x8x3xf32>, %[[W:.*]]: tensor<1x3x3x3x4xf32>, %[[G:.*]]: tensor<2x6x6x4xf32>)
func.func @conv(%x: tensor<2x8x8x3xf32>, %w: tensor<1x3x3x3x4xf32>, %g: tensor<2x6x6x4xf32>)
    -> (tensor<2x8x8x3xf32>, tensor<1x3x3x3x4xf32>) {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
      data_layout = #nn<data_layout channels_last>, filter_block = 4 : i64, out_channels = 4 : i64}
      : (tensor<2x8x8x3xf32>, tensor<1x3x3x3x4xf32>) -> tensor<2x6x6x4xf32>
  // CHECK: nn.slice %[[W]]
  // CHECK: nn.transpose {{.*}} -> tensor<1x3x3x4x3xf32>
  // CHECK: nn.conv %[[G]], {{.*}}filter_block = 3 : i64, out_channels = 3 : i64, pads = array<i64: 2, 2, 2, 2>
  // CHECK: nn.conv_filter_grad %[[X]], %[[G]]
  // CHECK: nn.unsqueeze {{.*}} -> tensor<1x3x3x3x4xf32>
  %1:2 = nn.gradient %0 seeded(%g : tensor<2x6x6x4xf32>) by %x, %w
      : tensor<2x6x6x4xf32> by tensor<2x8x8x3xf32>, tensor<1x3x3x3x4xf32> -> tensor<2x8x8x3xf32>, tensor<1x3x3x3x4xf32>
  return %1#0, %1#1 : tensor<2x8x8x3xf32>, tensor<1x3x3x3x4xf32>
}

// -----

// Cotangents of a value that is used twice are added; an input that nothing depends on gets zeros.
// CHECK-LABEL: func @fan_out
func.func @fan_out(%x: tensor<f32>, %y: tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>) {
  %0 = nn.exp %x : (tensor<f32>) -> tensor<f32>
  %1 = nn.sin %x : (tensor<f32>) -> tensor<f32>
  %2 = nn.mul %0, %1 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  // CHECK: nn.cos
  // CHECK: %[[DX:.*]] = nn.add
  // CHECK: %[[DY:.*]] = nn.constant dense<0.000000e+00> : tensor<3xf32>
  // CHECK: return %[[DX]], %[[DY]]
  %3:2 = nn.gradient %2 by %x, %y : tensor<f32> by tensor<f32>, tensor<3xf32> -> tensor<f32>, tensor<3xf32>
  return %3#0, %3#1 : tensor<f32>, tensor<3xf32>
}

// -----

// Backpropagation through time: the forward loop keeps its states; the weights' gradient is one product of what the
// backward loop stacked.
// CHECK-LABEL: func @loop
// CHECK: nn.loop {{.*}} -> (tensor<2x3xf32>, tensor<4x2x3xf32>
// CHECK: nn.loop
// CHECK: nn.flatten
// CHECK: nn.matmul {{.*}} {transpose_lhs} : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<3x3xf32>
func.func @loop(%h: tensor<2x3xf32>, %w: tensor<3x3xf32>, %g: tensor<2x3xf32>) -> tensor<3x3xf32> {
  %n = nn.constant dense<4> : tensor<i64>
  %0 = nn.loop trip_count(%n : tensor<i64>) (%h) : (tensor<2x3xf32>) -> tensor<2x3xf32> {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %state: tensor<2x3xf32>):
    %p = nn.matmul %state, %w : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x3xf32>
    %t = nn.tanh %p : (tensor<2x3xf32>) -> tensor<2x3xf32>
    nn.yield %go, %t : tensor<i1>, tensor<2x3xf32>
  }
  %1 = nn.gradient %0 seeded(%g : tensor<2x3xf32>) by %w : tensor<2x3xf32> by tensor<3x3xf32> -> tensor<3x3xf32>
  return %1 : tensor<3x3xf32>
}

// -----

// What has no derivative is named.
func.func @no_derivative(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{has no derivative, but lies between what is differentiated and what by}}
  %0 = nn.det %x : (tensor<2x2xf32>) -> tensor<f32>
  %1 = nn.gradient %0 by %x : tensor<f32> by tensor<2x2xf32> -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

func.func @while(%x: tensor<2xf32>, %c: tensor<i1>) -> tensor<2xf32> {
  // expected-error @+1 {{is differentiable only where its trip count alone decides how often it runs}}
  %0 = nn.loop while(%c : tensor<i1>) (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %state: tensor<2xf32>):
    %t = nn.tanh %state : (tensor<2xf32>) -> tensor<2xf32>
    nn.yield %go, %t : tensor<i1>, tensor<2xf32>
  }
  %1 = nn.gradient %0 by %x : tensor<2xf32> by tensor<2xf32> -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
