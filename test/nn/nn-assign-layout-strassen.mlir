// Products with large constant matrices take Strassen's algorithm where many rows share them.
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

// CHECK-LABEL: func @transposed
// CHECK: nn.matmul {{.*}} {columns = 512 : i64, rhs_block = 64 : i64, strassen}
func.func @transposed(%x: tensor<2x200x512xf32>) -> tensor<2x200x512xf32> {
  %w = nn.constant dense<1.0> : tensor<512x512xf32>
  %0 = nn.matmul %x, %w {transpose_rhs} : (tensor<2x200x512xf32>, tensor<512x512xf32>) -> tensor<2x200x512xf32>
  return %0 : tensor<2x200x512xf32>
}

// All dims before the last are rows, at the sizes to expect.
// CHECK-LABEL: func @batches
// CHECK: nn.matmul {{.*}} strassen}
func.func @batches(%x: tensor<?x1x2x4x16x768xf32>) -> tensor<?x1x2x4x16x384xf32> {
  %w = nn.constant dense<1.0> : tensor<768x384xf32>
  %0 = nn.matmul %x, %w : (tensor<?x1x2x4x16x768xf32>, tensor<768x384xf32>) -> tensor<?x1x2x4x16x384xf32>
  return %0 : tensor<?x1x2x4x16x384xf32>
}

// Few rows read the weights too seldom, a small matrix is soon multiplied by, odd sizes do not halve, and what is not constant
// has no sums.
// CHECK-LABEL: func @direct
// CHECK-NOT: strassen
func.func @direct(%a: tensor<8x768xf32>, %b: tensor<128x64xf32>, %c: tensor<128x700xf32>, %d: tensor<128x768xf32>, %e: tensor<768x768xf32>)
    -> (tensor<8x768xf32>, tensor<128x64xf32>, tensor<128x700xf32>, tensor<128x768xf32>) {
  %w = nn.constant dense<1.0> : tensor<768x768xf32>
  %0 = nn.matmul %a, %w : (tensor<8x768xf32>, tensor<768x768xf32>) -> tensor<8x768xf32>
  %v = nn.constant dense<1.0> : tensor<64x64xf32>
  %1 = nn.matmul %b, %v : (tensor<128x64xf32>, tensor<64x64xf32>) -> tensor<128x64xf32>
  %u = nn.constant dense<1.0> : tensor<700x700xf32>
  %2 = nn.matmul %c, %u : (tensor<128x700xf32>, tensor<700x700xf32>) -> tensor<128x700xf32>
  %3 = nn.matmul %d, %e : (tensor<128x768xf32>, tensor<768x768xf32>) -> tensor<128x768xf32>
  return %0, %1, %2, %3 : tensor<8x768xf32>, tensor<128x64xf32>, tensor<128x700xf32>, tensor<128x768xf32>
}
