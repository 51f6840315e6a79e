"""Sound, text, and tables: Transformers, recurrent and one-dimensional networks, recommenders."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from blocks import Attention, ConvNorm, Decoder, Encoder, dense, feed_forward


def causal(length):
    """A mask that hides what comes later."""
    return torch.full((length, length), -1e4).triu(1)


class ClipText(nn.Module):
    """CLIP's encoder of text: 77 tokens, causal, with the quick GELU."""

    class QuickGelu(nn.Module):
        def forward(self, x):
            return x * torch.sigmoid(1.702 * x)

    def __init__(self, width=256, heads=4, depth=4, tokens=5000):
        super().__init__()
        self.tokens, self.position = nn.Embedding(tokens, width), nn.Parameter(torch.randn(77, width))
        self.layers = nn.ModuleList(Encoder(width, heads, self.QuickGelu) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 256, bias=False)

    def forward(self, ids):
        x = self.tokens(ids) + self.position
        for layer in self.layers:
            x = layer(x, causal(77))
        x = self.project(self.norm(x)[torch.arange(ids.shape[0]), ids.argmax(-1)])
        return x / x.norm(dim=-1, keepdim=True)


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class LlamaLayer(nn.Module):
    """Rotary positions, fewer heads of keys than of queries, SwiGLU."""

    def __init__(self, width, heads, groups, inner):
        super().__init__()
        self.size, self.heads, self.groups = width // heads, heads, groups
        self.q, self.k, self.v = (nn.Linear(width, n * self.size, bias=False) for n in (heads, groups, groups))
        self.o, self.norm1, self.norm2 = nn.Linear(width, width, bias=False), RmsNorm(width), RmsNorm(width)
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def rotate(self, x, cos, sin):
        a, b = x[..., :self.size // 2], x[..., self.size // 2:]
        return x * cos + torch.cat((-b, a), -1) * sin

    def forward(self, x, cos, sin, mask, past):
        batch, length, width = x.shape
        y = self.norm1(x)
        split = lambda t, n: t.view(batch, length, n, self.size).transpose(1, 2)
        q, k = self.rotate(split(self.q(y), self.heads), cos, sin), self.rotate(split(self.k(y), self.groups), cos, sin)
        v = split(self.v(y), self.groups)
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        repeats = self.heads // self.groups
        spread = lambda t: t[:, :, None].expand(-1, -1, repeats, -1, -1).reshape(batch, self.heads, -1, self.size)
        scores = q @ spread(k).transpose(2, 3) / math.sqrt(self.size)
        scores = scores if mask is None else scores + mask
        x = x + self.o((scores.softmax(-1) @ spread(v)).transpose(1, 2).reshape(batch, length, width))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), torch.stack((k, v))


class Llama(nn.Module):
    """`past`: layers, 2, batch, groups, positions, size; without it a whole prompt is read."""

    def __init__(self, width=512, heads=8, groups=4, inner=1376, depth=4, tokens=8000):
        super().__init__()
        self.tokens, self.norm, self.head = nn.Embedding(tokens, width), RmsNorm(width), nn.Linear(width, tokens, bias=False)
        self.layers, self.size = nn.ModuleList(LlamaLayer(width, heads, groups, inner) for _ in range(depth)), width // heads

    def forward(self, ids, positions, past=None):
        angles = positions[..., None].float() * (10000.0 ** (-torch.arange(0, self.size, 2).float() / self.size))
        angles = torch.cat((angles, angles), -1)[:, None]
        x, mask, states = self.tokens(ids), causal(ids.shape[1]) if past is None else None, []
        for i, layer in enumerate(self.layers):
            x, state = layer(x, angles.cos(), angles.sin(), mask, None if past is None else past[i])
            states.append(state)
        return self.head(self.norm(x)), torch.stack(states)


class Bart(nn.Module):
    """An encoder over the source and a decoder over the target with attention to it."""

    def __init__(self, width=256, heads=8, depth=3, tokens=8000):
        super().__init__()
        self.tokens, self.position = nn.Embedding(tokens, width), nn.Embedding(512, width)
        self.encoder = nn.ModuleList(Encoder(width, heads) for _ in range(depth))
        self.decoder = nn.ModuleList(Decoder(width, heads, nn.GELU) for _ in range(depth))

    def forward(self, source, target):
        embed = lambda ids: self.tokens(ids) * 16.0 + self.position(torch.arange(ids.shape[1]))
        memory = embed(source)
        for layer in self.encoder:
            memory = layer(memory)
        x = embed(target)
        for layer in self.decoder:
            x = layer(x, memory, causal(target.shape[1]))
        return F.linear(x, self.tokens.weight)


class Whisper(nn.Module):
    """Two convolutions over the spectrum, then a Transformer."""

    def __init__(self, width=256, heads=4, depth=3, frames=500):
        super().__init__()
        self.first, self.second = nn.Conv1d(80, width, 3, padding=1), nn.Conv1d(width, width, 3, 2, 1)
        self.position, self.norm = nn.Parameter(torch.randn(frames, width)), nn.LayerNorm(width)
        self.layers = nn.ModuleList(Encoder(width, heads) for _ in range(depth))

    def forward(self, x):
        x = F.gelu(self.second(F.gelu(self.first(x)))).transpose(1, 2) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class ConformerLayer(nn.Module):
    """Half a feed-forward layer, attention, a gated depthwise convolution, the other half."""

    def __init__(self, width, heads, kernel=15):
        super().__init__()
        half = lambda: nn.Sequential(nn.LayerNorm(width), *feed_forward(width, 4 * width, nn.SiLU))
        self.before, self.after, self.attention = half(), half(), Attention(width, heads)
        self.norm, self.norm2, self.last = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.convolution = nn.Sequential(nn.Conv1d(width, 2 * width, 1), nn.GLU(1), depthwise, nn.BatchNorm1d(width),
                                         nn.SiLU(), nn.Conv1d(width, width, 1))

    def forward(self, x):
        x = x + 0.5 * self.before(x)
        x = x + self.attention(self.norm(x))
        x = x + self.convolution(self.norm2(x).transpose(1, 2)).transpose(1, 2)
        return self.last(x + 0.5 * self.after(x))


