//===- DeviceMath.cpp - scalar math where a device runs it ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// OpenCL's source is compiled without contraction, so sums of products are written as fma. Halide's
// PTX backend contracts whatever it can, so products that must not are written as rounded ones.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/DeviceMath.h"

#include "llvm/ADT/StringSet.h"

using namespace sinter;
using namespace sinter::halide;
using Halide::Expr;
using Halide::Internal::Call;
namespace H = Halide;

static Expr call(H::Type type, const std::string &name, const std::vector<Expr> &operands) {
  return Call::make(type, name, operands, Call::PureExtern);
}

Expr sinter::halide::deviceOp(mlir::Operation *op, const std::vector<Expr> &x, Backend backend) {
  if (x.empty() || !x[0].type().is_float() || x[0].type().bits() < 32)
    return Expr();
  llvm::StringRef name = op->getName().getStringRef();
  if (name == "math.sin")
    return H::sin(x[0]);
  if (name == "math.cos")
    return H::cos(x[0]);
  if (name == "math.roundeven")
    return call(x[0].type(),
                backend == Backend::OpenCL ? "rint"
                                           : "llvm.rint.f" + std::to_string(x[0].type().bits()),
                {x[0]});
  return Expr();
}

namespace {

class DeviceMath : public H::Internal::IRMutator {
public:
  explicit DeviceMath(Backend backend) : backend(backend) {}

private:
  using IRMutator::visit;

  Expr visit(const Call *op) override {
    Expr result = IRMutator::visit(op);
    op = result.as<Call>();
    if (!op || op->call_type != Call::PureExtern || !op->type.is_float())
      return result;
    // libm's functions, as ScalarOps calls them.
    static const llvm::StringSet<> functions = {"acos",  "acosh", "asin", "asinh", "atan",  "atan2",
                                                "atanh", "cbrt",  "cosh", "erf",   "erfc",  "exp",
                                                "exp2",  "expm1", "fmod", "log",   "log10", "log1p",
                                                "log2",  "pow",   "sinh", "tan",   "tanh"};
    llvm::StringRef name = op->name;
    if (op->type.bits() == 32 && !name.consume_back("f"))
      return result;
    if (!functions.contains(name))
      return result;
    return call(op->type, backend == Backend::OpenCL ? name.str() : "__nv_" + op->name, op->args);
  }

  Expr visit(const H::Internal::Add *op) override {
    Expr a = mutate(op->a), b = mutate(op->b);
    if (Expr fused = fma(a, b, false); fused.defined())
      return fused;
    if (Expr fused = fma(b, a, false); fused.defined())
      return fused;
    return H::Internal::Add::make(a, b);
  }

  Expr visit(const H::Internal::Sub *op) override {
    Expr a = mutate(op->a), b = mutate(op->b);
    if (Expr fused = fma(a, b, true); fused.defined())
      return fused;
    return H::Internal::Sub::make(a, b);
  }

  Expr visit(const H::Internal::Div *op) override {
    Expr a = mutate(op->a), b = mutate(op->b);
    if (backend != Backend::CUDA || !a.type().is_float() || a.type().bits() < 32)
      return H::Internal::Div::make(a, b);
    return call(a.type(), a.type().bits() == 32 ? "llvm.nvvm.div.rn.f" : "llvm.nvvm.div.rn.d",
                {a, b});
  }

  /// product + addend, or product - addend, rounded once; null where that is not to be written.
  Expr fma(const Expr &product, const Expr &addend, bool subtract) {
    const auto *multiply = product.as<H::Internal::Mul>();
    if (backend != Backend::OpenCL || !multiply || !product.type().is_float() ||
        product.type().bits() < 32)
      return Expr();
    return call(product.type(), "fma", {multiply->a, multiply->b, subtract ? -addend : addend});
  }

  Backend backend;
};

} // namespace

Expr sinter::halide::forDevice(Expr value, bool isRounded, Backend backend) {
  value = DeviceMath(backend).mutate(value);
  const auto *product = value.as<H::Internal::Mul>();
  const char *name = value.type().element_of() == H::Float(32)   ? "llvm.nvvm.mul.rn.f"
                     : value.type().element_of() == H::Float(64) ? "llvm.nvvm.mul.rn.d"
                                                                 : nullptr;
  if (isRounded && product && name && backend == Backend::CUDA)
    return call(value.type(), name, {product->a, product->b});
  return value;
}
