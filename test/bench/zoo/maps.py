"""Networks whose result is a picture or a map over one: detectors, segmentation, generators."""

import torch
from torch import nn
from torch.nn import functional as F

from blocks import BasicBlock, Bottleneck, ConvNorm, Decoder, Encoder, dense
from classify import picture


def backbone(widths=(32, 64, 128, 256)):
    """A ResNet's stem and its stages, each half as large as the one before."""
    stages = [nn.Sequential(ConvNorm(3, widths[0], 7, 2), nn.MaxPool2d(3, 2, 1), BasicBlock(widths[0], widths[0]))]
    for inputs, outputs in zip(widths, widths[1:]):
        stages.append(nn.Sequential(BasicBlock(inputs, outputs, 2), BasicBlock(outputs, outputs)))
    return nn.ModuleList(stages)


class RetinaNet(nn.Module):
    """A feature pyramid with heads for classes and boxes on each level."""

    def __init__(self, width=96, anchors=6, classes=20):
        super().__init__()
        self.stages = backbone()
        self.lateral = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in (64, 128, 256))
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(3))
        head = lambda outputs: nn.Sequential(ConvNorm(width, width), ConvNorm(width, width),
                                             nn.Conv2d(width, anchors * outputs, 3, padding=1))
        self.classes, self.boxes, self.shape = head(classes), head(4), (classes, 4)

    def forward(self, x):
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        levels = [lateral(level) for lateral, level in zip(self.lateral, levels[1:])]
        for i in (1, 0):
            levels[i] = levels[i] + F.interpolate(levels[i + 1], size=levels[i].shape[2:], mode="nearest")
        levels = [smooth(level) for smooth, level in zip(self.smooth, levels)]
        flat = lambda t, size: t.permute(0, 2, 3, 1).reshape(t.shape[0], -1, size)
        return tuple(torch.cat([flat(head(level), size) for level in levels], 1)
                     for head, size in zip((self.classes, self.boxes), self.shape))


class DeepLab(nn.Module):
    """Dilated convolutions side by side (ASPP), and a decoder that brings the result back to the picture's size."""

    def __init__(self, classes=21):
        super().__init__()
        self.low = nn.Sequential(ConvNorm(3, 32, 3, 2), ConvNorm(32, 48, 3, 2), Bottleneck(48, 32, 96))
        self.high = nn.Sequential(Bottleneck(96, 64, 192, 2), Bottleneck(192, 64, 256, 2),
                                  Bottleneck(256, 64, 256, dilation=2))
        self.pyramid = nn.ModuleList([ConvNorm(256, 96, 1)] + [ConvNorm(256, 96, 3, dilation=rate) for rate in (6, 12, 18)])
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvNorm(256, 96, 1))
        self.join, self.skip = ConvNorm(480, 96, 1), ConvNorm(96, 48, 1)
        self.head = nn.Sequential(ConvNorm(144, 96), nn.Conv2d(96, classes, 1))

    def forward(self, x):
        low = self.low(x)
        high = self.high(low)
        resize = lambda t, like: F.interpolate(t, size=like.shape[2:], mode="bilinear", align_corners=False)
        parts = [layer(high) for layer in self.pyramid] + [self.pool(high).expand(-1, -1, *high.shape[2:])]
        high = self.join(torch.cat(parts, 1))
        return resize(self.head(torch.cat([resize(high, low), self.skip(low)], 1)), x)


