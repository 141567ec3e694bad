"""ResNet-50 to 2x fewer multiply-adds by Torch-Pruning, in up to 400 steps, global, magnitude-l2."""
import json
import time

import torch
import torch_pruning as tp
from torchvision.models import resnet50

torch.manual_seed(0)
model = resnet50().eval()
inputs = torch.randn(1, 3, 224, 224)
times = {}

start = time.perf_counter()
tp.DependencyGraph().build_dependency(model, inputs)
times["graph"] = time.perf_counter() - start

start = time.perf_counter()
pruner = tp.pruner.MagnitudePruner(
    model,
    inputs,
    importance=tp.importance.MagnitudeImportance(p=2),
    iterative_steps=400,
    pruning_ratio=1.0,
    global_pruning=True,
    ignored_layers=[model.fc],
)
base, _ = tp.utils.count_ops_and_params(model, inputs)
steps = 0
while steps < 400:
    pruner.step()
    steps += 1
    now, _ = tp.utils.count_ops_and_params(model, inputs)
    if base / now >= 2:
        break
times["schedule"] = time.perf_counter() - start
times["steps"] = steps
print(json.dumps(times))