class Conformer(nn.Module):
    def __init__(self, width=144, heads=4, depth=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, 2), nn.ReLU(), nn.Conv2d(width, width, 3, 2), nn.ReLU())
        self.project, self.head = nn.Linear(width * 19, width), nn.Linear(width, 128)
        self.layers = nn.Sequential(*[ConformerLayer(width, heads) for _ in range(depth)])

    def forward(self, x):
        x = self.stem(x[:, None]).permute(0, 2, 1, 3).flatten(2)
        return F.log_softmax(self.head(self.layers(self.project(x))), -1)


class WaveNet(nn.Module):
    """Dilated causal convolutions with gates, a sum of all layers' skips."""

    def __init__(self, width=48, skips=64, depth=8, levels=256):
        super().__init__()
        self.first = nn.Conv1d(1, width, 1)
        self.dilated = nn.ModuleList(nn.Conv1d(width, 2 * width, 2, dilation=2 ** i) for i in range(depth))
        each = lambda outputs: nn.ModuleList(nn.Conv1d(width, outputs, 1) for _ in range(depth))
        self.residual, self.skip = each(width), each(skips)
        self.head = nn.Sequential(nn.ReLU(), nn.Conv1d(skips, skips, 1), nn.ReLU(), nn.Conv1d(skips, levels, 1))

    def forward(self, x):
        x, total = self.first(x), 0
        for i, (dilated, residual, skip) in enumerate(zip(self.dilated, self.residual, self.skip)):
            a, b = dilated(F.pad(x, (2 ** i, 0))).chunk(2, 1)
            y = torch.tanh(a) * torch.sigmoid(b)
            x, total = x + residual(y), total + skip(y)
        return self.head(total)


class Crnn(nn.Module):
    """Reads a line of text: convolutions, then two LSTMs along it."""

    def __init__(self, classes=97):
        super().__init__()
        conv, pool = ConvNorm, nn.MaxPool2d
        self.features = nn.Sequential(conv(1, 32), pool(2), conv(32, 64), pool(2), conv(64, 128), conv(128, 128),
                                      pool((2, 1)), conv(128, 256), pool((2, 1)), nn.Conv2d(256, 256, 2), nn.ReLU())
        self.lstm, self.head = nn.LSTM(256, 128, 2, bidirectional=True), nn.Linear(256, classes)

    def forward(self, x):
        x = self.features(x).squeeze(2).permute(2, 0, 1)
        return F.log_softmax(self.head(self.lstm(x)[0]), 2)


class Dlrm(nn.Module):
    """Embeddings and dense features, the products of all pairs, and a perceptron (Naumov et al. 2019)."""

    def __init__(self, tables=26, rows=2000, width=16):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, width) for _ in range(tables))
        self.bottom = nn.Sequential(dense(13, 512, 256, width), nn.ReLU())
        pairs = torch.tril_indices(tables + 1, tables + 1, -1)
        self.register_buffer("pairs", pairs[0] * (tables + 1) + pairs[1])
        self.top = nn.Sequential(dense(width + len(self.pairs), 512, 256, 1), nn.Sigmoid())

    def forward(self, dense, sparse):
        x = self.bottom(dense)
        rows = torch.stack([x] + [table(sparse[:, i]) for i, table in enumerate(self.tables)], 1)
        products = (rows @ rows.transpose(1, 2)).flatten(1)[:, self.pairs]
        return self.top(torch.cat([x, products], 1))


class Ncf(nn.Module):
    """Neural collaborative filtering: a product and a perceptron of two embeddings."""

    def __init__(self, users=5000, items=3000):
        super().__init__()
        self.user, self.item = nn.Embedding(users, 32), nn.Embedding(items, 32)
        self.user2, self.item2 = nn.Embedding(users, 64), nn.Embedding(items, 64)
        self.layers, self.head = nn.Sequential(dense(128, 64, 32), nn.ReLU()), nn.Linear(64, 1)

    def forward(self, user, item):
        deep = self.layers(torch.cat([self.user2(user), self.item2(item)], -1))
        return torch.sigmoid(self.head(torch.cat([self.user(user) * self.item(item), deep], -1)))


def ids(batch, length, tokens=5000):
    return torch.randint(0, tokens, (batch, length))


MODELS = {
    "clip_text": (ClipText, lambda: (ids(2, 77),)),
    "llama_prompt": (Llama, lambda: (ids(1, 77), torch.arange(77)[None])),
    "llama_step": (Llama, lambda: (ids(1, 1), torch.full((1, 1), 150), torch.randn(4, 2, 1, 4, 150, 64))),
    "bart": (Bart, lambda: (ids(1, 60), ids(1, 45))),
    "whisper": (Whisper, lambda: (torch.randn(1, 80, 1000),)),
    "conformer": (Conformer, lambda: (torch.randn(1, 320, 80),)),
    "wavenet": (WaveNet, lambda: (torch.randn(1, 1, 4000),)),
    "crnn": (Crnn, lambda: (torch.randn(1, 1, 32, 200),)),
    "dlrm": (Dlrm, lambda: (torch.randn(16, 13), ids(16, 26, 2000))),
    "ncf": (Ncf, lambda: (torch.randint(0, 5000, (64,)), torch.randint(0, 3000, (64,)))),
}
