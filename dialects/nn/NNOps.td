//===- NNOps.td - all ops of nn -------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

include "dialects/nn/NNElementwise.td"
include "dialects/nn/NNMovement.td"
include "dialects/nn/NNCompute.td"
include "dialects/nn/NNControl.td"
