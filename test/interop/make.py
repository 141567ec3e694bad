"""Writes the models of the interop test with the real packages: random weights, calibrated batch norms.

Usage: make.py FOLDER [NAME...]. Each model becomes NAME.onnx and, where PyTorch's weights are loaded into the zoo,
NAME.safetensors; index.json says for each file who wrote it, how, and how many parameters the PyTorch model has.
"""

import json
import pathlib
import sys
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.set_num_threads(2)


def torchvision(name, **options):
    import torchvision

    if name == "googlenet":
        options |= {"aux_logits": False, "init_weights": False}
    return getattr(torchvision.models, name)(weights=None, **options), (3, 224, 224)


def timm(name, fused=True, **options):
    import timm
    import timm.layers

    timm.layers.set_fused_attn(fused)
    return timm.create_model(name, pretrained=False, **options), (3, 224, 224)


class ChannelShuffle(nn.Module):
    """As people write it; PyTorch's own has no export."""

    def forward(self, x):
        n, c, h, w = x.shape
        return x.view(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w)


def shuffle():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.PixelShuffle(2), nn.Conv2d(4, 8, 3, padding=1), nn.PixelUnshuffle(2),
        nn.Conv2d(32, 8, 1), nn.ReLU(), ChannelShuffle(), nn.Conv2d(8, 8, 3, groups=4), nn.Flatten(), nn.Linear(8 * 6 * 6, 5),
    ), (3, 8, 8)


