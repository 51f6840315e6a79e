// Text of the nn dialect parses to itself, in the pretty and in the generic form.
// RUN: sinter-opt %s > %t.mlir
// RUN: sinter-opt %t.mlir | cmp - %t.mlir
// RUN: sinter-opt %s --mlir-print-op-generic | sinter-opt | cmp - %t.mlir
// RUN: FileCheck %s < %t.mlir

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: tensor<?x4xf32>, %y: tensor<4xf32>, %i: tensor<?x4xui8>) -> tensor<?x4xf32> {
  // CHECK: nn.add %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %0 = nn.add %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: nn.relu
  %1 = nn.relu %0 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: nn.leaky_relu %{{.*}} {alpha = 1.000000e-01 : f64}
  %2 = nn.leaky_relu %1 {alpha = 0.1 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: nn.compare %{{.*}}, %{{.*}} {predicate = #nn<predicate lt>} : {{.*}} -> tensor<?x4xi1>
  %3 = nn.compare %x, %2 {predicate = #nn<predicate lt>} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xi1>
  // CHECK: nn.where
  %4 = nn.where %3, %x, %2 : (tensor<?x4xi1>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: nn.add {{.*}} -> tensor<?x4xui8>
  %5 = nn.add %i, %i : (tensor<?x4xui8>, tensor<?x4xui8>) -> tensor<?x4xui8>
  return %4 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @layers
func.func @layers(%x: tensor<?x3x32x32xf32>, %f: tensor<8x3x3x3xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  // CHECK: nn.conv %{{.*}}, %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
  %0 = nn.conv %x, %f, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x32x32xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>) -> tensor<?x8x16x16xf32>
  // CHECK: nn.max_pool
  %1 = nn.max_pool %0 {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
      dilations = array<i64: 1, 1>} : (tensor<?x8x16x16xf32>) -> tensor<?x8x8x8xf32>
  // CHECK: nn.reduce %{{.*}} {axes = array<i64: 2, 3>, keepdims = false, kind = #nn<reduce_kind mean>}
  %2 = nn.reduce %1 {kind = #nn<reduce_kind mean>, axes = array<i64: 2, 3>, keepdims = false}
      : (tensor<?x8x8x8xf32>) -> tensor<?x8xf32>
  // CHECK: nn.softmax %{{.*}} {axes = array<i64: 1>}
  %3 = nn.softmax %2 {axes = array<i64: 1>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @movement
func.func @movement(%x: tensor<2x3xf32>, %n: tensor<2xi64>) -> tensor<4x3xf32> {
  // CHECK: nn.constant dense<[3, 2]> : tensor<2xi64>
  %s = nn.constant dense<[3, 2]> : tensor<2xi64>
  // CHECK: nn.reshape %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  // CHECK: nn.reshape {{.*}} -> tensor<?x?xf32>
  %1 = nn.reshape %x, %n : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  // CHECK: nn.transpose %{{.*}} {permutation = array<i64: 1, 0>}
  %2 = nn.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  // CHECK: nn.concat %{{.*}}, %{{.*}} {axis = 0 : i64}
  %3 = nn.concat %2, %x {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %3 : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @control
func.func @control(%c: tensor<i1>, %n: tensor<i64>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  // CHECK: nn.if %{{.*}} : (tensor<i1>) -> tensor<4xf32> {
  %0 = nn.if %c : (tensor<i1>) -> tensor<4xf32> {
    %a = nn.neg %x : (tensor<4xf32>) -> tensor<4xf32>
    // CHECK: nn.yield
    nn.yield %a : tensor<4xf32>
  // CHECK: } else {
  } else {
    nn.yield %x : tensor<4xf32>
  }
  // CHECK: nn.loop trip_count(%{{.*}} : tensor<i64>) while(%{{.*}} : tensor<i1>) (%{{.*}}) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  %1:2 = nn.loop trip_count(%n : tensor<i64>) while(%c : tensor<i1>) (%0) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %carried: tensor<4xf32>):
    %next = nn.add %carried, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %go, %next, %carried : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  }
  // CHECK: nn.fused : tensor<4xf32> {
  %2 = nn.fused : tensor<4xf32> {
    %a = nn.exp %1#0 : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %a : tensor<4xf32>
  }
  return %2, %1#1 : tensor<4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func.func @training
func.func @training(%x: tensor<2x8x8x3xf32>, %g: tensor<2x4x4x3xf32>, %y: tensor<f32>, %key: tensor<2xi64>)
    -> (tensor<2x8x8x3xf32>, tensor<f32>) {
  // CHECK: nn.max_pool_grad %{{.*}}, %{{.*}} {data_layout = #nn<data_layout channels_last>
  %0 = nn.max_pool_grad %x, %g {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
      dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>}
      : (tensor<2x8x8x3xf32>, tensor<2x4x4x3xf32>) -> tensor<2x8x8x3xf32>
  %s = nn.constant dense<[2, 8, 8, 3]> : tensor<4xi64>
  // CHECK: nn.sum_pool_grad
  %1 = nn.sum_pool_grad %g, %s {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
      dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>}
      : (tensor<2x4x4x3xf32>, tensor<4xi64>) -> tensor<2x8x8x3xf32>
  // CHECK: nn.conv_filter_grad {{.*}} -> tensor<3x3x3x3xf32>
  %2 = nn.conv_filter_grad %x, %g {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
      dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>}
      : (tensor<2x8x8x3xf32>, tensor<2x4x4x3xf32>) -> tensor<3x3x3x3xf32>
  %c = nn.constant dense<[8, 1]> : tensor<2xi64>
  // CHECK: nn.sum_to_shape {{.*}} -> tensor<8x1xf32>
  %3 = nn.sum_to_shape %0, %c : (tensor<2x8x8x3xf32>, tensor<2xi64>) -> tensor<8x1xf32>
  // CHECK: nn.all_reduce {{.*}} : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %all = nn.all_reduce %3 : (tensor<8x1xf32>) -> tensor<8x1xf32>
  // CHECK: nn.all_reduce_begin {{.*}} : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %pending = nn.all_reduce_begin %3 : (tensor<8x1xf32>) -> tensor<8x1xf32>
  // CHECK: nn.all_reduce_end {{.*}} : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %mean = nn.all_reduce_end %pending : (tensor<8x1xf32>) -> tensor<8x1xf32>
  // CHECK: nn.random_uniform %{{.*}}, %{{.*}} {layer = 3 : i64, to = f32}
  %4 = nn.random_uniform %key, %s {layer = 3 : i64, to = f32} : (tensor<2xi64>, tensor<4xi64>) -> tensor<2x8x8x3xf32>
  // CHECK: nn.gradient %{{.*}} by %{{.*}}, %{{.*}} : tensor<f32> by tensor<2x8x8x3xf32>, tensor<f32> -> tensor<2x8x8x3xf32>, tensor<f32>
  %5:2 = nn.gradient %y by %x, %y : tensor<f32> by tensor<2x8x8x3xf32>, tensor<f32> -> tensor<2x8x8x3xf32>, tensor<f32>
  // CHECK: nn.gradient %{{.*}} seeded(%{{.*}} : tensor<2x8x8x3xf32>) by
  %6 = nn.gradient %1 seeded(%4 : tensor<2x8x8x3xf32>) by %y : tensor<2x8x8x3xf32> by tensor<f32> -> tensor<f32>
  return %5#0, %6 : tensor<2x8x8x3xf32>, tensor<f32>
}
