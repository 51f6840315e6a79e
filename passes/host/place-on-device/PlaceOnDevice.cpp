//===- PlaceOnDevice.cpp - transfers to and from a device -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/host/place-on-device/PlaceOnDevice.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/host/place-on-device/Homes.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_PLACEONDEVICE
#include "passes/host/place-on-device/PlaceOnDevice.h.inc"
} // namespace sinter

static bool isDense(Value memref) {
  return cast<MemRefType>(memref.getType()).getLayout().isIdentity();
}

/// The memref itself, or the nearest dense one that it is a part of.
static Value denseAround(Value memref) {
  while (!isDense(memref)) {
    auto view = memref.getDefiningOp<ViewLikeOpInterface>();
    if (!view)
      return {};
    memref = view.getViewSource();
  }
  return memref;
}

/// Any element type of the right width: the runtime moves bytes.
static int32_t elementNumber(Value memref) {
  enum { int8 = 3, int16 = 5, int32 = 6, int64 = 7 }; // ONNX's numbers
  switch (cast<MemRefType>(memref.getType()).getElementTypeBitWidth()) {
  case 16:
    return int16;
  case 32:
    return int32;
  case 64:
    return int64;
  default:
    return int8;
  }
}

namespace {

/// How many there are of each.
struct Transfers {
  int64_t toHost = 0, toDevice = 0, copies = 0;
};

/// Places the transfers of one function.
class Placer {
public:
  Placer(func::FuncOp function, Transfers &transfers)
      : function(function), homes(function), transfers(transfers), builder(function.getContext()) {}

  LogicalResult run() {
    Block &entry = function.getBody().front();
    builder.setInsertionPointToStart(&entry);
    for (BlockArgument argument : entry.getArguments()) {
      if (!isa<MemRefType>(argument.getType()) || argument.use_empty())
        continue;
      bool device = homes.isDevice(argument);
      transfers.toDevice += device;
      create(device ? "input_to_device" : "input_to_host", {}, argument,
             {int64_t(argument.getArgNumber())});
    }
    return place(entry);
  }

private:
  LogicalResult place(Block &block) {
    current.clear();
    for (Operation &op : llvm::make_early_inc_range(block)) {
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          if (failed(place(inner)))
            return failure();
      if (op.getNumRegions() != 0 && !isa<DestinationStyleOpInterface>(op)) {
        current.clear();
        continue;
      }
      if (failed(place(&op)))
        return failure();
    }
    current.clear();
    return success();
  }

  LogicalResult place(Operation *op) {
    if (isa<memref::AllocOp, memref::DeallocOp, memref::DimOp, scf::YieldOp, scf::ConditionOp,
            ViewLikeOpInterface>(op) ||
        op->getName().getStringRef() == "arith.select" || ours.contains(op))
      return success();
    if (auto call = dyn_cast<kernel::CallOp>(op); call && isOnDevice(call)) {
      for (Value init : call.getInits())
        written(init);
      return success();
    }
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      return placeCopy(copy);
    if (isa<kernel::CallOp, kernel::RuntimeCallOp>(op)) {
      auto call = cast<DestinationStyleOpInterface>(op);
      for (OpOperand &operand : op->getOpOperands())
        if (!call.isDpsInit(&operand) && failed(hostReads(op, operand.get())))
          return failure();
      for (OpOperand &init : call.getDpsInitsMutable())
        if (failed(hostWrites(op, init.get(), /*whole=*/true)))
          return failure();
      return success();
    }
    if (auto end = dyn_cast<func::ReturnOp>(op))
      return placeResults(end);
    bool reads = isa<memref::LoadOp>(op);
    for (Value operand : op->getOperands())
      if (failed(reads ? hostReads(op, operand) : hostWrites(op, operand, /*whole=*/false)))
        return failure();
    return success();
  }

