"""Classifiers of pictures."""

import torch
from torch import nn
from torch.nn import functional as F

from blocks import Bottleneck, Classifier, ConvNorm, Encoder, InvertedResidual, SqueezeExcite, dense, feed_forward


def resnext():
    """ResNeXt-26 (32 × 4d)."""
    layers, channels = [ConvNorm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage in range(4):
        for block in range(2):
            layers.append(Bottleneck(channels, 128 << stage, 256 << stage, 2 if stage and not block else 1, 32))
            channels = 256 << stage
    return Classifier(nn.Sequential(*layers), channels)


def regnet():
    """RegNetY-400MF: groups of eight channels and gates."""
    layers, channels = [ConvNorm(3, 32, 3, 2)], 32
    for width, depth in ((48, 1), (104, 3), (208, 6), (440, 6)):
        for block in range(depth):
            excite = SqueezeExcite(width, channels // 4)
            layers.append(Bottleneck(channels, width, width, 1 if block else 2, width // 8, excite))
            channels = width
    return Classifier(nn.Sequential(*layers), channels)


class FusedInvertedResidual(nn.Module):
    """EfficientNetV2's first stages: the expansion is a 3 × 3 convolution."""

    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        inner, self.residual = inputs * expand, stride == 1 and inputs == outputs
        self.layers = (ConvNorm(inputs, outputs, 3, stride, activation=nn.SiLU) if expand == 1 else nn.Sequential(
            ConvNorm(inputs, inner, 3, stride, activation=nn.SiLU), ConvNorm(inner, outputs, 1, activation=None)))

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


def efficientnet_v2():
    """EfficientNetV2-B0."""
    layers, channels = [ConvNorm(3, 32, 3, 2, activation=nn.SiLU)], 32
    for expand, width, depth, stride, fused in ((1, 16, 1, 1, True), (4, 32, 2, 2, True), (4, 48, 2, 2, True),
                                                (4, 96, 3, 2, False), (6, 112, 5, 1, False), (6, 192, 8, 2, False)):
        for block in range(depth):
            step = 1 if block else stride
            if fused:
                layers.append(FusedInvertedResidual(channels, width, step, expand))
            else:
                excite = SqueezeExcite(channels * expand, channels // 4, nn.SiLU)
                layers.append(InvertedResidual(channels, channels * expand, width, 3, step, nn.SiLU, excite))
            channels = width
    return Classifier(nn.Sequential(*layers, ConvNorm(channels, 1280, 1, activation=nn.SiLU)), 1280)


def mobilenet_v2():
    layers, channels = [ConvNorm(3, 32, 3, 2, activation=nn.ReLU6)], 32
    for expand, width, depth, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                         (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(depth):
            step = 1 if block else stride
            layers.append(InvertedResidual(channels, channels * expand, width, 3, step, nn.ReLU6))
            channels = width
    return Classifier(nn.Sequential(*layers, ConvNorm(channels, 1280, 1, activation=nn.ReLU6)), 1280)


def mobilenet_v3():
    """MobileNetV3-Small."""
    layers, channels = [ConvNorm(3, 16, 3, 2, activation=nn.Hardswish)], 16
    for kernel, inner, width, excite, activation, stride in (
            (3, 16, 16, True, nn.ReLU, 2), (3, 72, 24, False, nn.ReLU, 2), (3, 88, 24, False, nn.ReLU, 1),
            (5, 96, 40, True, nn.Hardswish, 2), (5, 240, 40, True, nn.Hardswish, 1), (5, 240, 40, True, nn.Hardswish, 1),
            (5, 120, 48, True, nn.Hardswish, 1), (5, 144, 48, True, nn.Hardswish, 1), (5, 288, 96, True, nn.Hardswish, 2),
            (5, 576, 96, True, nn.Hardswish, 1), (5, 576, 96, True, nn.Hardswish, 1)):
        gate = SqueezeExcite(inner, max(8, inner // 4), gate=nn.Hardsigmoid) if excite else None
        layers.append(InvertedResidual(channels, inner, width, kernel, stride, activation, gate))
        channels = width
    features = nn.Sequential(*layers, ConvNorm(channels, 576, 1, activation=nn.Hardswish), nn.AdaptiveAvgPool2d(1))
    return nn.Sequential(features, nn.Flatten(), nn.Linear(576, 1024), nn.Hardswish(), nn.Linear(1024, 1000))


class Ghost(nn.Module):
    """Half of the channels by a convolution, the others by a cheap one of those (GhostNet)."""

    def __init__(self, inputs, outputs, activation=nn.ReLU):
        super().__init__()
        self.primary = ConvNorm(inputs, outputs // 2, 1, activation=activation)
        self.cheap = ConvNorm(outputs // 2, outputs // 2, 3, 1, outputs // 2, activation)

    def forward(self, x):
        x = self.primary(x)
        return torch.cat([x, self.cheap(x)], 1)


class GhostBottleneck(nn.Module):
    def __init__(self, inputs, inner, outputs, kernel, stride, excite):
        super().__init__()
        layers = [Ghost(inputs, inner)]
        layers += [ConvNorm(inner, inner, kernel, stride, inner, None)] if stride > 1 else []
        layers += [SqueezeExcite(inner, inner // 4, gate=nn.Hardsigmoid)] if excite else []
        self.layers = nn.Sequential(*layers, Ghost(inner, outputs, None))
        self.shortcut = nn.Identity() if stride == 1 and inputs == outputs else nn.Sequential(
            ConvNorm(inputs, inputs, kernel, stride, inputs, None), ConvNorm(inputs, outputs, 1, activation=None))

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


def ghostnet():
    layers, channels = [ConvNorm(3, 16, 3, 2)], 16
    for kernel, inner, width, excite, stride in (
            (3, 16, 16, False, 1), (3, 48, 24, False, 2), (3, 72, 24, False, 1), (5, 72, 40, True, 2), (5, 120, 40, True, 1),
            (3, 240, 80, False, 2), (3, 200, 80, False, 1), (3, 184, 80, False, 1), (3, 480, 112, True, 1),
            (3, 672, 112, True, 1), (5, 672, 160, True, 2), (5, 960, 160, False, 1), (5, 960, 160, True, 1)):
        layers.append(GhostBottleneck(channels, inner, width, kernel, stride, excite))
        channels = width
    return Classifier(nn.Sequential(*layers, ConvNorm(channels, 960, 1)), 960)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of NCHW."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width)
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x):
        return x + (self.scale * self.layers(self.norm(self.depthwise(x).permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


def convnext():
    """ConvNeXt-Atto."""
    layers, widths = [nn.Conv2d(3, 40, 4, 4), ChannelNorm(40)], (40, 80, 160, 320)
    for stage, (width, depth) in enumerate(zip(widths, (2, 2, 6, 2))):
        if stage:
            layers += [ChannelNorm(widths[stage - 1]), nn.Conv2d(widths[stage - 1], width, 2, 2)]
        layers += [ConvNeXtBlock(width) for _ in range(depth)]
    return Classifier(nn.Sequential(*layers), 320)


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
                         nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(),
                         nn.Linear(84, 10))


class Vit(nn.Module):
    """ViT-Tiny, of half the depth."""

    def __init__(self, width=192, heads=3, depth=6):
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, width, 16, 16), nn.Parameter(torch.randn(1, 1, width))
        self.position, self.norm = nn.Parameter(torch.randn(1, 197, width)), nn.LayerNorm(width)
        self.layers, self.head = nn.Sequential(*[Encoder(width, heads) for _ in range(depth)]), nn.Linear(width, 1000)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.layers(x))[:, 0])


class SwinBlock(nn.Module):
    """Attention within windows of 7 × 7, which are shifted by half in every second block, with a bias by distance."""

    def __init__(self, width, heads, size, shift):
        super().__init__()
        self.heads, self.size, self.shift, self.window = heads, size, shift, 7
        self.norm1, self.norm2, self.feed_forward = nn.LayerNorm(width), nn.LayerNorm(width), feed_forward(width, 4 * width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.table = nn.Parameter(0.1 * torch.randn(169, heads))
        where = torch.stack(torch.meshgrid(torch.arange(7), torch.arange(7), indexing="ij")).flatten(1)
        distance = (where[:, :, None] - where[:, None]).permute(1, 2, 0) + 6
        self.register_buffer("index", (distance[..., 0] * 13 + distance[..., 1]).flatten())
        region = torch.zeros(size, size)
        for i, rows in enumerate((slice(0, -7), slice(-7, -3), slice(-3, None))):
            for j, columns in enumerate((slice(0, -7), slice(-7, -3), slice(-3, None))):
                region[rows, columns] = 3 * i + j
        region = self.windows(region[None, :, :, None]).squeeze(-1)
        self.register_buffer("mask", (region[:, None] != region[:, :, None]) * -100.0)

    def windows(self, x):
        batch, height, width, channels = x.shape
        return x.view(batch, height // 7, 7, width // 7, 7, channels).transpose(2, 3).reshape(-1, 49, channels)

    def forward(self, x):
        batch, height, width, channels = x.shape
        y = self.norm1(x)
        if self.shift:
            y = torch.roll(y, (-3, -3), (1, 2))
        y = self.windows(y)
        q, k, v = self.qkv(y).view(-1, 49, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * (channels // self.heads) ** -0.5) @ k.transpose(2, 3)
        scores = scores + self.table[self.index].view(49, 49, -1).permute(2, 0, 1)[None]
        if self.shift:
            count = self.mask.shape[0]
            scores = (scores.view(-1, count, self.heads, 49, 49) + self.mask[None, :, None]).view(-1, self.heads, 49, 49)
        y = self.project((scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, 49, channels))
        y = y.view(batch, height // 7, width // 7, 7, 7, channels).transpose(2, 3).reshape(batch, height, width, channels)
        if self.shift:
            y = torch.roll(y, (3, 3), (1, 2))
        x = x + y
        return x + self.feed_forward(self.norm2(x))


class Swin(nn.Module):
    """A Swin Transformer of three stages."""

    def __init__(self, width=64, heads=2):
        super().__init__()
        self.patches, self.norm, layers, size = nn.Conv2d(3, width, 4, 4), nn.LayerNorm(width), [], 56
        for stage in range(3):
            if stage:
                layers.append(self.Merge(width))
                width, heads, size = 2 * width, 2 * heads, size // 2
            layers += [SwinBlock(width, heads, size, False), SwinBlock(width, heads, size, True)]
        self.layers, self.last, self.head = nn.Sequential(*layers), nn.LayerNorm(width), nn.Linear(width, 1000)

    class Merge(nn.Module):
        """Four neighbours become one position."""

        def __init__(self, width):
            super().__init__()
            self.norm, self.reduce = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)

        def forward(self, x):
            parts = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
            return self.reduce(self.norm(torch.cat(parts, -1)))

    def forward(self, x):
        x = self.layers(self.norm(self.patches(x).permute(0, 2, 3, 1)))
        return self.head(self.last(x).mean([1, 2]))


class PointNet(nn.Module):
    """Dense layers for each point, and their greatest over the cloud; points are turned by a matrix of their own."""

    def __init__(self):
        super().__init__()
        point = lambda *sizes: nn.Sequential(*[layer for i, o in zip(sizes, sizes[1:]) for layer in (
            nn.Conv1d(i, o, 1), nn.BatchNorm1d(o), nn.ReLU())])
        self.turn, self.matrix = point(3, 64, 128, 512), dense(512, 256, 9)
        self.points, self.head = point(3, 64, 64, 128, 1024), dense(1024, 512, 256, 40)

    def forward(self, x):
        turn = self.matrix(self.turn(x).max(2)[0]).view(-1, 3, 3) + torch.eye(3)
        return F.log_softmax(self.head(self.points(turn @ x).max(2)[0]), 1)


def c3d():
    """3 × 3 × 3 convolutions over the frames of a clip."""
    layers, channels = [], 3
    for width, pool in ((32, (1, 2, 2)), (64, 2), (128, 2), (128, 2)):
        layers += [nn.Conv3d(channels, width, 3, padding=1), nn.BatchNorm3d(width), nn.ReLU(), nn.MaxPool3d(pool)]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(channels, 101))


def picture(batch, height, width, channels=3):
    return lambda: (torch.randn(batch, channels, height, width),)


MODELS = {
    "resnext26": (resnext, picture(1, 224, 224)),
    "regnety_400mf": (regnet, picture(4, 224, 224)),
    "efficientnetv2_b0": (efficientnet_v2, picture(1, 240, 240)),
    "mobilenetv2_b8": (mobilenet_v2, picture(8, 224, 224)),
    "mobilenetv3_small": (mobilenet_v3, picture(1, 224, 224)),
    "ghostnet": (ghostnet, picture(1, 256, 192)),
    "convnext_atto": (convnext, picture(1, 288, 256)),
    "vit_tiny": (Vit, picture(4, 224, 224)),
    "swin": (Swin, picture(1, 224, 224)),
    "perceptron": (lambda: dense(784, 512, 512, 10), lambda: (torch.randn(64, 784),)),
    "lenet5": (lenet, picture(16, 28, 28, 1)),
    "pointnet": (PointNet, lambda: (torch.randn(4, 3, 1000),)),
    "c3d": (c3d, lambda: (torch.randn(1, 3, 16, 112, 112),)),
}
