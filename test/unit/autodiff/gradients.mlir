// The cases of GradientTest.cpp: each function is differentiated by its float arguments. `test.range` bounds the
// numbers that an argument gets (-2 to 2), `test.shape` gives a size to dynamic dims.

// Unary functions that are smooth on the whole line.
func.func @everywhere(%x: tensor<2x3xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) {
  %0 = nn.neg %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %1 = nn.exp %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = nn.sin %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %3 = nn.cos %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %4 = nn.atan %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %5 = nn.sinh %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %6 = nn.cosh %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %7 = nn.tanh %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %8 = nn.asinh %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %9 = nn.erf %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %10 = nn.sigmoid %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %11 = nn.softplus %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %12 = nn.softsign %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %13 = nn.gelu %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %14 = nn.gelu %x {tanh_approximation} : (tensor<2x3xf64>) -> tensor<2x3xf64>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14 : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

// Those that are defined within (-1, 1).
func.func @inside_one(%x: tensor<2x3xf64> {test.range = array<f64: -0.9, 0.9>}) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) {
  %0 = nn.asin %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %1 = nn.acos %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = nn.atanh %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %3 = nn.tan %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  return %0, %1, %2, %3 : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

// Those of positive numbers.
func.func @positive(%x: tensor<2x3xf64> {test.range = array<f64: 0.3, 2.0>}) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) {
  %0 = nn.sqrt %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %1 = nn.rsqrt %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = nn.log %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %3 = nn.reciprocal %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  return %0, %1, %2, %3 : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

// acosh begins at 1.
func.func @above_one(%x: tensor<2x3xf64> {test.range = array<f64: 1.2, 3.0>}) -> (tensor<2x3xf64>) {
  %0 = nn.acosh %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  return %0 : tensor<2x3xf64>
}

// Those with a kink; the numbers keep away from it.
func.func @kinks(%x: tensor<4x5xf64> {test.range = array<f64: -4.0, 4.0>}) -> (tensor<4x5xf64>, tensor<4x5xf64>, tensor<4x5xf64>, tensor<4x5xf64>, tensor<4x5xf64>) {
  %0 = nn.abs %x : (tensor<4x5xf64>) -> tensor<4x5xf64>
  %1 = nn.relu %x : (tensor<4x5xf64>) -> tensor<4x5xf64>
  %2 = nn.leaky_relu %x {alpha = 0.1 : f64} : (tensor<4x5xf64>) -> tensor<4x5xf64>
  %3 = nn.elu %x {alpha = 1.5 : f64} : (tensor<4x5xf64>) -> tensor<4x5xf64>
  %4 = nn.hard_sigmoid %x {alpha = 0.2 : f64, beta = 0.5 : f64} : (tensor<4x5xf64>) -> tensor<4x5xf64>
  return %0, %1, %2, %3, %4 : tensor<4x5xf64>, tensor<4x5xf64>, tensor<4x5xf64>, tensor<4x5xf64>, tensor<4x5xf64>
}

// Derivative zero.
func.func @steps(%x: tensor<2x3xf64> {test.range = array<f64: 0.1, 0.4>}) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) {
  %0 = nn.sign %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %1 = nn.ceil %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = nn.floor %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %3 = nn.round %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  return %0, %1, %2, %3 : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

// Through another float type, and cut off by an integer.
func.func @cast(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  %0 = nn.cast %x {to = f64} : (tensor<3xf64>) -> tensor<3xf64>
  %1 = nn.cast %x {to = i64} : (tensor<3xf64>) -> tensor<3xi64>
  %2 = nn.cast %1 {to = f64} : (tensor<3xi64>) -> tensor<3xf64>
  %3 = nn.mul %2, %x : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  return %0, %3 : tensor<3xf64>, tensor<3xf64>
}

// Operands of one shape.
func.func @binary(%x: tensor<2x3xf64>, %y: tensor<2x3xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) {
  %0 = nn.add %x, %y : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  %1 = nn.sub %x, %y : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = nn.mul %x, %y : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  %3 = nn.min %x, %y : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  %4 = nn.max %x, %y : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  %5 = nn.prelu %x, %y : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  return %0, %1, %2, %3, %4, %5 : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

// Cotangents are summed over the dims that were repeated.
func.func @broadcast(%x: tensor<2x1x3xf64>, %y: tensor<4x1xf64>) -> (tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>) {
  %0 = nn.add %x, %y : (tensor<2x1x3xf64>, tensor<4x1xf64>) -> tensor<2x4x3xf64>
  %1 = nn.sub %x, %y : (tensor<2x1x3xf64>, tensor<4x1xf64>) -> tensor<2x4x3xf64>
  %2 = nn.mul %x, %y : (tensor<2x1x3xf64>, tensor<4x1xf64>) -> tensor<2x4x3xf64>
  %3 = nn.min %x, %y : (tensor<2x1x3xf64>, tensor<4x1xf64>) -> tensor<2x4x3xf64>
  %4 = nn.max %x, %y : (tensor<2x1x3xf64>, tensor<4x1xf64>) -> tensor<2x4x3xf64>
  %5 = nn.prelu %x, %y : (tensor<2x1x3xf64>, tensor<4x1xf64>) -> tensor<2x4x3xf64>
  return %0, %1, %2, %3, %4, %5 : tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>, tensor<2x4x3xf64>
}

// Division and what is made of it.
func.func @quotients(%x: tensor<2x3xf64> {test.range = array<f64: 0.3, 2.0>}, %y: tensor<3xf64> {test.range = array<f64: 0.7, 3.0>}) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) {
  %0 = nn.div %x, %y : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  %1 = nn.mod %x, %y : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  %2 = nn.mod %x, %y {fmod} : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  %3 = nn.pow %x, %y : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  return %0, %1, %2, %3 : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

// Whether a dim repeats is only known at run time.
func.func @dynamic_broadcast(%x: tensor<?x3xf64> {test.shape = array<i64: 4, 3>}, %y: tensor<?x3xf64> {test.shape = array<i64: 1, 3>}) -> (tensor<?x3xf64>, tensor<?x3xf64>) {
  %0 = nn.add %x, %y : (tensor<?x3xf64>, tensor<?x3xf64>) -> tensor<?x3xf64>
  %1 = nn.mul %x, %y : (tensor<?x3xf64>, tensor<?x3xf64>) -> tensor<?x3xf64>
  return %0, %1 : tensor<?x3xf64>, tensor<?x3xf64>
}

// The same, and it does not repeat.
func.func @dynamic_same(%x: tensor<?x3xf64> {test.shape = array<i64: 4, 3>}, %y: tensor<?x3xf64> {test.shape = array<i64: 4, 3>, test.range = array<f64: 0.5, 2.0>}) -> (tensor<?x3xf64>) {
  %0 = nn.div %x, %y : (tensor<?x3xf64>, tensor<?x3xf64>) -> tensor<?x3xf64>
  return %0 : tensor<?x3xf64>
}

// A constant exponent, and one operand used twice.
func.func @square(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  %0 = nn.constant dense<2.0> : tensor<f64>
  %1 = nn.pow %x, %0 : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = nn.mul %x, %x : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  return %1, %2 : tensor<3xf64>, tensor<3xf64>
}

// Branches of different shapes.
func.func @where(%x: tensor<2x3xf64>, %y: tensor<3xf64>) -> (tensor<2x3xf64>) {
  %0 = nn.constant dense<0.0> : tensor<f64>
  %1 = nn.compare %x, %0 {predicate = #nn<predicate lt>} : (tensor<2x3xf64>, tensor<f64>) -> tensor<2x3xi1>
  %2 = nn.where %1, %x, %y : (tensor<2x3xi1>, tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  return %2 : tensor<2x3xf64>
}

// Every kind of reduction, over one dim and several.
func.func @reduce(%x: tensor<2x3x4xf64> {test.range = array<f64: 0.3, 2.0>}) -> (tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>) {
  %0 = nn.reduce %x {kind = #nn<reduce_kind sum>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %1 = nn.reduce %x {kind = #nn<reduce_kind sum>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %2 = nn.reduce %x {kind = #nn<reduce_kind mean>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %3 = nn.reduce %x {kind = #nn<reduce_kind mean>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %4 = nn.reduce %x {kind = #nn<reduce_kind max>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %5 = nn.reduce %x {kind = #nn<reduce_kind max>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %6 = nn.reduce %x {kind = #nn<reduce_kind min>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %7 = nn.reduce %x {kind = #nn<reduce_kind min>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %8 = nn.reduce %x {kind = #nn<reduce_kind prod>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %9 = nn.reduce %x {kind = #nn<reduce_kind prod>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %10 = nn.reduce %x {kind = #nn<reduce_kind l1>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %11 = nn.reduce %x {kind = #nn<reduce_kind l1>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %12 = nn.reduce %x {kind = #nn<reduce_kind l2>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %13 = nn.reduce %x {kind = #nn<reduce_kind l2>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %14 = nn.reduce %x {kind = #nn<reduce_kind sum_square>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %15 = nn.reduce %x {kind = #nn<reduce_kind sum_square>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %16 = nn.reduce %x {kind = #nn<reduce_kind log_sum>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %17 = nn.reduce %x {kind = #nn<reduce_kind log_sum>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  %18 = nn.reduce %x {kind = #nn<reduce_kind log_sum_exp>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  %19 = nn.reduce %x {kind = #nn<reduce_kind log_sum_exp>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xf64>) -> tensor<3xf64>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19 : tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>, tensor<2x1x4xf64>, tensor<3xf64>
}

// The count of a mean is known at run time.
func.func @reduce_dynamic(%x: tensor<?x3xf64> {test.shape = array<i64: 4, 3>}) -> (tensor<3xf64>, tensor<3xf64>) {
  %0 = nn.reduce %x {kind = #nn<reduce_kind sum>, axes = array<i64: 0>, keepdims = false} : (tensor<?x3xf64>) -> tensor<3xf64>
  %1 = nn.reduce %x {kind = #nn<reduce_kind mean>, axes = array<i64: 0>, keepdims = false} : (tensor<?x3xf64>) -> tensor<3xf64>
  return %0, %1 : tensor<3xf64>, tensor<3xf64>
}

// Running sums and products, in both directions.
func.func @cumulative(%x: tensor<2x4xf64> {test.range = array<f64: 0.5, 2.0>}) -> (tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>) {
  %0 = nn.cumulative %x {kind = #nn<cumulative_kind sum>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  %1 = nn.cumulative %x {exclusive, kind = #nn<cumulative_kind sum>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  %2 = nn.cumulative %x {reverse, kind = #nn<cumulative_kind sum>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  %3 = nn.cumulative %x {exclusive, reverse, kind = #nn<cumulative_kind sum>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  %4 = nn.cumulative %x {kind = #nn<cumulative_kind prod>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  %5 = nn.cumulative %x {exclusive, kind = #nn<cumulative_kind prod>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  %6 = nn.cumulative %x {reverse, kind = #nn<cumulative_kind prod>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  %7 = nn.cumulative %x {exclusive, reverse, kind = #nn<cumulative_kind prod>, axis = 1 : i64} : (tensor<2x4xf64>) -> tensor<2x4xf64>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x4xf64>
}

// And its logarithm, over one dim and over two.
func.func @softmax(%x: tensor<2x3x4xf64>) -> (tensor<2x3x4xf64>, tensor<2x3x4xf64>, tensor<2x3x4xf64>) {
  %0 = nn.softmax %x {axes = array<i64: 2>} : (tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  %1 = nn.softmax %x {axes = array<i64: 1, 2>} : (tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  %2 = nn.softmax %x {axes = array<i64: 1>, log} : (tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  return %0, %1, %2 : tensor<2x3x4xf64>, tensor<2x3x4xf64>, tensor<2x3x4xf64>
}

// Batches that broadcast.
func.func @matmul_00(%x: tensor<2x3x4xf64>, %y: tensor<4x5xf64>, %z: tensor<3x1x4x5xf64>) -> (tensor<2x3x5xf64>, tensor<3x2x3x5xf64>) {
  %0 = nn.matmul %x, %y : (tensor<2x3x4xf64>, tensor<4x5xf64>) -> tensor<2x3x5xf64>
  %1 = nn.matmul %x, %z : (tensor<2x3x4xf64>, tensor<3x1x4x5xf64>) -> tensor<3x2x3x5xf64>
  return %0, %1 : tensor<2x3x5xf64>, tensor<3x2x3x5xf64>
}

// Transposed operands.
func.func @matmul_01(%x: tensor<2x3x4xf64>, %y: tensor<5x4xf64>, %z: tensor<3x1x5x4xf64>) -> (tensor<2x3x5xf64>, tensor<3x2x3x5xf64>) {
  %0 = nn.matmul %x, %y {transpose_rhs} : (tensor<2x3x4xf64>, tensor<5x4xf64>) -> tensor<2x3x5xf64>
  %1 = nn.matmul %x, %z {transpose_rhs} : (tensor<2x3x4xf64>, tensor<3x1x5x4xf64>) -> tensor<3x2x3x5xf64>
  return %0, %1 : tensor<2x3x5xf64>, tensor<3x2x3x5xf64>
}

// Transposed operands.
func.func @matmul_10(%x: tensor<2x4x3xf64>, %y: tensor<4x5xf64>, %z: tensor<3x1x4x5xf64>) -> (tensor<2x3x5xf64>, tensor<3x2x3x5xf64>) {
  %0 = nn.matmul %x, %y {transpose_lhs} : (tensor<2x4x3xf64>, tensor<4x5xf64>) -> tensor<2x3x5xf64>
  %1 = nn.matmul %x, %z {transpose_lhs} : (tensor<2x4x3xf64>, tensor<3x1x4x5xf64>) -> tensor<3x2x3x5xf64>
  return %0, %1 : tensor<2x3x5xf64>, tensor<3x2x3x5xf64>
}

// Transposed operands.
func.func @matmul_11(%x: tensor<2x4x3xf64>, %y: tensor<5x4xf64>, %z: tensor<3x1x5x4xf64>) -> (tensor<2x3x5xf64>, tensor<3x2x3x5xf64>) {
  %0 = nn.matmul %x, %y {transpose_lhs, transpose_rhs} : (tensor<2x4x3xf64>, tensor<5x4xf64>) -> tensor<2x3x5xf64>
  %1 = nn.matmul %x, %z {transpose_lhs, transpose_rhs} : (tensor<2x4x3xf64>, tensor<3x1x5x4xf64>) -> tensor<3x2x3x5xf64>
  return %0, %1 : tensor<2x3x5xf64>, tensor<3x2x3x5xf64>
}

// 1-D operands.
func.func @matmul_vectors(%x: tensor<4xf64>, %y: tensor<4xf64>, %m: tensor<2x4x4xf64>) -> (tensor<f64>, tensor<2x4xf64>, tensor<2x4xf64>) {
  %0 = nn.matmul %x, %y : (tensor<4xf64>, tensor<4xf64>) -> tensor<f64>
  %1 = nn.matmul %m, %y : (tensor<2x4x4xf64>, tensor<4xf64>) -> tensor<2x4xf64>
  %2 = nn.matmul %x, %m : (tensor<4xf64>, tensor<2x4x4xf64>) -> tensor<2x4xf64>
  return %0, %1, %2 : tensor<f64>, tensor<2x4xf64>, tensor<2x4xf64>
}

// A batch that is known at run time.
func.func @matmul_dynamic(%x: tensor<?x3x4xf64> {test.shape = array<i64: 2, 3, 4>}, %y: tensor<4x5xf64>) -> (tensor<?x3x5xf64>) {
  %0 = nn.matmul %x, %y : (tensor<?x3x4xf64>, tensor<4x5xf64>) -> tensor<?x3x5xf64>
  return %0 : tensor<?x3x5xf64>
}

// Batches, a sum over one operand alone, and an ellipsis.
func.func @einsum(%x: tensor<2x3x4xf64>, %y: tensor<2x4x5xf64>) -> (tensor<2x3x5xf64>, tensor<4xf64>, tensor<2x5x3xf64>) {
  %0 = nn.einsum %x, %y {equation = "bij,bjk->bik"} : (tensor<2x3x4xf64>, tensor<2x4x5xf64>) -> tensor<2x3x5xf64>
  %1 = nn.einsum %x {equation = "bij->j"} : (tensor<2x3x4xf64>) -> tensor<4xf64>
  %2 = nn.einsum %x, %y {equation = "...ij,...jk->...ki"} : (tensor<2x3x4xf64>, tensor<2x4x5xf64>) -> tensor<2x5x3xf64>
  return %0, %1, %2 : tensor<2x3x5xf64>, tensor<4xf64>, tensor<2x5x3xf64>
}

// Padding and a bias.
func.func @conv(%x: tensor<2x3x5x6xf64>, %w: tensor<4x3x3x2xf64>, %b: tensor<4xf64>) -> (tensor<2x4x5x6xf64>) {
  %0 = nn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 0, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<2x3x5x6xf64>, tensor<4x3x3x2xf64>, tensor<4xf64>) -> tensor<2x4x5x6xf64>
  return %0 : tensor<2x4x5x6xf64>
}

// Strides that do not divide, dilations, uneven pads.
func.func @conv_strided(%x: tensor<2x2x8x9xf64>, %w: tensor<3x2x3x2xf64>) -> (tensor<2x3x4x4xf64>) {
  %0 = nn.conv %x, %w {strides = array<i64: 2, 3>, pads = array<i64: 1, 2, 0, 1>, dilations = array<i64: 1, 2>} : (tensor<2x2x8x9xf64>, tensor<3x2x3x2xf64>) -> tensor<2x3x4x4xf64>
  return %0 : tensor<2x3x4x4xf64>
}

// Groups, and auto_pad.
func.func @conv_groups(%x: tensor<1x4x6x5xf64>, %w: tensor<6x2x3x3xf64>) -> (tensor<1x6x3x3xf64>) {
  %0 = nn.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 2 : i64, auto_pad = #nn<auto_pad same_upper>} : (tensor<1x4x6x5xf64>, tensor<6x2x3x3xf64>) -> tensor<1x6x3x3xf64>
  return %0 : tensor<1x6x3x3xf64>
}

// One channel a group.
func.func @conv_depthwise(%x: tensor<1x3x5x5xf64>, %w: tensor<3x1x3x3xf64>) -> (tensor<1x3x5x5xf64>) {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 3 : i64} : (tensor<1x3x5x5xf64>, tensor<3x1x3x3xf64>) -> tensor<1x3x5x5xf64>
  return %0 : tensor<1x3x5x5xf64>
}

// One spatial dim.
func.func @conv_1d(%x: tensor<2x3x7xf64>, %w: tensor<2x3x3xf64>) -> (tensor<2x2x5xf64>) {
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<2x3x7xf64>, tensor<2x3x3xf64>) -> tensor<2x2x5xf64>
  return %0 : tensor<2x2x5xf64>
}

// Channels last.
func.func @conv_channels_last(%x: tensor<2x5x6x3xf64>, %w: tensor<4x3x3x3xf64>, %b: tensor<4xf64>) -> (tensor<2x3x3x4xf64>) {
  %0 = nn.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>} : (tensor<2x5x6x3xf64>, tensor<4x3x3x3xf64>, tensor<4xf64>) -> tensor<2x3x3x4xf64>
  return %0 : tensor<2x3x3x4xf64>
}

// A filter of one block, as Keras has it: height, width, input, output.
func.func @conv_packed(%x: tensor<2x5x6x3xf64>, %w: tensor<1x3x3x3x4xf64>, %b: tensor<4xf64>) -> (tensor<2x5x6x4xf64>) {
  %0 = nn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>, filter_block = 4 : i64, out_channels = 4 : i64} : (tensor<2x5x6x3xf64>, tensor<1x3x3x3x4xf64>, tensor<4xf64>) -> tensor<2x5x6x4xf64>
  return %0 : tensor<2x5x6x4xf64>
}

// The same with strides.
func.func @conv_packed_strided(%x: tensor<2x5x6x3xf64>, %w: tensor<1x3x3x3x4xf64>) -> (tensor<2x2x2x4xf64>) {
  %0 = nn.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>, filter_block = 4 : i64, out_channels = 4 : i64} : (tensor<2x5x6x3xf64>, tensor<1x3x3x3x4xf64>) -> tensor<2x2x2x4xf64>
  return %0 : tensor<2x2x2x4xf64>
}

// Channels last, several filters for each channel, strides.
func.func @conv_depthwise_last(%x: tensor<2x5x6x3xf64>, %w: tensor<6x1x3x2xf64>, %b: tensor<6xf64>) -> (tensor<2x3x3x6xf64>) {
  %0 = nn.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 3 : i64, auto_pad = #nn<auto_pad same_upper>, data_layout = #nn<data_layout channels_last>} : (tensor<2x5x6x3xf64>, tensor<6x1x3x2xf64>, tensor<6xf64>) -> tensor<2x3x3x6xf64>
  return %0 : tensor<2x3x3x6xf64>
}

// Steps of one, one filter for each channel: the cotangent is a depthwise convolution too.
func.func @conv_depthwise_dense(%x: tensor<2x5x6x3xf64>, %w: tensor<3x1x3x2xf64>, %b: tensor<3xf64>) -> (tensor<2x4x5x3xf64>) {
  %0 = nn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 0, 0, 1>, dilations = array<i64: 1, 2>, group = 3 : i64, data_layout = #nn<data_layout channels_last>} : (tensor<2x5x6x3xf64>, tensor<3x1x3x2xf64>, tensor<3xf64>) -> tensor<2x4x5x3xf64>
  return %0 : tensor<2x4x5x3xf64>
}

// Sizes that are known at run time.
func.func @conv_dynamic(%x: tensor<?x4x?x?xf64> {test.shape = array<i64: 2, 4, 7, 6>}, %w: tensor<3x4x3x3xf64>) -> (tensor<?x3x?x?xf64>) {
  %0 = nn.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x4x?x?xf64>, tensor<3x4x3x3xf64>) -> tensor<?x3x?x?xf64>
  return %0 : tensor<?x3x?x?xf64>
}

// Strides, pads, output padding, a bias.
func.func @conv_transpose(%x: tensor<2x3x4x4xf64>, %w: tensor<3x2x3x3xf64>, %b: tensor<2xf64>) -> (tensor<2x2x8x8xf64>) {
  %0 = nn.conv_transpose %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, output_padding = array<i64: 1, 1>, output_shape = array<i64>} : (tensor<2x3x4x4xf64>, tensor<3x2x3x3xf64>, tensor<2xf64>) -> tensor<2x2x8x8xf64>
  return %0 : tensor<2x2x8x8xf64>
}

// Groups and a given result.
func.func @conv_transpose_groups(%x: tensor<1x4x3x3xf64>, %w: tensor<4x3x2x2xf64>) -> (tensor<1x6x6x5xf64>) {
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, output_shape = array<i64: 6, 5>, group = 2 : i64} : (tensor<1x4x3x3xf64>, tensor<4x3x2x2xf64>) -> tensor<1x6x6x5xf64>
  return %0 : tensor<1x6x6x5xf64>
}

// Windows that overlap, with pads.
func.func @pools(%x: tensor<2x2x6x7xf64>) -> (tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>) {
  %0 = nn.max_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<2x2x6x7xf64>) -> tensor<2x2x3x4xf64>
  %1 = nn.average_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<2x2x6x7xf64>) -> tensor<2x2x3x4xf64>
  %2 = nn.average_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, count_include_pad} : (tensor<2x2x6x7xf64>) -> tensor<2x2x3x4xf64>
  %3 = nn.lp_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, p = 2 : i64} : (tensor<2x2x6x7xf64>) -> tensor<2x2x3x4xf64>
  %4 = nn.lp_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, p = 3 : i64} : (tensor<2x2x6x7xf64>) -> tensor<2x2x3x4xf64>
  %5 = nn.lp_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, p = 1 : i64} : (tensor<2x2x6x7xf64>) -> tensor<2x2x3x4xf64>
  return %0, %1, %2, %3, %4, %5 : tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>, tensor<2x2x3x4xf64>
}