def randomize(model, shape):
    """Norms that are not trivial: random scales and offsets, statistics of a few batches."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)) and m.weight is not None:
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.2, 0.2)
    # Biases of 0 are left out by some exporters.
    for p in model.parameters():
        if p.dim() == 1 and not p.any():
            nn.init.uniform_(p, -0.1, 0.1)
    for norm in norms:
        norm.momentum = 0.5
    if norms:
        model.train()
        side = min(shape[1], 96)
        with torch.no_grad():
            for _ in range(3):
                model(torch.randn(4, shape[0], side, side))
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()


# Name of the file, maker, opset, exporter, batch norms folded, batch free, weights saved, model of the zoo.
TORCHSCRIPT, DYNAMO = "torchscript", "dynamo"
PLAN = {
    "resnet18-11": (lambda: torchvision("resnet18"), 11, TORCHSCRIPT, True, True, "resnet18"),
    "resnet18-13": (lambda: torchvision("resnet18"), 13, TORCHSCRIPT, False, True, "resnet18"),
    "resnet18-dynamo": (lambda: torchvision("resnet18"), 18, DYNAMO, False, True, "resnet18"),
    "resnet34-17": (lambda: torchvision("resnet34"), 17, TORCHSCRIPT, False, False, "resnet34"),
    "resnet50-17": (lambda: torchvision("resnet50"), 17, TORCHSCRIPT, False, True, "resnet50"),
    "resnet50-dynamo": (lambda: torchvision("resnet50"), 21, DYNAMO, False, True, "resnet50"),
    "vgg19-bn-13": (lambda: torchvision("vgg19_bn"), 13, TORCHSCRIPT, False, True, "vgg19"),
    "mobilenet-v2-12": (lambda: torchvision("mobilenet_v2"), 12, TORCHSCRIPT, False, True, "mobilenetv2"),
    "mobilenet-v2-dynamo": (lambda: torchvision("mobilenet_v2"), 20, DYNAMO, False, True, "mobilenetv2"),
    "densenet121-14": (lambda: torchvision("densenet121"), 14, TORCHSCRIPT, False, True, "densenet121"),
    "googlenet-16": (lambda: torchvision("googlenet"), 16, TORCHSCRIPT, False, True, "googlenet"),
    "resnext50-15": (lambda: torchvision("resnext50_32x4d"), 15, TORCHSCRIPT, False, True, "resnext50"),
    "vit-small-17": (lambda: timm("vit_small_patch16_224"), 17, TORCHSCRIPT, False, True, "vit-small"),
    "vit-small-unfused-14": (lambda: timm("vit_small_patch16_224", fused=False), 14, TORCHSCRIPT, False, True, "vit-small"),
    "vit-small-dynamo": (lambda: timm("vit_small_patch16_224"), 18, DYNAMO, False, True, "vit-small"),
    "deit-tiny-20": (lambda: timm("deit_tiny_patch16_224"), 20, TORCHSCRIPT, False, True, "vit-tiny"),
    "deit-tiny-11": (lambda: timm("deit_tiny_patch16_224", fused=False), 11, TORCHSCRIPT, False, False, "vit-tiny"),
    "yolov8n": ("yolov8n", 17, None, True, False, "yolov8n"),
    "yolov8n-dynamic": ("yolov8n", 12, None, True, True, "yolov8n"),
    "yolov8m": ("yolov8m", 19, None, True, False, "yolov8m"),
    "shufflenet-v2-13": (lambda: torchvision("shufflenet_v2_x0_5"), 13, TORCHSCRIPT, False, True, None),
    "shuffles-17": (shuffle, 17, TORCHSCRIPT, False, True, None),
    "swin-t-17": (lambda: torchvision("swin_t"), 17, TORCHSCRIPT, False, True, None),
}


def export(folder, name):
    make, opset, exporter, folded, free, zoo = PLAN[name]
    torch.manual_seed(sum(name.encode()))
    entry = {"name": name, "opset": opset, "exporter": exporter or "ultralytics", "free": free, "zoo": zoo}
    path = folder / f"{name}.onnx"
    if exporter is None:
        from ultralytics import YOLO

        yolo = YOLO(f"{make}.yaml")
        randomize(yolo.model, (3, 640, 640))
        count = sum(p.numel() for p in yolo.model.parameters())
        side = 640
        save(folder, name, yolo.model)
        norms = norms_of(yolo.model)
        made = yolo.export(format="onnx", opset=opset, dynamic=free, simplify=False, imgsz=side, verbose=False)
        pathlib.Path(made).rename(path)
        return entry | {"parameters": count, "norms": norms, "shape": [3, side, side]}
    model, shape = make()
    model = randomize(model, shape)
    save(folder, name, model)
    x = torch.randn(2, *shape)
    if exporter == DYNAMO:
        batch = {"dynamic_shapes": ({0: torch.export.Dim.DYNAMIC},)} if free else {}
        torch.onnx.export(model, (x,), path, opset_version=opset, dynamo=True, external_data=False, verbose=False,
                          input_names=["image"], output_names=["logits"], **batch)
    else:
        axes = {"dynamic_axes": {"image": {0: "batch"}, "logits": {0: "batch"}}} if free else {}
        keep = {} if folded else {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        if "vit" in name or "deit" in name or "swin" in name:
            keep = {}
        torch.onnx.export(model, (x,), path, opset_version=opset, dynamo=False,
                          input_names=["image"], output_names=["logits"], **axes, **keep)
    if name.startswith("swin"):
        entry["refused"] = "mixes the batch with places"
    return entry | {"parameters": sum(p.numel() for p in model.parameters()), "norms": norms_of(model), "shape": list(shape)}


def norms_of(model):
    """Parameters that are gone once norms are folded: scale and offset become the bias that such convolutions lack."""
    return sum(m.num_features for m in model.modules() if isinstance(m, nn.BatchNorm2d))


def save(folder, name, model):
    from safetensors.torch import save_file

    if PLAN[name][5]:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / f"{name}.safetensors")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.json"
    known = json.loads(index.read_text()) if index.exists() else {}
    for name in sys.argv[2:] or PLAN:
        if name in known and (folder / f"{name}.onnx").exists():
            continue
        try:
            known[name] = export(folder, name)
            print(f"{name}: {(folder / f'{name}.onnx').stat().st_size / 1e6:.1f} MB", flush=True)
        except Exception as error:  # a file that its exporter cannot write is reported, not hidden
            known[name] = {"name": name, "failed": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}
            print(f"{name}: {known[name]['failed']}", flush=True)
        index.write_text(json.dumps(known, indent=1))


main()
