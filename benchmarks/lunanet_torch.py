"""LunaNet in PyTorch: answers each line "train" or "infer" with the seconds that one step or one batch took.

Usage: lunanet_torch.py DEPTHxHEIGHTxWIDTH BATCH THREADS; the first line it writes is the version and the number of parameters.

The same layers as io.fedlearn.luna16.network.LunaNet: four blocks of two 3x3x3 convolutions with ReLU and a halving maximum
pool, 8, 16, 32 and 64 channels, and one dense output; SGD with momentum.
"""

import sys
import time

import torch
from torch import nn


def network(depth, height, width):
    layers = []
    channels = 1
    for wider in (8, 16, 32, 64):
        layers += [
            nn.Conv3d(channels, wider, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv3d(wider, wider, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool3d(2, ceil_mode=True),
        ]
        channels = wider
    features = channels * -(-depth // 16) * -(-height // 16) * -(-width // 16)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 1))


def main():
    depth, height, width = (int(part) for part in sys.argv[1].split("x"))
    batch, threads = (int(argument) for argument in sys.argv[2:4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = network(depth, height, width)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss_of = nn.BCEWithLogitsLoss()
    inputs = torch.rand(batch, 1, depth, height, width)
    targets = (torch.rand(batch, 1) < 0.5).float()

    def train():
        optimizer.zero_grad()
        loss_of(model(inputs), targets).backward()
        optimizer.step()

    def infer():
        with torch.no_grad():
            model(inputs)

    work = {"train": train, "infer": infer}
    print(torch.__version__, parameters, flush=True)
    for line in sys.stdin:
        kind = line.strip()
        model.train(kind == "train")
        start = time.perf_counter()
        work[kind]()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
