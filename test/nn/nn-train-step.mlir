// A model becomes its training step.
// RUN: split-file %s %t
// RUN: sinter-opt %t/model.mlir --nn-train-step='loss=sparse_categorical_crossentropy optimizer=adam' | FileCheck %t/model.mlir
// RUN: sinter-opt %t/model.mlir --nn-train-step='optimizer=sgd freeze=dense/*' | FileCheck %t/model.mlir --check-prefix=FROZEN
// RUN: sinter-opt %t/model.mlir --nn-train-step --nn-autodiff | FileCheck %t/model.mlir --check-prefix=BACKWARD
// RUN: sinter-opt %t/model.mlir --nn-train-step='data-parallel optimizer=sgd:clipnorm=1' | FileCheck %t/model.mlir --check-prefix=PARALLEL
// RUN: not sinter-opt %t/model.mlir --nn-train-step='loss=hinge' 2>&1 | FileCheck %t/model.mlir --check-prefix=LOSS
// RUN: not sinter-opt %t/model.mlir --nn-train-step='optimizer=lion' 2>&1 | FileCheck %t/model.mlir --check-prefix=OPTIMIZER
// RUN: not sinter-opt %t/model.mlir --nn-train-step='optimizer=adam:momentum=1' 2>&1 | FileCheck %t/model.mlir --check-prefix=SETTING
// RUN: not sinter-opt %t/model.mlir --nn-train-step='optimizer=adam:beta_1=x' 2>&1 | FileCheck %t/model.mlir --check-prefix=NUMBER
// RUN: not sinter-opt %t/model.mlir --nn-train-step='freeze=*' 2>&1 | FileCheck %t/model.mlir --check-prefix=NOTHING

//--- model.mlir
// With several processes, the update sees the mean of their gradients, and so does clipping.
// PARALLEL: data_parallel = true
// PARALLEL: %[[G:.*]]:3 = nn.gradient
// PARALLEL-NEXT: nn.all_reduce %[[G]]#0
// PARALLEL-NEXT: nn.all_reduce %[[G]]#1
// PARALLEL-NEXT: nn.all_reduce %[[G]]#2
// PARALLEL-NOT: %[[G]]#
// PARALLEL: return
// The constants become state, named as the model names them; the optimizer's variables follow.
// CHECK-LABEL: func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x3xf32> {nn.dims = ["batch", ""], nn.name = "x"}
// CHECK-SAME: %[[T:.*]]: tensor<?xi64> {nn.dims = ["batch"], nn.name = "target"}
// CHECK-SAME: %[[RATE:.*]]: tensor<f32> {nn.name = "learning_rate"}
// CHECK-SAME: tensor<i64> {nn.initial = dense<0> : tensor<i64>, nn.name = "step", nn.state = "step"}
// CHECK-SAME: %[[W:.*]]: tensor<3x2xf32> {nn.initial = dense<{{.*}}>{{.*}} nn.name = "dense/kernel", nn.state = "parameter"}
// CHECK-SAME: %[[B:.*]]: tensor<2xf32> {{.*}} nn.name = "dense/bias", nn.state = "parameter"}
// CHECK-SAME: nn.name = "dense/kernel/m", nn.state = "optimizer"}
// CHECK-SAME: nn.name = "dense/kernel/v", nn.state = "optimizer"}
// CHECK-SAME: nn.name = "dense/bias/m", nn.state = "optimizer"}
// CHECK-SAME: -> (tensor<f32> {nn.name = "loss"}, tensor<f32> {nn.name = "accuracy"}, tensor<i64> {nn.name = "step", nn.state = "step"},
// The loss is of the logits, not of the probabilities.
// CHECK: nn.softmax {{.*}} {axes = array<i64: 1>, log}
// CHECK: nn.gradient %{{.*}} by %[[W]], %[[B]]
// CHECK: return
// Evaluation and inference take the same parameters, and keep the model's results.
// CHECK-LABEL: func @eval_step
// CHECK-SAME: nn.name = "target"}, %{{.*}}: tensor<3x2xf32> {{.*}} nn.name = "dense/kernel", nn.state = "parameter"}
// CHECK-SAME: -> (tensor<f32> {nn.name = "loss"}, tensor<f32> {nn.name = "accuracy"}, tensor<?x2xf32> {nn.name = "y"})
// CHECK-NOT: nn.gradient
// CHECK-LABEL: func @forward
// CHECK-SAME: nn.name = "x"}, %{{.*}}: tensor<3x2xf32> {{.*}} nn.name = "dense/kernel", nn.state = "parameter"}
// CHECK-SAME: -> (tensor<?x2xf32> {nn.name = "y"})

// FROZEN-LABEL: func @main
// FROZEN-NOT: nn.name = "dense/kernel"
// FROZEN-SAME: nn.name = "shift", nn.state = "parameter"
// FROZEN: nn.gradient %{{.*}} by %{{[^,]*}} :

// BACKWARD-NOT: nn.gradient
// BACKWARD: nn.matmul {{.*}} {transpose_lhs}

// LOSS: there is no loss 'hinge'; known: sparse_categorical_crossentropy, categorical_crossentropy
// OPTIMIZER: there is no optimizer 'lion'; known: sgd
// SETTING: optimizer 'adam' has no setting 'momentum'
// NUMBER: setting 'beta_1' of optimizer 'adam' should be a number, not 'x'
// NOTHING: the model has no parameters to train
func.func @main(%x: tensor<?x3xf32> {nn.name = "x", nn.dims = ["batch", ""]}) -> (tensor<?x2xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32> loc("dense/kernel")
  %b = nn.constant dense<[0.5, -0.5]> : tensor<2xf32> loc("dense/bias")
  %s = nn.constant dense<[1.0, 0.0, 2.0]> : tensor<3xf32> loc("shift")
  %z = nn.add %x, %s : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %0 = nn.matmul %z, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %1 = nn.add %0, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %2 = nn.softmax %1 {axes = array<i64: 1>} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}