// Windows that are rounded up, and dilations.
func.func @pools_ceil(%x: tensor<1x2x8x8xf64>) -> (tensor<1x2x4x3xf64>, tensor<1x2x4x3xf64>, tensor<1x2x4x3xf64>) {
  %0 = nn.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 3>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 2, 1>, ceil_mode} : (tensor<1x2x8x8xf64>) -> tensor<1x2x4x3xf64>
  %1 = nn.average_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 3>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 2, 1>, ceil_mode} : (tensor<1x2x8x8xf64>) -> tensor<1x2x4x3xf64>
  %2 = nn.average_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 3>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 2, 1>, ceil_mode, count_include_pad} : (tensor<1x2x8x8xf64>) -> tensor<1x2x4x3xf64>
  return %0, %1, %2 : tensor<1x2x4x3xf64>, tensor<1x2x4x3xf64>, tensor<1x2x4x3xf64>
}

// Channels last.
func.func @pools_last(%x: tensor<2x6x6x3xf64>) -> (tensor<2x3x3x3xf64>, tensor<2x3x3x3xf64>) {
  %0 = nn.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>} : (tensor<2x6x6x3xf64>) -> tensor<2x3x3x3xf64>
  %1 = nn.average_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, data_layout = #nn<data_layout channels_last>} : (tensor<2x6x6x3xf64>) -> tensor<2x3x3x3xf64>
  return %0, %1 : tensor<2x3x3x3xf64>, tensor<2x3x3x3xf64>
}

