"""One workload of engine.ts in PyTorch eager: times in ms and peak memory in MB, as JSON on the last line of stdout.

Usage: engine-torch.py WORKLOAD LAYOUT STEPS THREADS [WIDTHS.json]
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

workload, layout, steps, threads = sys.argv[1], getattr(torch, sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(0)


class Block(nn.Module):
    """Two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1."""

    def __init__(self, inputs, channels, stride, bottleneck):
        super().__init__()
        outputs = channels * 4 if bottleneck else channels
        plan = [(1, 1), (3, stride), (1, 1)] if bottleneck else [(3, stride), (3, 1)]
        widths = [inputs] + [channels] * (len(plan) - 1) + [outputs]
        for i, (kernel, step) in enumerate(plan):
            self.add_module(f"conv{i + 1}", nn.Conv2d(widths[i], widths[i + 1], kernel, step, kernel // 2, bias=False))
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(widths[i + 1]))
        self.count = len(plan)
        self.downsample = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = x
        for i in range(self.count):
            y = getattr(self, f"bn{i + 1}")(getattr(self, f"conv{i + 1}")(y))
            if i + 1 < self.count:
                y = F.relu(y)
        return F.relu(y + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, depths, bottleneck, small, classes):
        super().__init__()
        self.small = small
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False) if small else nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for stage, depth in enumerate(depths):
            blocks = []
            for i in range(depth):
                blocks.append(Block(channels, 64 << stage, 2 if i == 0 and stage > 0 else 1, bottleneck))
                channels = (64 << stage) * (4 if bottleneck else 1)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if not self.small:
            x = F.max_pool2d(x, 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def narrow(model, widths):
    """Gives layers the widths of a pruned network: {name: [inputs, outputs]}."""
    for name, (inputs, outputs) in widths.items():
        *path, last = name.split(".")
        parent = model
        for part in path:
            parent = getattr(parent, part)
        old = getattr(parent, last)
        if isinstance(old, nn.Conv2d):
            new = nn.Conv2d(inputs, outputs, old.kernel_size, old.stride, old.padding, bias=False)
        elif isinstance(old, nn.BatchNorm2d):
            new = nn.BatchNorm2d(outputs)
        else:
            new = nn.Linear(inputs, outputs)
        setattr(parent, last, new)
    return model


class Transformer(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(channels, 1e-6), nn.LayerNorm(channels, 1e-6)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.wide, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)

    def forward(self, x):
        n, tokens, channels = x.shape
        parts = self.qkv(self.norm1(x)).reshape(n, tokens, 3, self.heads, channels // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, channels)
        x = x + self.out(y)
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


class ViT(nn.Module):
    def __init__(self, size=224, patch=16, channels=384, heads=6, depth=12, classes=1000):
        super().__init__()
        self.embed = nn.Conv2d(3, channels, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, channels) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, channels) * 0.02)
        self.blocks = nn.Sequential(*[Transformer(channels, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(channels, 1e-6), nn.Linear(channels, classes)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


class Unit(nn.Module):
    def __init__(self, kernel, inputs, outputs, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


class C2f(nn.Module):
    def __init__(self, inputs, outputs, count, shortcut):
        super().__init__()
        half = outputs // 2
        self.first, self.shortcut = Unit(1, inputs, outputs), shortcut
        self.pairs = nn.ModuleList(
            nn.Sequential(Unit(3, half, half), Unit(3, half, half)) for _ in range(count)
        )
        self.last = Unit(1, (2 + count) * half, outputs)

    def forward(self, x):
        parts = list(self.first(x).chunk(2, 1))
        for pair in self.pairs:
            y = pair(parts[-1])
            parts.append(parts[-1] + y if self.shortcut else y)
        return self.last(torch.cat(parts, 1))


class Sppf(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.last = Unit(1, channels, channels // 2), Unit(1, channels * 2, channels)

    def forward(self, x):
        pools = [self.first(x)]
        for _ in range(3):
            pools.append(F.max_pool2d(pools[-1], 5, 1, 2))
        return self.last(torch.cat(pools, 1))


class Yolo(nn.Module):
    def __init__(self, width=16, classes=80):
        super().__init__()
        w = [width * times for times in (1, 2, 4, 8, 16)]
        self.classes = classes
        self.p3 = nn.Sequential(
            Unit(3, 3, w[0], 2), Unit(3, w[0], w[1], 2), C2f(w[1], w[1], 1, True),
            Unit(3, w[1], w[2], 2), C2f(w[2], w[2], 2, True),
        )
        self.p4 = nn.Sequential(Unit(3, w[2], w[3], 2), C2f(w[3], w[3], 2, True))
        self.p5 = nn.Sequential(Unit(3, w[3], w[4], 2), C2f(w[4], w[4], 1, True), Sppf(w[4]))
        self.up4, self.up3 = C2f(w[4] + w[3], w[3], 1, False), C2f(w[3] + w[2], w[2], 1, False)
        self.down4, self.join4 = Unit(3, w[2], w[2], 2), C2f(w[2] + w[3], w[3], 1, False)
        self.down5, self.join5 = Unit(3, w[3], w[3], 2), C2f(w[3] + w[4], w[4], 1, False)
        branch = lambda i, m, o: nn.Sequential(Unit(3, i, m), Unit(3, m, m), nn.Conv2d(m, o, 1))
        self.boxes = nn.ModuleList(branch(i, 64, 64) for i in w[2:])
        self.scores = nn.ModuleList(branch(i, max(w[2], classes), classes) for i in w[2:])

    def forward(self, x):
        double = lambda y: F.interpolate(y, scale_factor=2)
        a = self.p3(x)
        b = self.p4(a)
        c = self.p5(b)
        d = self.up4(torch.cat([double(c), b], 1))
        e = self.up3(torch.cat([double(d), a], 1))
        f = self.join4(torch.cat([self.down4(e), d], 1))
        g = self.join5(torch.cat([self.down5(f), c], 1))
        outputs = [
            torch.cat([box(y), score(y)], 1).flatten(2)
            for y, box, score in zip((e, f, g), self.boxes, self.scores)
        ]
        return torch.cat(outputs, 2)


def cross_entropy(y):
    return F.cross_entropy(y, torch.arange(len(y)) % 10)


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def adamw(model):
    return torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)


def square(y):
    return (y * y).mean()


resnet50 = lambda: ResNet([3, 4, 6, 3], True, False, 1000)
training = {
    "resnet18": (lambda: ResNet([2, 2, 2, 2], False, True, 10), 64, 32, sgd, cross_entropy),
    "resnet50": (resnet50, 8, 224, sgd, cross_entropy),
    "vit-small": (ViT, 8, 224, adamw, cross_entropy),
    "yolov8n": (Yolo, 2, 640, sgd, square),
}
training["resnet18-pruned"] = training["resnet18"]
inference = {
    "resnet50-1": (resnet50, 1, 224),
    "resnet50-8": (resnet50, 8, 224),
}
inference["resnet50-pruned-1"], inference["resnet50-pruned-8"] = inference["resnet50-1"], inference["resnet50-8"]


def images(batch, size):
    return torch.randn(batch, 3, size, size).to(memory_format=layout)


def build(make):
    model = make()
    if len(sys.argv) > 5:
        with open(sys.argv[5]) as file:
            narrow(model, json.load(file))
    return model.to(memory_format=layout)


times = []
if workload in training:
    make, batch, size, optimizer, loss = training[workload]
    model = build(make)
    optimizer, x = optimizer(model), images(batch, size)
    for _ in range(steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        value = loss(model(x))
        value.backward()
        optimizer.step()
        value.item()
        times.append(1000 * (time.perf_counter() - start))
else:
    make, batch, size = inference[workload]
    model, x = build(make).eval(), images(batch, size)
    with torch.inference_mode():
        for _ in range(steps):
            start = time.perf_counter()
            model(x)
            times.append(1000 * (time.perf_counter() - start))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"version": torch.__version__.split("+")[0], "times": times, "peak": peak}))
