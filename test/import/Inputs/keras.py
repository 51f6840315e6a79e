"""Holds the layers of a description to Keras' formulas, written out with numpy, on random parameters.

usage: keras.py EXAMPLES DRIVER_INPUTS LIBRARY CASE    the library of a training, whose forward is run
"""
import sys

import numpy as np

sys.path[:0] = sys.argv[1:3]
from train import Training  # noqa: E402


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run_lstm(x, w, h=None, c=None):
    """N T I → N T H, and the last states; gates i f c o."""
    if h is None:
        h = c = np.zeros([x.shape[0], w["recurrent_kernel"].shape[0]])
    steps = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        steps.append(h)
    return np.stack(steps, axis=1), h, c


def lstm(x, w):
    return run_lstm(x, w)[0]


def gru(x, w):
    """Gates z r h, the reset applied after the product."""
    units = w["recurrent_kernel"].shape[0]
    h = np.zeros([x.shape[0], units])
    steps = []
    for t in range(x.shape[1]):
        a = np.split(x[:, t] @ w["kernel"] + w["bias"][0], 3, axis=1)
        b = np.split(h @ w["recurrent_kernel"] + w["bias"][1], 3, axis=1)
        z, r = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
        h = z * h + (1 - z) * np.tanh(a[2] + r * b[2])
        steps.append(h)
    return np.stack(steps, axis=1)


