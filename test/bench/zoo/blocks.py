"""Blocks that several architectures of the zoo share."""

from torch import nn
from torch.nn import functional as F


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation and activation (None: linear), as large as its input where the stride is 1."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, group=1, activation=nn.ReLU, dilation=1):
        layers = [nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation, group, bias=False),
                  nn.BatchNorm2d(outputs)]
        super().__init__(*layers, *([activation()] if activation else []))


class SqueezeExcite(nn.Module):
    """A gate for each channel of its mean (Hu et al. 2018)."""

    def __init__(self, channels, inner, activation=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, inner, 1), activation(),
                                  nn.Conv2d(inner, channels, 1), gate())

    def forward(self, x):
        return x * self.gate(x)


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, gate, projection (MobileNetV2 and what came of it)."""

    def __init__(self, inputs, inner, outputs, kernel, stride, activation, excite=None):
        super().__init__()
        layers = [ConvNorm(inputs, inner, 1, activation=activation)] if inner != inputs else []
        layers.append(ConvNorm(inner, inner, kernel, stride, inner, activation))
        layers += [excite] if excite else []
        self.layers = nn.Sequential(*layers, ConvNorm(inner, outputs, 1, activation=None))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class BasicBlock(nn.Module):
    """ResNet-18's."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.first, self.second = ConvNorm(inputs, outputs, 3, stride), ConvNorm(outputs, outputs, 3, activation=None)
        project = stride != 1 or inputs != outputs
        self.shortcut = ConvNorm(inputs, outputs, 1, stride, activation=None) if project else nn.Identity()

    def forward(self, x):
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class Bottleneck(nn.Module):
    """ResNet-50's, with groups (ResNeXt) and a gate (RegNet)."""

    def __init__(self, inputs, inner, outputs, stride=1, group=1, excite=None, dilation=1):
        super().__init__()
        layers = [ConvNorm(inputs, inner, 1), ConvNorm(inner, inner, 3, stride, group, dilation=dilation)]
        layers += [excite] if excite else []
        self.layers = nn.Sequential(*layers, ConvNorm(inner, outputs, 1, activation=None))
        project = stride != 1 or inputs != outputs
        self.shortcut = ConvNorm(inputs, outputs, 1, stride, activation=None) if project else nn.Identity()

    def forward(self, x):
        return F.relu(self.layers(x) + self.shortcut(x))


class Classifier(nn.Module):
    """Features, their mean over the picture, and a dense layer."""

    def __init__(self, features, channels, classes=1000):
        super().__init__()
        self.features, self.head = features, nn.Linear(channels, classes)

    def forward(self, x):
        return self.head(self.features(x).mean([2, 3]))


def dense(*sizes):
    """Dense layers with ReLU between them."""
    layers = [layer for i, o in zip(sizes, sizes[1:]) for layer in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def feed_forward(width, inner, activation=nn.GELU):
    return nn.Sequential(nn.Linear(width, inner), activation(), nn.Linear(inner, width))


class Attention(nn.Module):
    """Several heads; keys and values of `memory`, which is x itself unless given."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.q, self.out = heads, nn.Linear(width, width), nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)

    def forward(self, x, memory=None, mask=None):
        batch, length, width = x.shape
        memory = x if memory is None else memory
        split = lambda t: t.reshape(batch, -1, self.heads, width // self.heads).transpose(1, 2)
        k, v = self.kv(memory).chunk(2, -1)
        scores = split(self.q(x)) @ split(k).transpose(2, 3) * (width // self.heads) ** -0.5
        if mask is not None:
            scores = scores + mask
        return self.out((scores.softmax(-1) @ split(v)).transpose(1, 2).reshape(batch, length, width))


class Encoder(nn.Module):
    """A Transformer's encoder layer with the normalisation first."""

    def __init__(self, width, heads, activation=nn.GELU):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.feed_forward = nn.LayerNorm(width), feed_forward(width, 4 * width, activation)

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask=mask)
        return x + self.feed_forward(self.norm2(x))


class Decoder(nn.Module):
    """A Transformer's decoder layer with the normalisation last, as BART and DETR have it."""

    def __init__(self, width, heads, activation=nn.ReLU):
        super().__init__()
        self.own, self.cross = Attention(width, heads), Attention(width, heads)
        self.feed_forward = feed_forward(width, 4 * width, activation)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, x, memory, mask=None):
        x = self.norms[0](x + self.own(x, mask=mask))
        x = self.norms[1](x + self.cross(x, memory))
        return self.norms[2](x + self.feed_forward(x))
