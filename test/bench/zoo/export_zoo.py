#!/usr/bin/env python3
"""Writes the zoo: architectures that no other test has, with random weights, as PyTorch exports them.

    /usr/bin/python3 export_zoo.py DEST [NAME...]     (Debian's python3-torch)

DEST/NAME/ holds model.onnx and test_data_set_0 with the inputs and what PyTorch makes of them.
"""

import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import classify  # noqa: E402
import maps  # noqa: E402
import sequence  # noqa: E402
import wire  # noqa: E402

MODELS = {**classify.MODELS, **maps.MODELS, **sequence.MODELS}


def randomize(model):
    """What training would have changed: statistics and scales of normalisations, the size of embeddings."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
        if isinstance(module, nn.LayerNorm):
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.1)
        if isinstance(module, nn.Embedding):
            module.weight.mul_(0.1)


def write(path, name, value):
    element = wire.INT64 if value.dtype == torch.int64 else wire.FLOAT
    with open(path, "wb") as file:
        file.write(wire.tensor(name, list(value.shape), value.contiguous().numpy().tobytes(), element))


def export(folder, name):
    build, inputs = MODELS[name]
    torch.manual_seed(1)
    model, values = build().eval(), inputs()
    data = os.path.join(folder, name, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    with torch.no_grad():
        randomize(model)
        results = model(*values)
        names = [f"input_{i}" for i in range(len(values))]
        torch.onnx.export(model, values, os.path.join(folder, name, "model.onnx"), opset_version=14, input_names=names)
    for i, value in enumerate(values):
        write(os.path.join(data, f"input_{i}.pb"), names[i], value)
    for i, value in enumerate(results if isinstance(results, tuple) else (results,)):
        write(os.path.join(data, f"output_{i}.pb"), f"output_{i}", value)


if __name__ == "__main__":
    for each in sys.argv[2:] or MODELS:
        export(sys.argv[1], each)
        print(each, flush=True)