// Sizes that are known at run time.
func.func @pools_dynamic(%x: tensor<?x2x?x?xf64> {test.shape = array<i64: 2, 2, 6, 5>}) -> (tensor<?x2x?x?xf64>, tensor<?x2x?x?xf64>) {
  %0 = nn.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x2x?x?xf64>) -> tensor<?x2x?x?xf64>
  %1 = nn.average_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x2x?x?xf64>) -> tensor<?x2x?x?xf64>
  return %0, %1 : tensor<?x2x?x?xf64>, tensor<?x2x?x?xf64>
}

// Values go back to where pooling found them.
func.func @max_unpool(%x: tensor<1x1x2x2xf64>) -> (tensor<1x1x4x4xf64>) {
  %0 = nn.constant dense<[[[[5, 7], [13, 8]]]]> : tensor<1x1x2x2xi64>
  %1 = nn.max_unpool %x, %0 {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x2x2xf64>, tensor<1x1x2x2xi64>) -> tensor<1x1x4x4xf64>
  return %1 : tensor<1x1x4x4xf64>
}

// Blocks that overlap.
func.func @col2im(%x: tensor<2x12x9xf64>) -> (tensor<2x3x4x4xf64>) {
  %0 = nn.col2im %x {image_shape = array<i64: 4, 4>, block_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<2x12x9xf64>) -> tensor<2x3x4x4xf64>
  return %0 : tensor<2x3x4x4xf64>
}

