// The canonical form of a graph.
// RUN: sinter-opt %s --nn-simplify | FileCheck %s

// BatchNorm folds into the weights of the convolution before it: k = 2/√(3 + 1) = 1, c = 1 − 4 · 1.
// CHECK-LABEL: func @batch_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x1x4x4xf32>)
// CHECK-DAG: %[[W:.*]] = nn.constant dense<5.000000e+00> : tensor<2x1x1x1xf32>
// CHECK-DAG: %[[B:.*]] = nn.constant dense<-3.000000e+00> : tensor<2xf32>
// CHECK: %[[Y:.*]] = nn.conv %[[X]], %[[W]], %[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @batch_norm(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = nn.constant dense<5.0> : tensor<2x1x1x1xf32>
  %scale = nn.constant dense<2.0> : tensor<2xf32>
  %bias = nn.constant dense<1.0> : tensor<2xf32>
  %mean = nn.constant dense<4.0> : tensor<2xf32>
  %variance = nn.constant dense<3.0> : tensor<2xf32>
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
      : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = nn.batch_norm %0, %scale, %bias, %mean, %variance {epsilon = 1.0 : f64}
      : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %1 : tensor<1x2x4x4xf32>
}

// Alone, it is one product and one sum per channel.
// CHECK-LABEL: func @lone_batch_norm
// CHECK: nn.mul %{{.*}} : (tensor<?x2x4xf32>, tensor<1x2x1xf32>)
// CHECK-NEXT: nn.add %{{.*}} : (tensor<?x2x4xf32>, tensor<1x2x1xf32>)
func.func @lone_batch_norm(%x: tensor<?x2x4xf32>) -> tensor<?x2x4xf32> {
  %p = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 0.0 : f64}
      : (tensor<?x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2x4xf32>
  return %0 : tensor<?x2x4xf32>
}

// A convolution's result that is used twice keeps its weights.
// CHECK-LABEL: func @two_uses
// CHECK: nn.conv
// CHECK: nn.mul
func.func @two_uses(%x: tensor<1x1x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %w = nn.constant dense<5.0> : tensor<2x1x1xf32>
  %k = nn.constant dense<3.0> : tensor<2x1xf32>
  %0 = nn.conv %x, %w {dilations = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 1>}
      : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %1 = nn.mul %0, %k : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  return %0, %1 : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// A scale per column goes into matmul's weights, past the bias.
// CHECK-LABEL: func @matmul_scale
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>)
// CHECK-DAG: %[[W:.*]] = nn.constant dense<{{\[\[}}2.000000e+00, 6.000000e+00], [4.000000e+00, 1.200000e+01]]>
// CHECK-DAG: %[[B:.*]] = nn.constant dense<[1.400000e+01, 2.100000e+01]>
// CHECK: %[[Y:.*]] = nn.matmul %[[X]], %[[W]]
// CHECK-NEXT: nn.add %[[Y]], %[[B]]
func.func @matmul_scale(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = nn.constant dense<[[1.0, 2.0], [2.0, 4.0]]> : tensor<2x2xf32>
  %b = nn.constant dense<[7.0, 7.0]> : tensor<2xf32>
  %k = nn.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %0 = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %1 = nn.add %0, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %2 = nn.mul %1, %k : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// Transposed operands are flags.
// CHECK-LABEL: func @attention_scores
// CHECK-NEXT: nn.matmul %{{.*}} {transpose_rhs} : (tensor<2x8x5x4xf32>, tensor<2x8x5x4xf32>) -> tensor<2x8x5x5xf32>
func.func @attention_scores(%q: tensor<2x8x5x4xf32>, %k: tensor<2x8x5x4xf32>) -> tensor<2x8x5x5xf32> {
  %0 = nn.transpose %k {permutation = array<i64: 0, 1, 3, 2>} : (tensor<2x8x5x4xf32>) -> tensor<2x8x4x5xf32>
  %1 = nn.matmul %q, %0 : (tensor<2x8x5x4xf32>, tensor<2x8x4x5xf32>) -> tensor<2x8x5x5xf32>
  return %1 : tensor<2x8x5x5xf32>
}

// A scale and a shift a channel become part of a transposed convolution.
// CHECK-LABEL: func @transposed_batch_norm
// CHECK-DAG: %[[W:.*]] = nn.constant dense<{{\[\[\[}}2.000000e+00, 4.000000e+00], [9.000000e+00, 1.200000e+01]]]> : tensor<1x2x2xf32>
// CHECK-DAG: %[[B:.*]] = nn.constant dense<[5.000000e+00, 7.000000e+00]> : tensor<2xf32>
// CHECK: %[[Y:.*]] = nn.conv_transpose %{{.*}}, %[[W]], %[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @transposed_batch_norm(%x: tensor<1x1x3xf32>) -> tensor<1x2x6xf32> {
  %w = nn.constant dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
  %k = nn.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %c = nn.constant dense<[[5.0], [7.0]]> : tensor<2x1xf32>
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, output_padding = array<i64: 0>, output_shape = array<i64>} : (tensor<1x1x3xf32>, tensor<1x2x2xf32>) -> tensor<1x2x6xf32>
  %1 = nn.mul %0, %k : (tensor<1x2x6xf32>, tensor<2x1xf32>) -> tensor<1x2x6xf32>
  %2 = nn.add %1, %c : (tensor<1x2x6xf32>, tensor<2x1xf32>) -> tensor<1x2x6xf32>
  return %2 : tensor<1x2x6xf32>
}

