"""Holds losses of a training library to other computations of them.

usage: losses.py EXAMPLES LIBRARY CASE    says `agrees`
"""
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from training import Training  # noqa: E402

training = Training(sys.argv[2])


def step(inputs, target, seed=0, **parameters):
    """The loss of a step at rate 1 of plain descent, the gradients, and what an evaluation says."""
    training.init(seed)
    for name, view in training.state().items():
        if name in parameters:
            view[...] = parameters[name]
    before = training.copy()
    evaluated = training.eval(*inputs, target)[0]
    loss = training.train(*inputs, target, np.float32(1))[0]
    after = training.state()
    return loss, {name: before[name] - after[name] for name in parameters}, evaluated


def near(given, expected):
    assert np.allclose(given, expected, rtol=1e-4, atol=1e-5), (given, expected)


def ctc():
    """What torch.nn.functional.ctc_loss (1.13) gave in double precision of log_softmax(x)."""
    i = np.arange(48)
    x = (3 * np.sin(0.7 * i + 0.05 * i**2)).reshape(2, 6, 4).astype("float32")
    unit = {"dense/kernel": np.eye(4)}
    # A label twice, which a blank must part, and two places that are filled up.
    loss, gradients, evaluated = step([x], np.array([[1, 2, 2], [3, 0, 0]]), **unit)
    near(loss, 8.400100405239556)
    near(evaluated, loss)
    # xᵀ times the gradient by what goes into softmax.
    near(gradients["dense/kernel"], [[-1.3545044441, -1.9959124208, 2.3389751513, 1.0114417136],
                                     [0.8849097262, 2.0611742854, 0.3245746783, -3.2706586899],
                                     [0.3273458798, -2.2115337077, 2.37242681, -0.4882389821],
                                     [0.3488145738, -2.2954613342, -1.3363749894, 3.2830217498]])
    near(step([x], np.array([[1, 2, 1], [3, 1, 2]]), **unit)[0], 7.0252690254988055)
    # Labels that need more steps than there are have no path.
    assert np.isinf(step([x], np.array([[1, 1, 1, 1], [1, 2, 3, 1]]), **unit)[0])


def philox(counter, key):
    """Salmon et al., SC11: four words from four."""
    keys = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [second >> 32 ^ counter[1] ^ keys[0], second & 0xFFFFFFFF,
                   first >> 32 ^ counter[3] ^ keys[1], first & 0xFFFFFFFF]
        keys = [(keys[0] + 0x9E3779B9) & 0xFFFFFFFF, (keys[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def sampled():
    """Five classes for each sample, r counted from 1 as often as the integral of x^-0.75 from r to r + 1."""
    samples, width, classes, negatives, seed = 7, 3, 50, 5, 11
    random = np.random.default_rng(2)
    h = random.normal(size=[samples, width]).astype("float32")
    w = random.normal(size=[width, classes]).astype("float32")
    bias = random.normal(size=[classes]).astype("float32")
    target = random.integers(0, classes, size=[samples])
    ranked = ((np.arange(classes) + 2.0)**0.25 - 1) / (51**0.25 - 1)
    known = np.repeat([0.25, 1.0], classes // 2)  # half of the classes are never drawn
    words = [word for i in range(-(-samples * negatives // 4)) for word in philox([i, 0, 0, 0], seed)]
    drawn = (np.array(words[:samples * negatives]) >> 8).astype("float32") / 2**24
    noises = [np.searchsorted(shares, drawn, side="right").reshape(samples, negatives) for shares in (ranked, known)]
    noise = noises[0]
    target[0] = noise[0, 0]  # counts for nothing as noise

    def value(w, bias):
        scores = h @ w + bias
        total = np.log1p(np.exp(-np.take_along_axis(scores, target[:, None], 1))).sum()
        wrong = np.log1p(np.exp(np.take_along_axis(scores, noise, 1)))
        return (total + wrong[noise != target[:, None]].sum()) / samples

    loss, gradients, _ = step([h], target, seed, **{"dense/kernel": w, "dense/bias": bias})
    w, bias = w.astype("float64"), bias.astype("float64")
    near(loss, value(w, bias))
    for name, array in [("dense/kernel", w), ("dense/bias", bias)]:
        for index in np.ndindex(*array.shape):
            kept, sides = array[index], []
            for move in (1e-4, -1e-4):
                array[index] = kept + move
                sides.append(value(w, bias))
            array[index] = kept
            near(gradients[name][index], (sides[0] - sides[1]) / 2e-4)
    # By shares that somebody knows.
    noise = noises[1]
    loss = step([h], target, seed, **{"dense/kernel": w, "dense/bias": bias, "noise/cumulative": known})[0]
    near(loss, value(w, bias))
    # Other steps and seeds draw others.
    assert step([h], target, seed + 1, **{"dense/kernel": w, "dense/bias": bias})[0] != loss
    assert training.train(h, target, np.float32(0))[0] != training.train(h, target, np.float32(0))[0]


def glove():
    """f(X) (w · w' + b + b' - log X)² with f(X) = min(1, X / 100)^0.75."""
    random = np.random.default_rng(3)
    names = ["words", "contexts", "word_bias", "context_bias"]
    arrays = {f"{name}/embeddings": random.normal(size=[6, 1 if "bias" in name else 3]).astype("float32")
              for name in names}
    word, context = random.integers(0, 6, size=[2, 9])
    count = np.float32([1, 3, 250, 100, 17, 0, 2, 40, 99])[:, None]
    loss, _, _ = step([word, context], count, **arrays)
    w, c, b, d = (arrays[f"{name}/embeddings"] for name in names)
    prediction = (w[word] * c[context]).sum(1, keepdims=True) + b[word] + d[context]
    weight = np.minimum(count / 100, 1)**0.75
    near(loss, (weight * (prediction - np.log(np.maximum(count, 1e-30)))**2).mean())


globals()[sys.argv[3]]()
print("agrees")