  LogicalResult placeResults(func::ReturnOp end) {
    for (auto [number, value] : llvm::enumerate(end.getOperands())) {
      if (!homes.isDevice(value))
        continue;
      if (!isDense(value)) {
        if (failed(hostReads(end, value)))
          return failure();
        continue;
      }
      builder.setInsertionPoint(end);
      create("result_to_host", {}, value, {int64_t(number)});
      ++transfers.toHost;
    }
    return success();
  }

  LogicalResult placeCopy(memref::CopyOp copy) {
    Value from = copy.getSource(), to = copy.getTarget();
    if (homes.isDevice(from) && homes.isDevice(to)) {
      ++transfers.copies;
      written(to);
      if (isDense(from) && isDense(to)) {
        builder.setInsertionPoint(copy);
        create("device_copy", from, to);
        copy.erase();
      } else {
        copy->setAttr("kernel.device", builder.getUnitAttr());
      }
      return success();
    }
    if (failed(hostReads(copy, from)))
      return failure();
    return hostWrites(copy, to, /*whole=*/true);
  }

  LogicalResult hostReads(Operation *op, Value memref) {
    if (!homes.isDevice(memref))
      return success();
    Value dense = denseAround(memref);
    if (!dense)
      return op->emitOpError("reads a part of a tensor whose whole is not known");
    if (!current.insert(dense).second)
      return success();
    builder.setInsertionPoint(op);
    create("to_host", {}, dense);
    ++transfers.toHost;
    return success();
  }

  LogicalResult hostWrites(Operation *op, Value memref, bool whole) {
    if (!homes.isDevice(memref))
      return success();
    Value dense = denseAround(memref);
    if (!dense)
      return op->emitOpError("writes a part of a tensor whose whole is not known");
    // What is not written must be there when all of it goes back.
    if ((!whole || dense != memref) && failed(hostReads(op, memref)))
      return failure();
    builder.setInsertionPointAfter(op);
    toDevice(dense);
    current.insert(dense);
    return success();
  }

  /// The device has changed it: the host's copy is old.
  void written(Value memref) {
    SmallVector<Value> old;
    for (Value value : current)
      if (homes.mayShare(value, memref))
        old.push_back(value);
    for (Value value : old)
      current.erase(value);
  }

  void toDevice(Value memref) {
    create("to_device", {}, memref);
    ++transfers.toDevice;
  }

  void create(StringRef name, Value input, Value output, ArrayRef<int64_t> params = {}) {
    SmallVector<Value> inputs;
    SmallVector<int32_t> types;
    if (input) {
      inputs.push_back(input);
      types.push_back(elementNumber(input));
    }
    types.push_back(elementNumber(output));
    ours.insert(kernel::RuntimeCallOp::create(builder, function.getLoc(), name, inputs, output,
                                              params, types));
  }

  func::FuncOp function;
  Homes homes;
  Transfers &transfers;
  OpBuilder builder;
  llvm::DenseSet<Value> current; ///< whose host copy is up to date, here
  llvm::DenseSet<Operation *> ours;
};

struct PlaceOnDevicePass : sinter::impl::PlaceOnDeviceBase<PlaceOnDevicePass> {
  using PlaceOnDeviceBase::PlaceOnDeviceBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    int64_t onDevice = 0, onHost = 0;
    module.walk([&](Operation *op) {
      auto call = dyn_cast<kernel::CallOp>(op);
      onDevice += call && isOnDevice(call);
      onHost += call ? !isOnDevice(call) : isa<kernel::RuntimeCallOp>(op);
    });
    if (onDevice == 0 && !device)
      return;
    Transfers transfers;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && !function.isPrivate() &&
          failed(Placer(function, transfers).run()))
        return signalPassFailure();
    if (onDevice != 0)
      module.emitRemark() << onDevice << " kernel calls on the device, " << onHost
                          << " on the CPU; " << transfers.toHost << " transfers to the host, "
                          << transfers.toDevice << " to the device, " << transfers.copies
                          << " copies on the device";
  }
};

} // namespace