// What follows a pixel shuffle is computed before it, where the convolution is.
// CHECK-LABEL: func @shuffled_activation
// CHECK: %[[Y:.*]] = nn.conv
// CHECK-NEXT: nn.leaky_relu %[[Y]]
// CHECK-NEXT: nn.reshape
// CHECK-NEXT: nn.transpose
// CHECK-NEXT: %[[Z:.*]] = nn.reshape
// CHECK-NEXT: return %[[Z]]
func.func @shuffled_activation(%x: tensor<1x8x4x4xf32>, %w: tensor<12x8x3x3xf32>) -> tensor<1x3x8x8xf32> {
  %split = nn.constant dense<[1, 3, 2, 2, 4, 4]> : tensor<6xi64>
  %merge = nn.constant dense<[1, 3, 8, 8]> : tensor<4xi64>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<1x8x4x4xf32>, tensor<12x8x3x3xf32>) -> tensor<1x12x4x4xf32>
  %1 = nn.reshape %0, %split : (tensor<1x12x4x4xf32>, tensor<6xi64>) -> tensor<1x3x2x2x4x4xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 1, 4, 2, 5, 3>} : (tensor<1x3x2x2x4x4xf32>) -> tensor<1x3x4x2x4x2xf32>
  %3 = nn.reshape %2, %merge : (tensor<1x3x4x2x4x2xf32>, tensor<4xi64>) -> tensor<1x3x8x8xf32>
  %4 = nn.leaky_relu %3 {alpha = 0.1} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %4 : tensor<1x3x8x8xf32>
}

// But not where the convolution's own result is wanted, too, nor with an operand for each element.
// CHECK-LABEL: func @shuffled_twice
// CHECK: nn.transpose
// CHECK-NEXT: nn.tanh
// CHECK: nn.transpose
// CHECK-NEXT: nn.add
func.func @shuffled_twice(%x: tensor<1x8x4xf32>, %w: tensor<8x8x3xf32>, %r: tensor<1x4x8xf32>) -> (tensor<1x8x4xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>) {
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>} : (tensor<1x8x4xf32>, tensor<8x8x3xf32>) -> tensor<1x8x4xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 0, 2, 1>} : (tensor<1x8x4xf32>) -> tensor<1x4x8xf32>
  %2 = nn.tanh %1 : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  %3 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 0>, dilations = array<i64: 1>} : (tensor<1x8x4xf32>, tensor<8x8x3xf32>) -> tensor<1x8x4xf32>
  %4 = nn.transpose %3 {permutation = array<i64: 0, 2, 1>} : (tensor<1x8x4xf32>) -> tensor<1x4x8xf32>
  %5 = nn.add %4, %r : (tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return %0, %2, %5 : tensor<1x8x4xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>
}

