"""Median time of a training step of ResNet-18 for CIFAR in PyTorch eager, both layouts, as JSON on stdout."""

import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

steps, threads, batch = (int(a) for a in sys.argv[1:4])
torch.set_num_threads(threads)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.down = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.down(x))


def network():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    channels = 64
    for stage in range(4):
        for i in range(2):
            layers.append(Block(channels, 64 * 2**stage, 2 if i == 0 and stage > 0 else 1))
            channels = 64 * 2**stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def measure(layout):
    torch.manual_seed(0)
    model = network().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x = torch.randn(batch, 3, 32, 32).to(memory_format=layout)
    labels = torch.arange(batch) % 10
    times = []
    for i in range(steps + 2):
        start = time.perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()
        if i >= 2:
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


print(
    json.dumps(
        {
            "version": torch.__version__,
            "default": measure(torch.contiguous_format),
            "channels_last": measure(torch.channels_last),
        }
    )
)
