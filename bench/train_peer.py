#!/usr/bin/env python3
"""Times a full training step of ds_cnn and resnet8 in PyTorch, the peer of build/bench/train_bench.

Same networks, batch, optimizer (SGD with momentum and weight decay) and number of threads; random
data held in memory. Prints samples/s of the faster memory format. Debian: apt install python3-torch.
"""
import argparse
import time

import torch
from torch import nn


def conv_bn(inputs, outputs, kernel, stride, padding, groups=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs)]


class DsCnn(nn.Module):
    """MLPerf Tiny keyword spotting: input 49x10x1, 12 classes, 2,656,768 MACs."""
    shape, classes = (1, 49, 10), 12

    def __init__(self):
        super().__init__()
        # TensorFlow's SAME padding of a 10x4 window with stride 2 on 49x10 is (4, 5) and (1, 1).
        layers = [nn.ZeroPad2d((1, 1, 4, 5)), *conv_bn(1, 64, (10, 4), 2, 0), nn.ReLU(),
                  nn.Dropout(0.2)]
        for _ in range(4):
            layers += [*conv_bn(64, 64, 3, 1, 1, groups=64), nn.ReLU(),
                       *conv_bn(64, 64, 1, 1, 0), nn.ReLU()]
        layers += [nn.Dropout(0.4), nn.AvgPool2d((25, 5)), nn.Flatten(), nn.Linear(64, self.classes)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.residual = nn.Sequential(*conv_bn(inputs, outputs, 3, stride, 1), nn.ReLU(),
                                      *conv_bn(outputs, outputs, 3, 1, 1))
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride) if stride != 1 else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.residual(x) + self.shortcut(x))


class ResNet8(nn.Module):
    """MLPerf Tiny image classification: input 32x32x3, 10 classes, 12.50 M MACs."""
    shape, classes = (3, 32, 32), 10

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*conv_bn(3, 16, 3, 1, 1), nn.ReLU(), Block(16, 16, 1),
                                    Block(16, 32, 2), Block(32, 64, 2), nn.AvgPool2d(8),
                                    nn.Flatten(), nn.Linear(64, self.classes))

    def forward(self, x):
        return self.layers(x)


def samples_per_second(network, batch, memory_format, seconds):
    torch.manual_seed(0)
    model = network().to(memory_format=memory_format).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
    x = torch.randn(batch, *network.shape).to(memory_format=memory_format)
    y = torch.randint(network.classes, (batch,))
    loss_function = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_function(model(x), y).backward()
        optimizer.step()

    for _ in range(5):
        step()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return batch / sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each measurement")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    formats = {"default": torch.contiguous_format, "channels_last": torch.channels_last}
    for name, network in (("ds_cnn", DsCnn), ("resnet8", ResNet8)):
        rates = {key: samples_per_second(network, options.batch, value, options.seconds)
                 for key, value in formats.items()}
        best = max(rates, key=rates.get)
        print(f"{name}/{options.batch}: {rates[best]:.0f} samples/s ({best}; "
              + ", ".join(f"{key} {rate:.0f}" for key, rate in rates.items())
              + f"; PyTorch {torch.__version__}, {options.threads} threads)", flush=True)


if __name__ == "__main__":
    main()