// Strassen's product reads rows.
// CHECK-LABEL: func @strassen_rows
// CHECK-NEXT: nn.transpose
// CHECK-NEXT: nn.matmul {{.*}} strassen} : (tensor<2x8x64xf32>
func.func @strassen_rows(%x: tensor<2x64x8xf32>, %sums: tensor<7x1x32x16xf32>) -> tensor<2x8x32xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<2x64x8xf32>) -> tensor<2x8x64xf32>
  %1 = nn.matmul %0, %sums {columns = 32 : i64, rhs_block = 16 : i64, strassen} : (tensor<2x8x64xf32>, tensor<7x1x32x16xf32>) -> tensor<2x8x32xf32>
  return %1 : tensor<2x8x32xf32>
}

// Zero pads and auto_pad become the convolution's pads.
// CHECK-LABEL: func @pads
// CHECK-NEXT: %[[Y:.*]] = nn.conv %{{.*}}, %{{.*}} {dilations = array<i64: 1>, pads = array<i64: 2, 1>, strides = array<i64: 2>}
// CHECK-NEXT: %[[Z:.*]] = nn.conv %{{.*}}, %{{.*}} {dilations = array<i64: 1>, pads = array<i64: 0, 1>, strides = array<i64: 2>}
// CHECK-NEXT: return %[[Y]], %[[Z]]
func.func @pads(%x: tensor<1x1x8xf32>, %w: tensor<1x1x3xf32>) -> (tensor<1x1x5xf32>, tensor<1x1x4xf32>) {
  %pads = nn.constant dense<[0, 0, 1, 0, 0, 0]> : tensor<6xi64>
  %0 = nn.pad %x, %pads {mode = #nn<pad_mode constant>} : (tensor<1x1x8xf32>, tensor<6xi64>) -> tensor<1x1x9xf32>
  %1 = nn.conv %0, %w {dilations = array<i64: 1>, pads = array<i64: 1, 1>, strides = array<i64: 2>}
      : (tensor<1x1x9xf32>, tensor<1x1x3xf32>) -> tensor<1x1x5xf32>
  %2 = nn.conv %x, %w {auto_pad = #nn<auto_pad same_upper>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 2>}
      : (tensor<1x1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x1x4xf32>
  return %1, %2 : tensor<1x1x5xf32>, tensor<1x1x4xf32>
}

// Powers by small constants are products and roots.
// CHECK-LABEL: func @powers
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32>)
// CHECK-NEXT: %[[A:.*]] = nn.mul %[[X]], %[[X]]
// CHECK-NEXT: nn.sqrt %[[A]]
func.func @powers(%x: tensor<?xf32>) -> tensor<?xf32> {
  %two = nn.constant dense<2.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<1xf32>
  %0 = nn.pow %x, %two : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %1 = nn.pow %0, %half : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// An expand before an op that broadcasts as far anyway goes away.
// CHECK-LABEL: func @expand
// CHECK-NEXT: nn.add %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>)
func.func @expand(%x: tensor<?x4xf32>, %y: tensor<4xf32>) -> tensor<?x4xf32> {
  %0 = nn.shape_of %x {start = 0 : i64, end = 2 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
  %1 = nn.expand %y, %0 : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %2 = nn.add %x, %1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// A branch whose condition folds is inlined, and its type with it.
// CHECK-LABEL: func @branch
// CHECK-SAME: -> tensor<2x3xf32>
// CHECK-NOT: nn.if
// CHECK: nn.relu
func.func @branch(%x: tensor<2x3xf32>) -> tensor<?x?xf32> {
  %two = nn.constant dense<2> : tensor<1xi64>
  %0 = nn.shape_of %x {start = 0 : i64, end = 1 : i64} : (tensor<2x3xf32>) -> tensor<1xi64>
  %1 = nn.compare %0, %two {predicate = #nn<predicate eq>} : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi1>
  %2 = nn.if %1 : (tensor<1xi1>) -> tensor<?x?xf32> {
    %3 = nn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    nn.yield %3 : tensor<2x3xf32>
  } else {
    %4 = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
    nn.yield %4 : tensor<3x2xf32>
  }
  return %2 : tensor<?x?xf32>
}

// A layer norm as exporters write it is one op.
// CHECK-LABEL: func @layer_norm
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[S:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK: %[[Y:.*]] = nn.layer_norm %[[X]], %[[S]], %[[B]] {axis = 1 : i64, epsilon = 1.250000e-01 : f64}
// CHECK-NEXT: return %[[Y]]
func.func @layer_norm(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  %e = nn.constant dense<0.125> : tensor<f32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %0 = nn.reduce %x {axes = array<i64: 1>, keepdims = true, kind = #nn<reduce_kind mean>} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  %1 = nn.sub %x, %0 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %2 = nn.pow %1, %two : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %3 = nn.reduce %2 {axes = array<i64: 1>, keepdims = true, kind = #nn<reduce_kind mean>} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  %4 = nn.add %3, %e : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %5 = nn.sqrt %4 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %6 = nn.div %1, %5 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %7 = nn.mul %6, %s : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %8 = nn.add %7, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %8 : tensor<?x4xf32>
}

// A variance over another tensor than the one that is divided is no layer norm.
// CHECK-LABEL: func @no_layer_norm
// CHECK-NOT: nn.layer_norm
// CHECK: return
func.func @no_layer_norm(%x: tensor<?x4xf32>, %z: tensor<?x4xf32>, %s: tensor<4xf32>) -> tensor<?x4xf32> {
  %e = nn.constant dense<0.125> : tensor<f32>
  %0 = nn.reduce %x {axes = array<i64: 1>, keepdims = true, kind = #nn<reduce_kind mean>} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  %1 = nn.sub %x, %0 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %2 = nn.mul %z, %z : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %3 = nn.reduce %2 {axes = array<i64: 1>, keepdims = true, kind = #nn<reduce_kind mean>} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  %4 = nn.add %3, %e : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %5 = nn.sqrt %4 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %6 = nn.div %1, %5 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %7 = nn.mul %6, %s : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %7 : tensor<?x4xf32>
}

// GELU by the error function, the half at either end.
// CHECK-LABEL: func @gelu
// CHECK-SAME: (%[[X:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[Y:.*]] = nn.gelu %[[X]] : (tensor<8xf32>) -> tensor<8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @gelu(%x: tensor<8xf32>) -> tensor<8xf32> {
  %half = nn.constant dense<0.5> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %0 = nn.div %x, %root : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = nn.erf %0 : (tensor<8xf32>) -> tensor<8xf32>
  %2 = nn.add %1, %one : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %3 = nn.mul %x, %2 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %4 = nn.mul %3, %half : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %4 : tensor<8xf32>
}

// GELU by tanh.
// CHECK-LABEL: func @gelu_tanh
// CHECK: nn.gelu %{{.*}} {tanh_approximation}
// CHECK-NEXT: return
func.func @gelu_tanh(%x: tensor<8xf32>) -> tensor<8xf32> {
  %half = nn.constant dense<0.5> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %cubic = nn.constant dense<0.044715> : tensor<f32>
  %root = nn.constant dense<0.797884583> : tensor<f32>
  %0 = nn.pow %x, %three : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = nn.mul %0, %cubic : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %2 = nn.add %x, %1 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %3 = nn.mul %2, %root : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %4 = nn.tanh %3 : (tensor<8xf32>) -> tensor<8xf32>
  %5 = nn.add %4, %one : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %6 = nn.mul %x, %half : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %7 = nn.mul %6, %5 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %7 : tensor<8xf32>
}

// Another factor than a half is no GELU.
// CHECK-LABEL: func @no_gelu
// CHECK: nn.erf
func.func @no_gelu(%x: tensor<8xf32>) -> tensor<8xf32> {
  %half = nn.constant dense<0.25> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %0 = nn.div %x, %root : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = nn.erf %0 : (tensor<8xf32>) -> tensor<8xf32>
  %2 = nn.add %1, %one : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %3 = nn.mul %x, %2 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %4 = nn.mul %3, %half : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %4 : tensor<8xf32>
}

// A power of two divides as its inverse multiplies; three does not.
// CHECK-LABEL: func @divide
// CHECK-DAG: %[[E:.*]] = nn.constant dense<1.250000e-01> : tensor<f32>
// CHECK: %[[Y:.*]] = nn.mul %{{.*}}, %[[E]]
// CHECK-NEXT: nn.div %[[Y]]
func.func @divide(%x: tensor<8xf32>) -> tensor<8xf32> {
  %eight = nn.constant dense<8.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %0 = nn.div %x, %eight : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = nn.div %0, %three : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// What reads all of a concat, and alone, goes before it; the kernels that compute the parts take it in.
// CHECK-LABEL: func @concat_relu
// CHECK: %[[A:.*]] = nn.relu %arg0 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
// CHECK: %[[B:.*]] = nn.relu %arg1 : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
// CHECK: %[[Y:.*]] = nn.concat %[[A]], %[[B]]
// CHECK: return %[[Y]]
func.func @concat_relu(%x: tensor<1x2x4xf32>, %y: tensor<1x3x4xf32>) -> tensor<1x5x4xf32> {
  %0 = nn.concat %x, %y {axis = 1} : (tensor<1x2x4xf32>, tensor<1x3x4xf32>) -> tensor<1x5x4xf32>
  %1 = nn.relu %0 : (tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
  return %1 : tensor<1x5x4xf32>
}

// Others read the concat, or the op reads more than a number beside it: it stays.
// CHECK-LABEL: func @concat_shared
// CHECK: nn.concat
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.add
func.func @concat_shared(%x: tensor<1x2x4xf32>, %y: tensor<1x3x4xf32>) -> tensor<1x5x4xf32> {
  %0 = nn.concat %x, %y {axis = 1} : (tensor<1x2x4xf32>, tensor<1x3x4xf32>) -> tensor<1x5x4xf32>
  %1 = nn.relu %0 : (tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
  %2 = nn.add %0, %1 : (tensor<1x5x4xf32>, tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
  return %2 : tensor<1x5x4xf32>
}

// The projection of an embedding: the table is multiplied at compile time, and the indices are transposed.
// CHECK-LABEL: func @project_rows
// CHECK: %[[T:.*]] = nn.constant dense<{{.*}}[1.000000e+01, 2.000000e+01, 3.000000e+01], [2.000000e+01, 4.000000e+01, 6.000000e+01]{{.*}}> : tensor<2x3xf32>
// CHECK: %[[I:.*]] = nn.transpose %arg0
// CHECK: nn.gather %[[T]], %[[I]] {axis = 0 : i64} : (tensor<2x3xf32>, tensor<5x?xi64>) -> tensor<5x?x3xf32>
// CHECK-NOT: nn.matmul
func.func @project_rows(%i: tensor<?x5xi64>) -> tensor<5x?x3xf32> {
  %table = nn.constant dense<[[1.0, 3.0], [2.0, 6.0]]> : tensor<2x2xf32>
  %w = nn.constant dense<[[1.0, 2.0, 3.0], [3.0, 6.0, 9.0]]> : tensor<2x3xf32>
  %0 = nn.gather %table, %i {axis = 0} : (tensor<2x2xf32>, tensor<?x5xi64>) -> tensor<?x5x2xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 1, 0, 2>} : (tensor<?x5x2xf32>) -> tensor<5x?x2xf32>
  %2 = nn.matmul %1, %w : (tensor<5x?x2xf32>, tensor<2x3xf32>) -> tensor<5x?x3xf32>
  return %2 : tensor<5x?x3xf32>
}

// More indices than the table has rows: its product is made once, whoever trains it.
// CHECK-LABEL: func @project_trained
// CHECK-SAME: %[[TABLE:.*]]: tensor<4x16xf32>, %[[W:.*]]: tensor<16x3xf32>
// CHECK: %[[P:.*]] = nn.matmul %[[TABLE]], %[[W]] : (tensor<4x16xf32>, tensor<16x3xf32>) -> tensor<4x3xf32>
// CHECK: nn.gather %[[P]], %{{.*}} {axis = 0 : i64} : (tensor<4x3xf32>, tensor<2x4xi64>) -> tensor<2x4x3xf32>
// CHECK-LABEL: func @project_few
// CHECK: nn.gather
// CHECK: nn.matmul
func.func @project_trained(%table: tensor<4x16xf32>, %w: tensor<16x3xf32>, %i: tensor<2x4xi64>) -> tensor<2x4x3xf32> {
  %0 = nn.gather %table, %i {axis = 0} : (tensor<4x16xf32>, tensor<2x4xi64>) -> tensor<2x4x16xf32>
  %1 = nn.matmul %0, %w : (tensor<2x4x16xf32>, tensor<16x3xf32>) -> tensor<2x4x3xf32>
  return %1 : tensor<2x4x3xf32>
}
func.func @project_few(%table: tensor<4x16xf32>, %w: tensor<16x3xf32>, %i: tensor<7xi64>) -> tensor<7x3xf32> {
  %0 = nn.gather %table, %i {axis = 0} : (tensor<4x16xf32>, tensor<7xi64>) -> tensor<7x16xf32>
  %1 = nn.matmul %0, %w : (tensor<7x16xf32>, tensor<16x3xf32>) -> tensor<7x3xf32>
  return %1 : tensor<7x3xf32>
}

// The shape of gathered rows is known without them.
// CHECK-LABEL: func @shape_of_rows
// CHECK-NOT: nn.gather
// CHECK: %[[S:.*]] = nn.shape_of %arg1 {end = 2 : i64, start = 1 : i64}
// CHECK: nn.concat %[[S]], %{{.*}} {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
func.func @shape_of_rows(%table: tensor<?x7xf32>, %i: tensor<?x?xi64>) -> tensor<2xi64> {
  %0 = nn.gather %table, %i {axis = 0} : (tensor<?x7xf32>, tensor<?x?xi64>) -> tensor<?x?x7xf32>
  %1 = nn.shape_of %0 {start = 1, end = 3} : (tensor<?x?x7xf32>) -> tensor<2xi64>
  return %1 : tensor<2xi64>
}

// A table with more rows than the weights have would grow; a row's own dims move.
// CHECK-LABEL: func @project_large
// CHECK: nn.matmul
// CHECK: nn.transpose
func.func @project_large(%i: tensor<5xi64>) -> tensor<9x5xf32> {
  %table = nn.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %w = nn.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]]> : tensor<1x9xf32>
  %0 = nn.gather %table, %i {axis = 0} : (tensor<3x1xf32>, tensor<5xi64>) -> tensor<5x1xf32>
  %1 = nn.matmul %0, %w : (tensor<5x1xf32>, tensor<1x9xf32>) -> tensor<5x9xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 1, 0>} : (tensor<5x9xf32>) -> tensor<9x5xf32>
  return %2 : tensor<9x5xf32>
}

// The gradient of slices that fill a dim is a concat, in the slices' order; with a gap it stays a sum.
// CHECK-LABEL: func @parts
// CHECK-SAME: %[[A:.*]]: tensor<3x2xf32>, %[[B:.*]]: tensor<3x1xf32>, %[[C:.*]]: tensor<3x3xf32>
// CHECK-DAG: nn.concat %[[A]], %[[B]], %[[C]] {axis = 1 : i64} : {{.*}} -> tensor<3x6xf32>
// CHECK-DAG: nn.add
func.func @parts(%a: tensor<3x2xf32>, %b: tensor<3x1xf32>, %c: tensor<3x3xf32>) -> (tensor<3x6xf32>, tensor<3x6xf32>) {
  %pa = nn.constant dense<[0, 0, 0, 4]> : tensor<4xi64>
  %pb = nn.constant dense<[0, 2, 0, 3]> : tensor<4xi64>
  %pc = nn.constant dense<[0, 3, 0, 0]> : tensor<4xi64>
  %0 = nn.pad %a, %pa {mode = #nn<pad_mode constant>} : (tensor<3x2xf32>, tensor<4xi64>) -> tensor<3x6xf32>
  %1 = nn.pad %b, %pb {mode = #nn<pad_mode constant>} : (tensor<3x1xf32>, tensor<4xi64>) -> tensor<3x6xf32>
  %2 = nn.pad %c, %pc {mode = #nn<pad_mode constant>} : (tensor<3x3xf32>, tensor<4xi64>) -> tensor<3x6xf32>
  %3 = nn.add %2, %0 : (tensor<3x6xf32>, tensor<3x6xf32>) -> tensor<3x6xf32>
  %4 = nn.add %3, %1 : (tensor<3x6xf32>, tensor<3x6xf32>) -> tensor<3x6xf32>
  %5 = nn.add %0, %2 : (tensor<3x6xf32>, tensor<3x6xf32>) -> tensor<3x6xf32>
  return %4, %5 : tensor<3x6xf32>, tensor<3x6xf32>
}

// Dynamic sizes may be concatenated where they are one size.
// CHECK-LABEL: func @dynamic_parts
// CHECK: nn.concat
// CHECK-LABEL: func @unlike_parts
// CHECK: nn.add
func.func @dynamic_parts(%a: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %pa = nn.constant dense<[0, 0, 0, 2]> : tensor<4xi64>
  %pb = nn.constant dense<[0, 2, 0, 0]> : tensor<4xi64>
  %n = nn.neg %a : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %0 = nn.pad %a, %pa {mode = #nn<pad_mode constant>} : (tensor<?x2xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  %1 = nn.pad %n, %pb {mode = #nn<pad_mode constant>} : (tensor<?x2xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  %2 = nn.add %0, %1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}
func.func @unlike_parts(%a: tensor<?x2xf32>, %b: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %pa = nn.constant dense<[0, 0, 0, 2]> : tensor<4xi64>
  %pb = nn.constant dense<[0, 2, 0, 0]> : tensor<4xi64>
  %0 = nn.pad %a, %pa {mode = #nn<pad_mode constant>} : (tensor<?x2xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  %1 = nn.pad %b, %pb {mode = #nn<pad_mode constant>} : (tensor<?x2xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  %2 = nn.add %0, %1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// What a broadcast repeated is summed by a reduction where that is certain, and by its shape where a run decides.
// CHECK-LABEL: func @certain_sum
// CHECK-SAME: %[[X:.*]]: tensor<?x5x3xf32>
// CHECK: %[[S:.*]] = nn.reduce %[[X]] {axes = array<i64: 1>, {{.*}} -> tensor<?x1x3xf32>
// CHECK: return %[[X]], %[[S]]
// CHECK-LABEL: func @uncertain_sum
// CHECK: nn.sum_to_shape
func.func @certain_sum(%x: tensor<?x5x3xf32>) -> (tensor<?x5x3xf32>, tensor<?x1x3xf32>) {
  %whole = nn.shape_of %x {start = 0, end = 3} : (tensor<?x5x3xf32>) -> tensor<3xi64>
  %batch = nn.shape_of %x {start = 0, end = 1} : (tensor<?x5x3xf32>) -> tensor<1xi64>
  %rest = nn.constant dense<[1, 3]> : tensor<2xi64>
  %some = nn.concat %batch, %rest {axis = 0} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %0 = nn.sum_to_shape %x, %whole : (tensor<?x5x3xf32>, tensor<3xi64>) -> tensor<?x5x3xf32>
  %1 = nn.sum_to_shape %x, %some : (tensor<?x5x3xf32>, tensor<3xi64>) -> tensor<?x1x3xf32>
  return %0, %1 : tensor<?x5x3xf32>, tensor<?x1x3xf32>
}
func.func @uncertain_sum(%x: tensor<?x3xf32>, %like: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %shape = nn.shape_of %like {start = 0, end = 2} : (tensor<?x3xf32>) -> tensor<2xi64>
  %0 = nn.sum_to_shape %x, %shape : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// A transposed gradient of a weight is the product the other way round.
// CHECK-LABEL: func @turned_product
// CHECK-SAME: %[[A:.*]]: tensor<7x3xf32>, %[[B:.*]]: tensor<7x5xf32>
// CHECK-NOT: nn.transpose
// CHECK: nn.matmul %[[B]], %[[A]] {transpose_lhs} : (tensor<7x5xf32>, tensor<7x3xf32>) -> tensor<5x3xf32>
func.func @turned_product(%a: tensor<7x3xf32>, %b: tensor<7x5xf32>) -> tensor<5x3xf32> {
  %0 = nn.matmul %a, %b {transpose_lhs} : (tensor<7x3xf32>, tensor<7x5xf32>) -> tensor<3x5xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<3x5xf32>) -> tensor<5x3xf32>
  return %1 : tensor<5x3xf32>
}