class HRNet(nn.Module):
    """Branches of several resolutions, each added to all others, and maps of joints."""

    def __init__(self, widths=(18, 36, 72), joints=17):
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, 64, 3, 2), ConvNorm(64, widths[0], 3, 2))
        self.down = nn.ModuleList(ConvNorm(i, o, 3, 2) for i, o in zip(widths, widths[1:]))
        branch = lambda width: nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.branches = nn.ModuleList(nn.ModuleList(branch(width) for width in widths) for _ in range(2))
        self.fuse = nn.ModuleList(nn.ModuleList(nn.ModuleList(
            self.bridge(widths, i, j) for j in range(len(widths))) for i in range(len(widths))) for _ in range(2))
        self.head = nn.Conv2d(widths[0], joints, 1)

    @staticmethod
    def bridge(widths, i, j):
        """What brings branch j to the size and the channels of branch i."""
        if j > i:
            return nn.Sequential(ConvNorm(widths[j], widths[i], 1, activation=None),
                                 nn.Upsample(scale_factor=2.0 ** (j - i), mode="nearest"))
        steps = [ConvNorm(widths[k], widths[k + 1], 3, 2, activation=nn.ReLU if k + 1 < i else None) for k in range(j, i)]
        return nn.Sequential(*steps)

    def forward(self, x):
        levels = [self.stem(x)]
        for down in self.down:
            levels.append(down(levels[-1]))
        for branches, fuse in zip(self.branches, self.fuse):
            levels = [branch(level) for branch, level in zip(branches, levels)]
            levels = [F.relu(sum(bridge(level) for bridge, level in zip(row, levels))) for row in fuse]
        return self.head(levels[0])


class Detr(nn.Module):
    """A Transformer over the positions of a small picture, and queries that become boxes."""

    def __init__(self, width=192, heads=6, queries=100, positions=300):
        super().__init__()
        self.stages, self.project = backbone(), nn.Conv2d(256, width, 1)
        self.position = nn.Parameter(torch.randn(1, positions, width))
        self.query = nn.Parameter(torch.randn(1, queries, width))
        self.encoder = nn.ModuleList(Encoder(width, heads, nn.ReLU) for _ in range(3))
        self.decoder = nn.ModuleList(Decoder(width, heads) for _ in range(3))
        self.classes, self.boxes = nn.Linear(width, 92), dense(width, width, 4)

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        memory = self.project(x).flatten(2).transpose(1, 2) + self.position
        for layer in self.encoder:
            memory = layer(memory)
        x = self.query.expand(memory.shape[0], -1, -1)
        for layer in self.decoder:
            x = layer(x, memory)
        return self.classes(x), self.boxes(x).sigmoid()


def dcgan():
    """A generator: transposed convolutions from 100 numbers to a picture of 64 × 64."""
    layers, channels = [nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False), nn.BatchNorm2d(512), nn.ReLU()], 512
    for width in (256, 128, 64):
        layers += [nn.ConvTranspose2d(channels, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, 4, 2, 1), nn.Tanh())


class Edsr(nn.Module):
    """Super-resolution: residual blocks, then two pixel shuffles."""

    def __init__(self, width=40, blocks=6):
        super().__init__()
        conv = lambda outputs=width: nn.Conv2d(width, outputs, 3, padding=1)
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Sequential(conv(), nn.ReLU(), conv()) for _ in range(blocks))
        self.up = nn.Sequential(conv(4 * width), nn.PixelShuffle(2), conv(4 * width), nn.PixelShuffle(2), conv(3))

    def forward(self, x):
        x = self.first(x)
        y = x
        for block in self.blocks:
            y = y + 0.1 * block(y)
        return self.up(x + y)


def autoencoder():
    """Convolutions with leaky activations down, and transposed ones back."""
    down, up, widths = [], [], (3, 24, 48, 96)
    for i, o in zip(widths, widths[1:]):
        down += [nn.Conv2d(i, o, 3, 2, 1), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]
        after = [nn.BatchNorm2d(i), nn.ELU()] if i > 3 else [nn.Sigmoid()]
        up = [nn.ConvTranspose2d(o, i, 3, 2, 1, output_padding=1), *after, *up]
    return nn.Sequential(*down, *up)


MODELS = {
    "retinanet": (RetinaNet, picture(1, 300, 400)),
    "deeplab": (DeepLab, picture(1, 257, 257)),
    "hrnet": (HRNet, picture(1, 256, 192)),
    "detr": (Detr, picture(1, 480, 640)),
    "dcgan": (dcgan, lambda: (torch.randn(4, 100, 1, 1),)),
    "edsr": (Edsr, picture(1, 96, 80)),
    "autoencoder": (autoencoder, picture(16, 64, 64)),
}
