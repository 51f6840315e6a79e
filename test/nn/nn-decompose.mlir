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
