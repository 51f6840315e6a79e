"""Trains what `sinter compile --train` made.

usage: train.py EXAMPLES NAME    says `learned` if the loss of NAME.so falls to a third
"""
import json
import struct
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from run import Model  # noqa: E402

DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}


def load(path):
    data = open(path, "rb").read()
    length, = struct.unpack("<Q", data[:8])
    state = {}
    for name, info in json.loads(data[8:8 + length]).items():
        begin, end = info["data_offsets"]
        state[name] = np.frombuffer(data[8 + length:][begin:end], DTYPES[info["dtype"]]).reshape(info["shape"])
    return state


class Trainer:
    def __init__(self, name):
        self.model = Model(f"./{name}.so")
        first = load(f"{name}.safetensors")
        self.names = [info.name.decode() for info in self.model.inputs][3:]
        assert self.names == list(first), "the state's order"
        self.state = [first[each] for each in self.names]

    def step(self, x, target, rate):
        loss, accuracy, *self.state = self.model(x, target, np.float32(rate), *self.state)
        return float(loss)


random = np.random.default_rng(1)
trainer = Trainer(sys.argv[2])
shape = [int(size) for size in trainer.model.inputs[0].dims[1:trainer.model.inputs[0].rank]]
x = random.normal(size=[12, *shape]).astype("float32")
target = np.arange(12) % 3
print("state:", *trainer.names)
losses = [trainer.step(x, target, 0.01) for _ in range(60)]
print(losses[0], losses[-1])
assert losses[-1] < losses[0] / 3
print("learned")