def simple_rnn(x, w):
    h = np.zeros([x.shape[0], w["kernel"].shape[1]])
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"])
    return h


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def convolution(x, kernel, stride, same):
    """N H W C, kernel h w C F; TensorFlow's "same": the odd element of padding comes last."""
    h, w, _, filters = kernel.shape
    size = [-(-x.shape[d] // stride) if same else (x.shape[d] - kernel.shape[d - 1]) // stride + 1 for d in (1, 2)]
    if same:
        total = [max((size[i] - 1) * stride + kernel.shape[i] - x.shape[i + 1], 0) for i in (0, 1)]
        x = np.pad(x, [(0, 0)] + [(each // 2, each - each // 2) for each in total] + [(0, 0)])
    y = np.zeros([x.shape[0], *size, filters])
    for i in range(size[0]):
        for j in range(size[1]):
            window = x[:, i * stride:i * stride + h, j * stride:j * stride + w]
            y[:, i, j] = np.tensordot(window, kernel, 3)
    return y


def both_ways(layer, kind, x, w):
    """What a layer gives of x and, in the order of x, of x read from its end."""
    there, back = ({key.partition("/")[2]: value for key, value in w.items() if key.startswith(f"{way}_{kind}/")}
                   for way in ("forward", "backward"))
    return layer(x, there), np.flip(layer(np.flip(x, 1), back), 1)


def depthwise(x, kernel, stride, same):
    """Each channel by its own filters, which stand one after the other in the result."""
    parts = [convolution(x[..., c:c + 1], kernel[:, :, c:c + 1], stride, same) for c in range(x.shape[-1])]
    return np.concatenate(parts, axis=-1)


def transposed(x, kernel, stride, same, output_padding=None):
    """Each element adds a picture of the kernel h w F C to the result, of which Keras cuts a part."""
    n, *size, _ = x.shape
    full = np.zeros([n, *((size[d] - 1) * stride + kernel.shape[d] for d in (0, 1)), kernel.shape[2]])
    for i in range(size[0]):
        for j in range(size[1]):
            picture = np.einsum("nc,hwfc->nhwf", x[:, i, j], kernel)
            full[:, i * stride:i * stride + kernel.shape[0], j * stride:j * stride + kernel.shape[1]] += picture
    for d in (0, 1):
        k = kernel.shape[d]
        if output_padding is not None:
            length = (size[d] - 1) * stride + k - (2 * (k // 2) if same else 0) + output_padding
        else:
            length = size[d] * stride + (0 if same else max(k - stride, 0))
        begin = max(full.shape[d + 1] - length, 0) // 2 if same else 0
        more = max(length - full.shape[d + 1], 0)
        full = np.pad(full, [(0, more if axis == d + 1 else 0) for axis in range(4)])
        full = np.take(full, range(begin, begin + length), axis=d + 1)
    return full


def convolutions(x, w):
    y = np.maximum(depthwise(x, w["depthwise_conv2d"]["kernel"], 2, True) + w["depthwise_conv2d"]["bias"], 0)
    separable = w["separable_conv2d"]
    y = depthwise(y, separable["depthwise_kernel"], 1, False) @ separable["pointwise_kernel"][0, 0] + separable["bias"]
    for name, stride, same, padding in [("conv2d_transpose", 2, True, None), ("conv2d_transpose_1", 3, False, None),
                                        ("conv2d_transpose_2", 2, True, 1), ("conv2d_transpose_3", 2, False, 0),
                                        ("conv2d_transpose_4", 4, True, None)]:
        y = transposed(y, w[name]["kernel"], stride, same, padding) + w[name]["bias"]
    return softmax(dense(y.reshape(len(y), -1), w["dense"]))


def bidirectional(x, w):
    y = np.concatenate(both_ways(lstm, "lstm", x, w["bidirectional"]), axis=-1)
    y = sum(both_ways(gru, "gru", y, w["bidirectional_1"]))
    y = lstm(np.flip(y, 1), w["lstm"])
    there, back = both_ways(lstm, "lstm", y, w["bidirectional_2"])
    y = (there + back) / 2
    there, back = both_ways(lambda x, w: simple_rnn(x, w)[:, None], "simple_rnn", y, w["bidirectional_3"])
    return softmax(dense((there * back)[:, 0], w["dense"]))


def states(x, y, w):
    """An LSTM that goes on from the states of another one."""
    _, h, c = run_lstm(x, w["encoder"])
    return softmax(dense(run_lstm(y, w["decoder"], h, c)[0].reshape(len(x), -1), w["dense"]))


def recurrent(x, w):
    y = w["embedding"]["embeddings"][x]
    y = gru(lstm(y, w["lstm"]), w["gru"])
    return softmax(simple_rnn(y, w["simple_rnn"]) @ w["dense"]["kernel"] + w["dense"]["bias"])


def pictures(x, w):
    y = convolution(x, w["conv2d"]["kernel"], 2, True) + w["conv2d"]["bias"]
    y = np.where(y > 0, y, np.expm1(y))  # elu
    n, height, width, channels = y.shape
    y = y[:, :height // 2 * 2, :width // 2 * 2].reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    y = convolution(y, w["conv2d_1"]["kernel"], 1, False)
    y = y * sigmoid(y)
    mean, variance = y.mean(axis=-1, keepdims=True), y.var(axis=-1, keepdims=True)
    y = (y - mean) / np.sqrt(variance + 1e-3) * w["layer_normalization"]["gamma"] + w["layer_normalization"]["beta"]
    return sigmoid(y.mean(axis=(1, 2)) @ w["dense"]["kernel"] + w["dense"]["bias"])


def dense(x, w):
    return x @ w["kernel"] + w["bias"]


def functional(x, z, w):
    a = np.maximum(dense(x, w["first"]), 0)
    norm = w["norm"]
    b = (a - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-3) * norm["gamma"] + norm["beta"]
    return softmax(dense(np.concatenate([a + b, z], axis=1), w["last"]))


def attention(x, w):
    """Two heads, each position looking back only."""
    n, length, size = x.shape
    angle = np.arange(length)[:, None] * 10000.0 ** (-(np.arange(size) // 2 * 2) / size)
    y = x + np.where(np.arange(size) % 2, np.cos(angle), np.sin(angle))
    heads = {key: np.einsum("nti,ihd->nhtd", y, w["mha"][key + "/kernel"]) + w["mha"][key + "/bias"][:, None]
             for key in ("query", "key", "value")}
    scores = np.einsum("nhtd,nhsd->nhts", heads["query"], heads["key"]) / np.sqrt(heads["query"].shape[-1])
    scores = np.where(np.tril(np.ones([length, length])), scores, -1e9)
    joined = np.einsum("nhts,nhsd->nthd", softmax(scores), heads["value"])
    y = np.einsum("nthd,hdo->nto", joined, w["mha"]["attention_output/kernel"]) + w["mha"]["attention_output/bias"]
    return softmax(dense(y.mean(axis=1), w["dense"]))


random = np.random.default_rng(3)
training = Training(sys.argv[3])
weights = {}
for name, view in training.state().items():
    layer, _, parameter = name.partition("/")
    if training.states[training.names.index(name)].kind not in (0, 2):
        continue
    view[...] = random.normal(size=view.shape) * 0.5
    if parameter == "moving_variance":
        view[...] = np.abs(view)
    weights.setdefault(layer, {})[parameter] = view.astype("float64")
forward = training.follow(training.table.forward)
case = sys.argv[4]
if case == "recurrent":
    inputs = [random.integers(0, 7, size=[3, 5])]
else:
    shapes = {"pictures": [[2, 9, 10, 3]], "functional": [[7, 6], [7, 2]], "attention": [[2, 5, 6]],
              "convolutions": [[2, 6, 7, 3]], "bidirectional": [[3, 5, 3]], "states": [[3, 4, 3], [3, 5, 2]]}
    inputs = [random.normal(size=shape).astype("float32") for shape in shapes[case]]
expected = globals()[case](*inputs, weights)
given, = forward(*inputs)
assert np.allclose(given, expected, rtol=1e-4, atol=1e-5), abs(given - expected).max()
print("agrees", given.shape)

if case == "functional":
    # A training step draws who is dropped by seed and step, and gathers the batch's statistics.
    target, still = np.arange(7) % 3, np.float32(0)

    def run(seed, steps):
        """The losses, and how far the mean that was gathered has come."""
        training.init(seed)
        for layer, tensors in weights.items():
            for parameter, value in tensors.items():
                training.state()[f"{layer}/{parameter}"][...] = value
        return [float(training.train(*inputs, target, still)[0]) for _ in range(steps)]

    losses = run(1, 3)
    assert len(set(losses)) == 3, "each step drops others"
    assert run(2, 1)[0] != losses[0], "each seed drops others"
    assert run(1, 3) == losses, "the same seed drops the same"
    hidden = np.maximum(dense(inputs[0], weights["first"]), 0)
    mean, variance = weights["norm"]["moving_mean"], weights["norm"]["moving_variance"]
    run(1, 1)
    state = training.state()
    assert np.allclose(state["norm/moving_mean"], 0.9 * mean + 0.1 * hidden.mean(axis=0), rtol=1e-5, atol=1e-6)
    assert np.allclose(state["norm/moving_variance"], 0.9 * variance + 0.1 * hidden.var(axis=0), rtol=1e-5, atol=1e-6)
    assert state["seed"] == 1 and state["step"] == 1
