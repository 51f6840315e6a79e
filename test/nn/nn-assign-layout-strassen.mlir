// Products of large matrices take Strassen's algorithm where many rows share them.
// RUN: sinter-opt %s --nn-assign-layout="vector=16 fewer-products=true fma-per-cycle=1" | FileCheck %s
// RUN: sinter-opt %s --nn-assign-layout="vector=16 fma-per-cycle=1" | FileCheck %s --check-prefix=DIRECT
// DIRECT-NOT: strassen

// CHECK-LABEL: func @large
// CHECK: nn.einsum {{.*}} {equation = "pij,bjikv->pbkv"} : (tensor<7x2x2xf32>, tensor<4x2x2x384x48xf32>) -> tensor<7x4x384x48xf32>
// CHECK: nn.matmul {{.*}} {columns = 384 : i64, rhs_block = 48 : i64, strassen}
func.func @large(%x: tensor<128x768xf32>) -> tensor<128x384xf32> {
  %w = nn.constant dense<1.0> : tensor<768x384xf32>
  %0 = nn.matmul %x, %w : (tensor<128x768xf32>, tensor<768x384xf32>) -> tensor<128x384xf32>
  return %0 : tensor<128x384xf32>
}

// The rows of all samples are one matrix's.
// CHECK-LABEL: func @transposed
// CHECK: %[[X:.*]] = nn.reshape %{{.*}} : (tensor<2x200x512xf32>, tensor<2xi64>) -> tensor<400x512xf32>
// CHECK: nn.matmul %[[X]], {{.*}} : (tensor<400x512xf32>, tensor<7x4x256x64xf32>) -> tensor<400x512xf32>
// CHECK-LABEL: func @transposed_unknown
// CHECK: nn.matmul {{.*}} {columns = 512 : i64, rhs_block = 64 : i64, strassen}
func.func @transposed(%x: tensor<2x200x512xf32>) -> tensor<2x200x512xf32> {
  %w = nn.constant dense<1.0> : tensor<512x512xf32>
  %0 = nn.matmul %x, %w {transpose_rhs} : (tensor<2x200x512xf32>, tensor<512x512xf32>) -> tensor<2x200x512xf32>
  return %0 : tensor<2x200x512xf32>
}

func.func @transposed_unknown(%x: tensor<?x200x512xf32>) -> tensor<?x200x512xf32> {
  %w = nn.constant dense<1.0> : tensor<512x512xf32>
  %0 = nn.matmul %x, %w {transpose_rhs} : (tensor<?x200x512xf32>, tensor<512x512xf32>) -> tensor<?x200x512xf32>
  return %0 : tensor<?x200x512xf32>
}

// All dims before the last are rows, at the sizes to expect.
// CHECK-LABEL: func @batches
// CHECK: nn.matmul {{.*}} strassen}
func.func @batches(%x: tensor<?x1x2x4x16x768xf32>) -> tensor<?x1x2x4x16x384xf32> {
  %w = nn.constant dense<1.0> : tensor<768x384xf32>
  %0 = nn.matmul %x, %w : (tensor<?x1x2x4x16x768xf32>, tensor<768x384xf32>) -> tensor<?x1x2x4x16x384xf32>
  return %0 : tensor<?x1x2x4x16x384xf32>
}

// Of two matrices that the run makes the kernel makes the sums; a transposed right side is turned before. Bias and residual follow
// the rows, which get their dims back behind them.
// CHECK-LABEL: func @training
// CHECK: %[[W:.*]] = nn.transpose %{{.*}} {permutation = array<i64: 1, 0>}
// CHECK: %[[PRODUCT:.*]] = nn.matmul %{{.*}}, %[[W]] {rhs_block = 64 : i64, strassen} : (tensor<2048x512xf32>, tensor<512x256xf32>) -> tensor<2048x256xf32>
// CHECK: %[[SUM:.*]] = nn.add %[[PRODUCT]], %{{.*}} : (tensor<2048x256xf32>, tensor<256xf32>)
// CHECK: %[[ALL:.*]] = nn.add %[[SUM]], %{{.*}} : (tensor<2048x256xf32>, tensor<2048x256xf32>)
// CHECK: %[[RESULT:.*]] = nn.reshape %[[ALL]]
// CHECK: nn.softmax %[[RESULT]]
func.func @training(%x: tensor<16x128x512xf32>, %w: tensor<256x512xf32>, %b: tensor<1x1x256xf32>, %r: tensor<16x128x256xf32>) -> tensor<16x128x256xf32> {
  %0 = nn.matmul %x, %w {transpose_rhs} : (tensor<16x128x512xf32>, tensor<256x512xf32>) -> tensor<16x128x256xf32>
  %1 = nn.add %0, %b : (tensor<16x128x256xf32>, tensor<1x1x256xf32>) -> tensor<16x128x256xf32>
  %2 = nn.add %1, %r : (tensor<16x128x256xf32>, tensor<16x128x256xf32>) -> tensor<16x128x256xf32>
  %3 = nn.softmax %2 {axes = array<i64: 1>} : (tensor<16x128x256xf32>) -> tensor<16x128x256xf32>
  return %3 : tensor<16x128x256xf32>
}

