"""ResNet-50 to 2x fewer multiply-adds by Torch-Pruning, in up to 400 steps, global, magnitude-l2: seconds by phase as JSON."""

import json
import sys
import time

import torch
import torch_pruning as tp
from torchvision.models import resnet50

repeats = int(sys.argv[1])
phases = {}


def timed(phase, f):
    start = time.perf_counter()
    result = f()
    phases.setdefault(phase, []).append(time.perf_counter() - start)
    return result


def schedule(model, inputs, importance):
    """Prunes until the multiply-adds are halved; returns the steps and the time that went into counting."""
    counting = 0.0

    def count():
        nonlocal counting
        start = time.perf_counter()
        macs, _ = tp.utils.count_ops_and_params(model, inputs)
        counting += time.perf_counter() - start
        return macs

    pruner = tp.pruner.MagnitudePruner(
        model,
        inputs,
        importance=importance,
        iterative_steps=400,
        pruning_ratio=1.0,
        global_pruning=True,
        ignored_layers=[model.fc],
    )
    base = count()
    for steps in range(1, 401):
        pruner.step()
        if base / count() >= 2:
            break
    return steps, counting


torch.manual_seed(0)
inputs = torch.randn(1, 3, 224, 224)
importance = tp.importance.MagnitudeImportance(p=2)
for _ in range(repeats):
    model = resnet50().eval()
    graph = timed("graph", lambda: tp.DependencyGraph().build_dependency(model, inputs))
    layers = [torch.nn.Conv2d, torch.nn.Linear]
    groups = timed("groups", lambda: list(graph.get_all_groups([model.fc], layers)))
    timed("scores", lambda: [importance(group) for group in groups])
    steps, counting = timed("whole", lambda: schedule(model, inputs, importance))
    phases.setdefault("counting", []).append(counting)
print(
    json.dumps(
        {
            "versions": f"torch-pruning {tp.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads",
            "steps": steps,
            "phases": phases,
        }
    )
)