// All five operands.
func.func @batch_norm(%x: tensor<2x3x4x5xf64>, %s: tensor<3xf64>, %b: tensor<3xf64>, %m: tensor<3xf64>, %v: tensor<3xf64> {test.range = array<f64: 0.5, 2.0>}) -> (tensor<2x3x4x5xf64>) {
  %0 = nn.batch_norm %x, %s, %b, %m, %v {epsilon = 1.0e-3 : f64} : (tensor<2x3x4x5xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> tensor<2x3x4x5xf64>
  return %0 : tensor<2x3x4x5xf64>
}

// All five operands.
func.func @batch_norm_last(%x: tensor<2x4x5x3xf64>, %s: tensor<3xf64>, %b: tensor<3xf64>, %m: tensor<3xf64>, %v: tensor<3xf64> {test.range = array<f64: 0.5, 2.0>}) -> (tensor<2x4x5x3xf64>) {
  %0 = nn.batch_norm %x, %s, %b, %m, %v {epsilon = 1.0e-3 : f64, data_layout = #nn<data_layout channels_last>} : (tensor<2x4x5x3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> tensor<2x4x5x3xf64>
  return %0 : tensor<2x4x5x3xf64>
}

// Per picture and channel.
func.func @instance_norm(%x: tensor<2x3x4x2xf64>, %s: tensor<3xf64>, %b: tensor<3xf64>) -> (tensor<2x3x4x2xf64>) {
  %0 = nn.instance_norm %x, %s, %b {epsilon = 1.0e-3 : f64} : (tensor<2x3x4x2xf64>, tensor<3xf64>, tensor<3xf64>) -> tensor<2x3x4x2xf64>
  return %0 : tensor<2x3x4x2xf64>
}

// Groups of channels.
func.func @group_norm(%x: tensor<2x4x3x2xf64>, %s: tensor<4xf64>, %b: tensor<4xf64>) -> (tensor<2x4x3x2xf64>) {
  %0 = nn.group_norm %x, %s, %b {epsilon = 1.0e-3 : f64, num_groups = 2 : i64} : (tensor<2x4x3x2xf64>, tensor<4xf64>, tensor<4xf64>) -> tensor<2x4x3x2xf64>
  return %0 : tensor<2x4x3x2xf64>
}

// One dim, and two.
func.func @layer_norm(%x: tensor<2x3x4xf64>, %s: tensor<4xf64>, %b: tensor<4xf64>, %s2: tensor<3x4xf64>) -> (tensor<2x3x4xf64>, tensor<2x3x4xf64>) {
  %0 = nn.layer_norm %x, %s, %b {epsilon = 1.0e-3 : f64, axis = -1 : i64} : (tensor<2x3x4xf64>, tensor<4xf64>, tensor<4xf64>) -> tensor<2x3x4xf64>
  %1 = nn.layer_norm %x, %s2 {epsilon = 1.0e-3 : f64, axis = 1 : i64} : (tensor<2x3x4xf64>, tensor<3x4xf64>) -> tensor<2x3x4xf64>
  return %0, %1 : tensor<2x3x4xf64>, tensor<2x3x4xf64>
}

// Not centred.
func.func @rms_norm(%x: tensor<2x3x4xf64>, %s: tensor<4xf64>) -> (tensor<2x3x4xf64>) {
  %0 = nn.rms_norm %x, %s {epsilon = 1.0e-3 : f64, axis = -1 : i64} : (tensor<2x3x4xf64>, tensor<4xf64>) -> tensor<2x3x4xf64>
  return %0 : tensor<2x3x4xf64>
}

// Windows of odd and even size.
func.func @lrn(%x: tensor<2x5x2x3xf64>) -> (tensor<2x5x2x3xf64>, tensor<2x5x2x3xf64>) {
  %0 = nn.lrn %x {alpha = 0.5 : f64, beta = 0.75 : f64, bias = 1.0 : f64, size = 3 : i64} : (tensor<2x5x2x3xf64>) -> tensor<2x5x2x3xf64>
  %1 = nn.lrn %x {alpha = 0.5 : f64, beta = 0.75 : f64, bias = 1.0 : f64, size = 4 : i64} : (tensor<2x5x2x3xf64>) -> tensor<2x5x2x3xf64>
  return %0, %1 : tensor<2x5x2x3xf64>, tensor<2x5x2x3xf64>
}

// The same elements under other shapes.
func.func @views(%x: tensor<2x1x6xf64>) -> (tensor<3x4xf64>, tensor<2x6xf64>, tensor<2x6xf64>, tensor<1x2x1x6xf64>) {
  %0 = nn.constant dense<[3, 4]> : tensor<2xi64>
  %1 = nn.reshape %x, %0 : (tensor<2x1x6xf64>, tensor<2xi64>) -> tensor<3x4xf64>
  %2 = nn.flatten %x {axis = 1 : i64} : (tensor<2x1x6xf64>) -> tensor<2x6xf64>
  %3 = nn.squeeze %x {axes = array<i64: 1>} : (tensor<2x1x6xf64>) -> tensor<2x6xf64>
  %4 = nn.unsqueeze %x {axes = array<i64: 0>} : (tensor<2x1x6xf64>) -> tensor<1x2x1x6xf64>
  return %1, %2, %3, %4 : tensor<3x4xf64>, tensor<2x6xf64>, tensor<2x6xf64>, tensor<1x2x1x6xf64>
}

// Elements in another order.
func.func @permutations(%x: tensor<2x4x2x6xf64>) -> (tensor<2x2x6x4xf64>, tensor<2x1x4x12xf64>, tensor<2x1x4x12xf64>, tensor<2x16x1x3xf64>, tensor<2x4x2x6xf64>) {
  %0 = nn.constant dense<[1, 2]> : tensor<2xi64>
  %1 = nn.transpose %x {permutation = array<i64: 2, 0, 3, 1>} : (tensor<2x4x2x6xf64>) -> tensor<2x2x6x4xf64>
  %2 = nn.depth_to_space %x {blocksize = 2 : i64, mode = #nn<depth_mode DCR>} : (tensor<2x4x2x6xf64>) -> tensor<2x1x4x12xf64>
  %3 = nn.depth_to_space %x {blocksize = 2 : i64, mode = #nn<depth_mode CRD>} : (tensor<2x4x2x6xf64>) -> tensor<2x1x4x12xf64>
  %4 = nn.space_to_depth %x {blocksize = 2 : i64} : (tensor<2x4x2x6xf64>) -> tensor<2x16x1x3xf64>
  %5 = nn.reverse_sequence %x, %0 {time_axis = 2 : i64, batch_axis = 0 : i64} : (tensor<2x4x2x6xf64>, tensor<2xi64>) -> tensor<2x4x2x6xf64>
  return %1, %2, %3, %4, %5 : tensor<2x2x6x4xf64>, tensor<2x1x4x12xf64>, tensor<2x1x4x12xf64>, tensor<2x16x1x3xf64>, tensor<2x4x2x6xf64>
}

// One operand twice.
func.func @concat(%x: tensor<2x3xf64>, %y: tensor<2x2xf64>) -> (tensor<2x8xf64>) {
  %0 = nn.concat %x, %y, %x {axis = 1 : i64} : (tensor<2x3xf64>, tensor<2x2xf64>, tensor<2x3xf64>) -> tensor<2x8xf64>
  return %0 : tensor<2x8xf64>
}

// Sizes that are known at run time.
func.func @concat_dynamic(%x: tensor<2x?xf64> {test.shape = array<i64: 2, 3>}, %y: tensor<2x?xf64> {test.shape = array<i64: 2, 2>}) -> (tensor<2x?xf64>) {
  %0 = nn.concat %x, %y {axis = 1 : i64} : (tensor<2x?xf64>, tensor<2x?xf64>) -> tensor<2x?xf64>
  return %0 : tensor<2x?xf64>
}

// From the end, with steps.
func.func @slice(%x: tensor<5x7xf64>) -> (tensor<3x3xf64>) {
  %0 = nn.constant dense<[1, -7]> : tensor<2xi64>
  %1 = nn.constant dense<[4, 6]> : tensor<2xi64>
  %2 = nn.constant dense<[1, 2]> : tensor<2xi64>
  %3 = nn.slice %x, %0, %1, %2 {axes = array<i64: 0, 1>} : (tensor<5x7xf64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<3x3xf64>
  return %3 : tensor<3x3xf64>
}

// Negative steps.
func.func @slice_backward(%x: tensor<5x7xf64>) -> (tensor<2x3xf64>) {
  %0 = nn.constant dense<[-1, 5]> : tensor<2xi64>
  %1 = nn.constant dense<[0, -100]> : tensor<2xi64>
  %2 = nn.constant dense<[-3, -2]> : tensor<2xi64>
  %3 = nn.slice %x, %0, %1, %2 {axes = array<i64: 0, 1>} : (tensor<5x7xf64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x3xf64>
  return %3 : tensor<2x3xf64>
}

// Sizes that are known at run time.
func.func @slice_dynamic(%x: tensor<?x4xf64> {test.shape = array<i64: 5, 4>}) -> (tensor<?x4xf64>) {
  %0 = nn.constant dense<[1]> : tensor<1xi64>
  %1 = nn.constant dense<[9223372036854775807]> : tensor<1xi64>
  %2 = nn.constant dense<[1]> : tensor<1xi64>
  %3 = nn.slice %x, %0, %1, %2 {axes = array<i64: 0>} : (tensor<?x4xf64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4xf64>
  return %3 : tensor<?x4xf64>
}

// A border of mode constant.
func.func @pad_constant(%x: tensor<4x5xf64>, %v: tensor<f64>) -> (tensor<7x8xf64>) {
  %0 = nn.constant dense<[1, 0, 2, 3]> : tensor<4xi64>
  %1 = nn.pad %x, %0, %v {mode = #nn<pad_mode constant>} : (tensor<4x5xf64>, tensor<4xi64>, tensor<f64>) -> tensor<7x8xf64>
  return %1 : tensor<7x8xf64>
}

// A border of mode reflect.
func.func @pad_reflect(%x: tensor<4x5xf64>) -> (tensor<7x8xf64>) {
  %0 = nn.constant dense<[1, 0, 2, 3]> : tensor<4xi64>
  %1 = nn.pad %x, %0 {mode = #nn<pad_mode reflect>} : (tensor<4x5xf64>, tensor<4xi64>) -> tensor<7x8xf64>
  return %1 : tensor<7x8xf64>
}

// A border of mode edge.
func.func @pad_edge(%x: tensor<4x5xf64>) -> (tensor<7x8xf64>) {
  %0 = nn.constant dense<[1, 0, 2, 3]> : tensor<4xi64>
  %1 = nn.pad %x, %0 {mode = #nn<pad_mode edge>} : (tensor<4x5xf64>, tensor<4xi64>) -> tensor<7x8xf64>
  return %1 : tensor<7x8xf64>
}

// A border of mode wrap.
func.func @pad_wrap(%x: tensor<4x5xf64>) -> (tensor<7x8xf64>) {
  %0 = nn.constant dense<[1, 0, 2, 3]> : tensor<4xi64>
  %1 = nn.pad %x, %0 {mode = #nn<pad_mode wrap>} : (tensor<4x5xf64>, tensor<4xi64>) -> tensor<7x8xf64>
  return %1 : tensor<7x8xf64>
}

// Negative pads crop.
func.func @pad_crop(%x: tensor<4x5xf64>) -> (tensor<3x3xf64>) {
  %0 = nn.constant dense<[-1, 0, 0, -2]> : tensor<4xi64>
  %1 = nn.pad %x, %0 {mode = #nn<pad_mode constant>} : (tensor<4x5xf64>, tensor<4xi64>) -> tensor<3x3xf64>
  return %1 : tensor<3x3xf64>
}

// Elements that stand in several places.
func.func @repeat(%x: tensor<2x1x3xf64>) -> (tensor<4x2x5x3xf64>, tensor<4x3x3xf64>) {
  %0 = nn.constant dense<[4, 2, 5, 3]> : tensor<4xi64>
  %1 = nn.expand %x, %0 : (tensor<2x1x3xf64>, tensor<4xi64>) -> tensor<4x2x5x3xf64>
  %2 = nn.constant dense<[2, 3, 1]> : tensor<3xi64>
  %3 = nn.tile %x, %2 : (tensor<2x1x3xf64>, tensor<3xi64>) -> tensor<4x3x3xf64>
  return %1, %3 : tensor<4x2x5x3xf64>, tensor<4x3x3xf64>
}

// Triangles.
func.func @trilu(%x: tensor<2x3x4xf64>) -> (tensor<2x3x4xf64>, tensor<2x3x4xf64>) {
  %0 = nn.constant dense<1> : tensor<i64>
  %1 = nn.trilu %x, %0 {upper = true} : (tensor<2x3x4xf64>, tensor<i64>) -> tensor<2x3x4xf64>
  %2 = nn.trilu %x {upper = false} : (tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  return %1, %2 : tensor<2x3x4xf64>, tensor<2x3x4xf64>
}

// Rows that are read twice, along two axes.
func.func @gather(%x: tensor<4x5xf64>) -> (tensor<2x2x5xf64>, tensor<4x2x2xf64>) {
  %0 = nn.constant dense<[[0, 2], [2, 3]]> : tensor<2x2xi64>
  %1 = nn.gather %x, %0 {axis = 0 : i64} : (tensor<4x5xf64>, tensor<2x2xi64>) -> tensor<2x2x5xf64>
  %2 = nn.gather %x, %0 {axis = 1 : i64} : (tensor<4x5xf64>, tensor<2x2xi64>) -> tensor<4x2x2xf64>
  return %1, %2 : tensor<2x2x5xf64>, tensor<4x2x2xf64>
}

// One index an element.
func.func @gather_elements(%x: tensor<3x4xf64>) -> (tensor<2x4xf64>) {
  %0 = nn.constant dense<[[0, 2, 1, 1], [2, 2, 0, 1]]> : tensor<2x4xi64>
  %1 = nn.gather_elements %x, %0 {axis = 0 : i64} : (tensor<3x4xf64>, tensor<2x4xi64>) -> tensor<2x4xf64>
  return %1 : tensor<2x4xf64>
}

// Index vectors, without and with batches.
func.func @gather_nd(%x: tensor<2x3x4xf64>) -> (tensor<3x4xf64>, tensor<2x4xf64>) {
  %0 = nn.constant dense<[[0, 1], [1, 2], [0, 1]]> : tensor<3x2xi64>
  %1 = nn.gather_nd %x, %0 : (tensor<2x3x4xf64>, tensor<3x2xi64>) -> tensor<3x4xf64>
  %2 = nn.constant dense<[[2], [0]]> : tensor<2x1xi64>
  %3 = nn.gather_nd %x, %2 {batch_dims = 1 : i64} : (tensor<2x3x4xf64>, tensor<2x1xi64>) -> tensor<2x4xf64>
  return %1, %3 : tensor<3x4xf64>, tensor<2x4xf64>
}

// Updates that replace and that add.
func.func @scatter(%x: tensor<3x4xf64>, %u: tensor<2x4xf64>) -> (tensor<3x4xf64>, tensor<3x4xf64>, tensor<3x4xf64>, tensor<3x4xf64>) {
  %0 = nn.constant dense<[[0, 2, 1, 1], [2, 1, 0, 2]]> : tensor<2x4xi64>
  %1 = nn.constant dense<[[2], [0]]> : tensor<2x1xi64>
  %2 = nn.scatter_elements %x, %0, %u {axis = 0 : i64, reduction = #nn<scatter_reduction none>} : (tensor<3x4xf64>, tensor<2x4xi64>, tensor<2x4xf64>) -> tensor<3x4xf64>
  %3 = nn.scatter_nd %x, %1, %u {reduction = #nn<scatter_reduction none>} : (tensor<3x4xf64>, tensor<2x1xi64>, tensor<2x4xf64>) -> tensor<3x4xf64>
  %4 = nn.scatter_elements %x, %0, %u {axis = 0 : i64, reduction = #nn<scatter_reduction add>} : (tensor<3x4xf64>, tensor<2x4xi64>, tensor<2x4xf64>) -> tensor<3x4xf64>
  %5 = nn.scatter_nd %x, %1, %u {reduction = #nn<scatter_reduction add>} : (tensor<3x4xf64>, tensor<2x1xi64>, tensor<2x4xf64>) -> tensor<3x4xf64>
  return %2, %3, %4, %5 : tensor<3x4xf64>, tensor<3x4xf64>, tensor<3x4xf64>, tensor<3x4xf64>
}

// The cotangent goes to the values that were chosen.
func.func @top_k(%x: tensor<2x6xf64>) -> (tensor<2x3xf64>) {
  %0 = nn.constant dense<[3]> : tensor<1xi64>
  %1:2 = nn.top_k %x, %0 {axis = 1 : i64, largest = true, sorted = true} : (tensor<2x6xf64>, tensor<1xi64>) -> (tensor<2x3xf64>, tensor<2x3xi64>)
  return %1#0 : tensor<2x3xf64>
}

// Slices by a condition.
func.func @compress(%x: tensor<3x2xf64>) -> (tensor<?x2xf64>, tensor<?xf64>) {
  %0 = nn.constant dense<[true, false, true]> : tensor<3xi1>
  %1 = nn.compress %x, %0 {axis = 0 : i64} : (tensor<3x2xf64>, tensor<3xi1>) -> tensor<?x2xf64>
  %2 = nn.compress %x, %0 : (tensor<3x2xf64>, tensor<3xi1>) -> tensor<?xf64>
  return %1, %2 : tensor<?x2xf64>, tensor<?xf64>
}

// Interpolation is a matrix along each dim.
func.func @resize(%x: tensor<1x2x4x3xf64>) -> (tensor<1x2x7x5xf64>, tensor<1x2x7x5xf64>, tensor<1x2x7x5xf64>, tensor<1x2x7x5xf64>) {
  %0 = nn.constant dense<[7, 5]> : tensor<2xi64>
  %1 = nn.resize %x, %0 {operandSegmentSizes = array<i32: 1, 0, 0, 1>, axes = array<i64: 2, 3>, mode = #nn<resize_mode linear>, coordinate_mode = #nn<coordinate_mode half_pixel>, nearest_mode = #nn<nearest_mode floor>, aspect_ratio = #nn<aspect_ratio stretch>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64} : (tensor<1x2x4x3xf64>, tensor<2xi64>) -> tensor<1x2x7x5xf64>
  %2 = nn.constant dense<[7, 5]> : tensor<2xi64>
  %3 = nn.resize %x, %2 {operandSegmentSizes = array<i32: 1, 0, 0, 1>, axes = array<i64: 2, 3>, mode = #nn<resize_mode cubic>, coordinate_mode = #nn<coordinate_mode half_pixel>, nearest_mode = #nn<nearest_mode floor>, aspect_ratio = #nn<aspect_ratio stretch>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64} : (tensor<1x2x4x3xf64>, tensor<2xi64>) -> tensor<1x2x7x5xf64>
  %4 = nn.constant dense<[7, 5]> : tensor<2xi64>
  %5 = nn.resize %x, %4 {operandSegmentSizes = array<i32: 1, 0, 0, 1>, axes = array<i64: 2, 3>, mode = #nn<resize_mode nearest>, coordinate_mode = #nn<coordinate_mode asymmetric>, nearest_mode = #nn<nearest_mode floor>, aspect_ratio = #nn<aspect_ratio stretch>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64} : (tensor<1x2x4x3xf64>, tensor<2xi64>) -> tensor<1x2x7x5xf64>
  %6 = nn.constant dense<[7, 5]> : tensor<2xi64>
  %7 = nn.resize %x, %6 {operandSegmentSizes = array<i32: 1, 0, 0, 1>, axes = array<i64: 2, 3>, mode = #nn<resize_mode linear>, coordinate_mode = #nn<coordinate_mode align_corners>, nearest_mode = #nn<nearest_mode floor>, aspect_ratio = #nn<aspect_ratio stretch>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64} : (tensor<1x2x4x3xf64>, tensor<2xi64>) -> tensor<1x2x7x5xf64>
  return %1, %3, %5, %7 : tensor<1x2x7x5xf64>, tensor<1x2x7x5xf64>, tensor<1x2x7x5xf64>, tensor<1x2x7x5xf64>
}

// Both branches use values from above.
func.func @if(%x: tensor<2x3xf64>, %y: tensor<3xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>) {
  %yes = nn.constant dense<true> : tensor<i1>
  %no = nn.constant dense<false> : tensor<i1>
  %0 = nn.if %yes : (tensor<i1>) -> tensor<2x3xf64> {
    %a = nn.mul %x, %y : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
    nn.yield %a : tensor<2x3xf64>
  } else {
    nn.yield %x : tensor<2x3xf64>
  }
  %1 = nn.if %no : (tensor<i1>) -> tensor<2x3xf64> {
    nn.yield %x : tensor<2x3xf64>
  } else {
    %b = nn.exp %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
    nn.yield %b : tensor<2x3xf64>
  }
  return %0, %1 : tensor<2x3xf64>, tensor<2x3xf64>
}

// A value that is carried, one that is captured, and one that is read row by row.
func.func @loop(%x: tensor<4x2x3xf64>, %h: tensor<2x3xf64>, %w: tensor<3x3xf64>, %b: tensor<3xf64>)
    -> (tensor<2x3xf64>, tensor<4x2x3xf64>) {
  %n = nn.constant dense<4> : tensor<i64>
  %0:2 = nn.loop trip_count(%n : tensor<i64>) (%h) : (tensor<2x3xf64>) -> (tensor<2x3xf64>, tensor<4x2x3xf64>) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %state: tensor<2x3xf64>):
    %row = nn.gather %x, %i {axis = 0 : i64} : (tensor<4x2x3xf64>, tensor<i64>) -> tensor<2x3xf64>
    %p = nn.matmul %state, %w : (tensor<2x3xf64>, tensor<3x3xf64>) -> tensor<2x3xf64>
    %s = nn.add %p, %row : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    %t = nn.add %s, %b : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
    %next = nn.tanh %t : (tensor<2x3xf64>) -> tensor<2x3xf64>
    %out = nn.mul %next, %next : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    nn.yield %go, %next, %out : tensor<i1>, tensor<2x3xf64>, tensor<2x3xf64>
  }
  return %0#0, %0#1 : tensor<2x3xf64>, tensor<4x2x3xf64>
}

// Rows in an order that only the indices tell, one of them twice.
func.func @loop_rows(%x: tensor<4x3xf64>, %h: tensor<3xf64>) -> tensor<3xf64> {
  %n = nn.constant dense<3> : tensor<i64>
  %order = nn.constant dense<[2, 0, 2]> : tensor<3xi64>
  %0 = nn.loop trip_count(%n : tensor<i64>) (%h) : (tensor<3xf64>) -> tensor<3xf64> {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %state: tensor<3xf64>):
    %j = nn.gather %order, %i {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
    %row = nn.gather %x, %j {axis = 0 : i64} : (tensor<4x3xf64>, tensor<i64>) -> tensor<3xf64>
    %next = nn.mul %state, %row : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
    nn.yield %go, %next : tensor<i1>, tensor<3xf64>
  }
  return %0 : tensor<3xf64>
}

// An Elman network, by way of nn-decompose.
func.func @rnn(%x: tensor<3x2x3xf64>, %w: tensor<1x2x3xf64>, %r: tensor<1x2x2xf64>, %b: tensor<1x4xf64>) -> (tensor<3x1x2x2xf64>, tensor<1x2x2xf64>) {
  %0:2 = nn.rnn %x, %w, %r, %b {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>, activations = ["Tanh"], activation_alpha = array<f64>, activation_beta = array<f64>, direction = #nn<direction forward>, hidden_size = 2 : i64} : (tensor<3x2x3xf64>, tensor<1x2x3xf64>, tensor<1x2x2xf64>, tensor<1x4xf64>) -> (tensor<3x1x2x2xf64>, tensor<1x2x2xf64>)
  return %0#0, %0#1 : tensor<3x1x2x2xf64>, tensor<1x2x2xf64>
}

// A GRU that runs backward.
func.func @gru(%x: tensor<3x2x3xf64>, %w: tensor<1x6x3xf64>, %r: tensor<1x6x2xf64>, %b: tensor<1x12xf64>) -> (tensor<3x1x2x2xf64>, tensor<1x2x2xf64>) {
  %0:2 = nn.gru %x, %w, %r, %b {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>, activations = ["Sigmoid", "Tanh"], activation_alpha = array<f64>, activation_beta = array<f64>, direction = #nn<direction reverse>, hidden_size = 2 : i64, linear_before_reset} : (tensor<3x2x3xf64>, tensor<1x6x3xf64>, tensor<1x6x2xf64>, tensor<1x12xf64>) -> (tensor<3x1x2x2xf64>, tensor<1x2x2xf64>)
  return %0#0, %0#1 : tensor<3x1x2x2xf64>, tensor<1x2x2xf64>
}

// An LSTM in both directions.
func.func @lstm(%x: tensor<3x2x3xf64>, %w: tensor<2x8x3xf64>, %r: tensor<2x8x2xf64>, %b: tensor<2x16xf64>) -> (tensor<3x2x2x2xf64>, tensor<2x2x2xf64>) {
  %0:3 = nn.lstm %x, %w, %r, %b {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0>, activations = ["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Tanh", "Tanh"], activation_alpha = array<f64>, activation_beta = array<f64>, direction = #nn<direction bidirectional>, hidden_size = 2 : i64} : (tensor<3x2x3xf64>, tensor<2x8x3xf64>, tensor<2x8x2xf64>, tensor<2x16xf64>) -> (tensor<3x2x2x2xf64>, tensor<2x2x2xf64>, tensor<2x2x2xf64>)
  return %0#0, %0#1 : tensor<3x2x2x2xf64>, tensor<2x2x2xf64>
}

// A sequence whose length is known at run time.
func.func @lstm_dynamic(%x: tensor<?x2x3xf64> {test.shape = array<i64: 3, 2, 3>}, %w: tensor<1x8x3xf64>, %r: tensor<1x8x2xf64>, %b: tensor<1x16xf64>) -> (tensor<?x1x2x2xf64>, tensor<1x2x2xf64>) {
  %0:3 = nn.lstm %x, %w, %r, %b {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0>, activations = ["Sigmoid", "Tanh", "Tanh"], activation_alpha = array<f64>, activation_beta = array<f64>, direction = #nn<direction forward>, hidden_size = 2 : i64} : (tensor<?x2x3xf64>, tensor<1x8x3xf64>, tensor<1x8x2xf64>, tensor<1x16xf64>) -> (tensor<?x1x2x2xf64>, tensor<1x2x2xf64>, tensor<1x2x2xf64>)
  return %0#0, %0#1 : tensor<?x1x2x2xf64>, tensor<1x2x2xf64>
}

// The mean over the processes of a training, which here is one.
func.func @all_reduce(%x: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %0 = nn.all_reduce %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  return %0 : tensor<2x3xf64>
}