// What is repeated along some rows cannot follow.
// CHECK-LABEL: func @repeated
// CHECK: nn.matmul {{.*}} strassen}
// CHECK: %[[RESULT:.*]] = nn.reshape
// CHECK: nn.add %[[RESULT]], %{{.*}} : (tensor<16x128x256xf32>, tensor<128x256xf32>)
func.func @repeated(%x: tensor<16x128x512xf32>, %w: tensor<512x256xf32>, %b: tensor<128x256xf32>) -> tensor<16x128x256xf32> {
  %0 = nn.matmul %x, %w : (tensor<16x128x512xf32>, tensor<512x256xf32>) -> tensor<16x128x256xf32>
  %1 = nn.add %0, %b : (tensor<16x128x256xf32>, tensor<128x256xf32>) -> tensor<16x128x256xf32>
  return %1 : tensor<16x128x256xf32>
}

// The gradient of a weight, in pieces of its long sum.
// CHECK-LABEL: func @gradient
// CHECK: nn.matmul {{.*}} {rhs_block = 64 : i64, strassen, transpose_lhs} : (tensor<4x512x256xf32>, tensor<4x512x1024xf32>) -> tensor<4x256x1024xf32>
// CHECK: nn.reduce
func.func @gradient(%x: tensor<2048x256xf32>, %dy: tensor<2048x1024xf32>) -> tensor<256x1024xf32> {
  %0 = nn.matmul %x, %dy {transpose_lhs} : (tensor<2048x256xf32>, tensor<2048x1024xf32>) -> tensor<256x1024xf32>
  return %0 : tensor<256x1024xf32>
}

// Few rows read the weights too seldom, a small matrix is soon multiplied by, odd sizes do not halve, what a loop multiplies by in
// each step is packed before it, a right side is not repeated for several samples' left ones, and vectors along the rows are whole.
// CHECK-LABEL: func @few_rows_made
// CHECK-NOT: strassen
func.func @few_rows_made(%x: tensor<128x512xf32>, %w: tensor<512x512xf32>) -> tensor<128x512xf32> {
  %0 = nn.matmul %x, %w : (tensor<128x512xf32>, tensor<512x512xf32>) -> tensor<128x512xf32>
  return %0 : tensor<128x512xf32>
}

// CHECK-LABEL: func @direct
// CHECK-NOT: strassen
func.func @direct(%a: tensor<8x768xf32>, %b: tensor<128x64xf32>, %c: tensor<128x700xf32>, %d: tensor<?x768xf32>, %e: tensor<768x768xf32>,
                  %f: tensor<2x768x768xf32>, %g: tensor<1x768x768xf32>, %h: tensor<512x760xf32>, %i: tensor<512x768xf32>)
    -> (tensor<8x768xf32>, tensor<128x64xf32>, tensor<128x700xf32>, tensor<?x768xf32>, tensor<2x768x768xf32>, tensor<760x768xf32>) {
  %w = nn.constant dense<1.0> : tensor<768x768xf32>
  %0 = nn.matmul %a, %w : (tensor<8x768xf32>, tensor<768x768xf32>) -> tensor<8x768xf32>
  %v = nn.constant dense<1.0> : tensor<64x64xf32>
  %1 = nn.matmul %b, %v : (tensor<128x64xf32>, tensor<64x64xf32>) -> tensor<128x64xf32>
  %u = nn.constant dense<1.0> : tensor<700x700xf32>
  %2 = nn.matmul %c, %u : (tensor<128x700xf32>, tensor<700x700xf32>) -> tensor<128x700xf32>
  %3 = nn.matmul %d, %e : (tensor<?x768xf32>, tensor<768x768xf32>) -> tensor<?x768xf32>
  %4 = nn.matmul %f, %g : (tensor<2x768x768xf32>, tensor<1x768x768xf32>) -> tensor<2x768x768xf32>
  %5 = nn.matmul %h, %i {transpose_lhs} : (tensor<512x760xf32>, tensor<512x768xf32>) -> tensor<760x768xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<8x768xf32>, tensor<128x64xf32>, tensor<128x700xf32>, tensor<?x768xf32>, tensor<2x768x768xf32>, tensor<760x768xf32>
}
