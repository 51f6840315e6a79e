"""Holds a training library to what sinter/train.h says.

usage: train.py EXAMPLES LIBRARY    says `learned` if all holds, and the loss falls to a third
"""
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from training import Training  # noqa: E402


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


def main():
    random = np.random.default_rng(1)
    training = Training(sys.argv[2])
    eval_step, forward = training.eval, training.forward
    print("description:", training.table.description.decode())
    print("state:", *training.names)
    info = training.train.inputs[0]
    x = random.normal(size=[12, *info.dims[1:info.rank]]).astype("float32")
    target = np.arange(12) % 3
    rate = np.float32(0.01)

    first = training.copy()
    training.init(7)
    seven = training.copy()
    assert not same(first, seven), "seeds differ"
    training.init(0)
    assert same(first, training.state()), "a context begins with seed 0"

    loss, accuracy, *outputs = eval_step(x, target)
    assert np.array_equal(forward(x)[0], outputs[0])
    assert same(first, training.state()), "evaluation changes nothing"
    try:
        training.train(x, target[:3], rate)
        raise AssertionError("a wrong batch passes")
    except ValueError as error:
        assert "batch" in str(error), error
    assert same(first, training.state()), "a step that failed changes nothing"

    losses = [training.train(x, target, rate)[0] for _ in range(60)]
    print(losses[0], losses[-1])
    assert losses[0] == loss, "the step's loss is that before its update"
    assert losses[-1] < losses[0] / 3
    assert training.state()["step"] == 60
    assert eval_step(x, target)[0] < losses[-1], "evaluation sees the new state"

    saved = training.copy()
    after = [training.train(x, target, rate)[0] for _ in range(3)]
    training.init(9)
    for name, view in training.state().items():
        view[...] = saved[name]
    again = [training.train(x, target, rate)[0] for _ in range(3)]
    assert after == again, "a state that was set goes on bit for bit"
    print("learned")


if __name__ == "__main__":
    main()
