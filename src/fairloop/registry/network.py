"""A PyTorch network on disk without pickle: its graph of named layers as JSON, its weights as safetensors.

Loading builds layers from a list of known classes and runs the graph step by step. Nothing in the files is code: a name
that is not on the lists below is refused, and every layer must fit the weights beside it.
"""

from __future__ import annotations

import inspect
import operator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from fairloop.core import codec
from fairloop.errors import InvalidInput, Refused

GRAPH, WEIGHTS = "network.json", "network.safetensors"
SCHEMA_VERSION = 1
MOST_NODES = 20_000
LAYERS: dict[str, type[torch.nn.Module]] = {kind.__name__: kind for kind in (
    torch.nn.Linear, torch.nn.Bilinear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.ConvTranspose2d,
    torch.nn.Embedding, torch.nn.EmbeddingBag, torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.LayerNorm,
    torch.nn.GroupNorm, torch.nn.InstanceNorm2d, torch.nn.ReLU, torch.nn.ReLU6, torch.nn.LeakyReLU, torch.nn.ELU,
    torch.nn.GELU, torch.nn.SiLU, torch.nn.Softplus, torch.nn.Tanh, torch.nn.Sigmoid, torch.nn.Softmax,
    torch.nn.LogSoftmax, torch.nn.Hardtanh, torch.nn.PReLU, torch.nn.Identity, torch.nn.Dropout, torch.nn.Dropout2d,
    torch.nn.Flatten, torch.nn.Unflatten, torch.nn.MaxPool1d, torch.nn.MaxPool2d, torch.nn.AvgPool1d,
    torch.nn.AvgPool2d, torch.nn.AdaptiveAvgPool1d, torch.nn.AdaptiveAvgPool2d, torch.nn.AdaptiveMaxPool1d,
    torch.nn.AdaptiveMaxPool2d, torch.nn.Upsample, torch.nn.ZeroPad2d, torch.nn.PixelShuffle,
)}  # fmt: skip
_F = torch.nn.functional
FUNCTIONS: dict[str, Any] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv, "neg": operator.neg,
    "matmul": operator.matmul, "getitem": operator.getitem, "torch.add": torch.add, "torch.sub": torch.sub,
    "torch.mul": torch.mul, "torch.div": torch.div, "torch.matmul": torch.matmul, "torch.cat": torch.cat,
    "torch.stack": torch.stack, "torch.flatten": torch.flatten, "torch.relu": torch.relu, "torch.tanh": torch.tanh,
    "torch.sigmoid": torch.sigmoid, "torch.softmax": torch.softmax, "torch.mean": torch.mean, "torch.sum": torch.sum,
    "torch.amax": torch.amax, "torch.exp": torch.exp, "torch.log": torch.log, "torch.abs": torch.abs,
    "torch.clamp": torch.clamp, "torch.squeeze": torch.squeeze, "torch.unsqueeze": torch.unsqueeze,
    "F.relu": _F.relu, "F.gelu": _F.gelu, "F.silu": _F.silu, "F.elu": _F.elu, "F.leaky_relu": _F.leaky_relu,
    "F.softmax": _F.softmax, "F.log_softmax": _F.log_softmax, "F.normalize": _F.normalize, "F.avg_pool2d": _F.avg_pool2d,
    "F.max_pool2d": _F.max_pool2d, "F.max_pool1d": _F.max_pool1d, "F.adaptive_avg_pool2d": _F.adaptive_avg_pool2d,
    "F.softplus": _F.softplus, "F.pad": _F.pad,
}  # fmt: skip
METHODS = {
    "flatten", "view", "reshape", "mean", "sum", "amax", "squeeze", "unsqueeze", "transpose", "permute", "size", "float",
    "relu", "sigmoid", "tanh", "softmax", "contiguous", "abs", "exp", "clamp", "ne", "eq", "gt", "lt",
}  # fmt: skip
_NAMES = {id(function): name for name, function in FUNCTIONS.items()}
_NOT_ARGUMENTS = {"self", "device", "dtype", "_weight", "_freeze"}


class Network(torch.nn.Module):
    """A network read from its graph; layers keep the names they had, so hooks find them."""

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__()
        self.spec = spec
        for name, told in spec["layers"].items():
            _place(self, name, _layer(told))

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The answer of the graph's last node."""
        known: dict[str, Any] = {}
        given = list(inputs)
        for node in self.spec["nodes"]:
            op, target = node["op"], node["target"]
            if op == "input":
                known[node["name"]] = given.pop(0)
                continue
            args = [_value(a, known) for a in node["args"]]
            kwargs = {k: _value(v, known) for k, v in node["kwargs"].items()}
            if op == "output":
                return args[0]
            if op == "layer":
                known[node["name"]] = self.get_submodule(target)(*args, **kwargs)
            elif op == "weight":
                known[node["name"]] = _attribute(self, target)
            elif op == "function":
                known[node["name"]] = FUNCTIONS[target](*args, **kwargs)
            else:
                known[node["name"]] = getattr(args[0], target)(*args[1:], **kwargs)
        raise InvalidInput("The network's graph has no output; save the model again.")


def save_network(module: torch.nn.Module, folder: Path) -> None:
    """Write the graph and the weights to ``folder``.

    Raises
    ------
    InvalidInput
        The network cannot be told as a graph of known layers; the message names what stands in the way.
    """
    spec = module.spec if isinstance(module, Network) else spec_of(module)
    weights = {name: value.detach().contiguous().clone() for name, value in module.state_dict().items()}
    (folder / GRAPH).write_text(codec.dumps(spec) + "\n", "utf-8")
    save_file(weights, folder / WEIGHTS)


def load_network(folder: Path) -> Network:
    """The network in ``folder``, in evaluation mode. Refused when a name in its graph is not a known one."""
    spec = codec.loads((folder / GRAPH).read_bytes())
    _check(spec)
    try:
        weights = load_file(folder / WEIGHTS)
        with torch.device("meta"):  # sizes a file claims cost nothing until the weights are there
            network = Network(spec)
        _own_weights(network, weights)
        network.load_state_dict(weights, strict=True, assign=True)
    except (SafetensorError, RuntimeError, TypeError, ValueError, OSError) as cause:
        reason = (str(cause).splitlines() or ["unknown"])[0]
        raise InvalidInput(f"The network's graph and weights do not fit together: {reason[:200]}.") from cause
    return network.eval()


# ------------------------------------------------------------------ from a module to its graph
def spec_of(module: torch.nn.Module) -> dict[str, Any]:
    """The graph of ``module`` as plain JSON."""
    try:
        graph = torch.fx.Tracer().trace(module)
    except (torch.fx.proxy.TraceError, TypeError, AttributeError, RuntimeError, ValueError) as cause:
        raise InvalidInput(
            f"The forward of {type(module).__name__} decides by its values ({cause}), so it cannot be stored without "
            "pickle; build it from layers and tensor operations without if and for over values."
        ) from cause
    nodes, layers = [], {}
    for node in graph.nodes:
        told = _node(node)
        nodes.append(told)
        if told["op"] == "layer":
            layers[told["target"]] = _layer_spec(told["target"], module.get_submodule(told["target"]))
    return {"schema_version": SCHEMA_VERSION, "layers": layers, "nodes": nodes}


def _node(node: torch.fx.Node) -> dict[str, Any]:
    kinds = {"placeholder": "input", "call_module": "layer", "get_attr": "weight", "call_function": "function",
             "call_method": "method", "output": "output"}  # fmt: skip
    op, target = kinds[node.op], node.target
    if op == "function":
        name = _NAMES.get(id(target), "")
        if not name:
            shown = getattr(target, "__name__", str(target))
            raise InvalidInput(f"The network calls {shown}, which is not on the list of operations that are stored.")
    else:
        name = str(target)
    if op == "method" and name not in METHODS:
        raise InvalidInput(f"The network calls .{name}(), which is not on the list of operations that are stored.")
    return {"name": node.name, "op": op, "target": name, "args": [_told(a) for a in node.args],
            "kwargs": {k: _told(v) for k, v in node.kwargs.items()}}  # fmt: skip


def _told(value: Any) -> Any:
    if isinstance(value, torch.fx.Node):
        return {"node": value.name}
    if isinstance(value, (tuple, list)):
        return {"tuple" if isinstance(value, tuple) else "list": [_told(v) for v in value]}
    if isinstance(value, slice):
        return {"slice": [_told(value.start), _told(value.stop), _told(value.step)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidInput(f"The network passes a {type(value).__name__} to an operation, which cannot be stored.")


def _layer_spec(name: str, part: torch.nn.Module) -> dict[str, Any]:
    kind = type(part).__name__
    if LAYERS.get(kind) is not type(part):
        known = ", ".join(sorted(LAYERS))
        raise InvalidInput(f"The layer {name!r} is a {kind}, which is not stored without pickle; known are: {known}.")
    arguments: dict[str, Any] = {}
    for argument in inspect.signature(type(part).__init__).parameters:
        if argument in _NOT_ARGUMENTS:
            continue
        value = getattr(part, argument)
        arguments[argument] = _told(value is not None if argument == "bias" else value)
    return {"kind": kind, "arguments": arguments}


# ------------------------------------------------------------------ and back
def _check(spec: Any) -> None:
    if not isinstance(spec, dict) or spec.get("schema_version") != SCHEMA_VERSION:
        raise InvalidInput(f"{GRAPH} has a schema version this Fairloop does not read; update Fairloop.")
    nodes, layers = spec.get("nodes"), spec.get("layers")
    if not isinstance(nodes, list) or not isinstance(layers, dict) or len(nodes) > MOST_NODES:
        raise InvalidInput(f"{GRAPH} holds no graph of at most {MOST_NODES} nodes; save the model again.")
    for told in layers.values():
        if not isinstance(told, dict) or told.get("kind") not in LAYERS:
            raise Refused(f"The network holds a layer that is not a known one ({str(told)[:60]}); it is not loaded.")
    known = {"layer": layers, "function": FUNCTIONS, "method": METHODS}
    for node in nodes:
        op = node.get("op") if isinstance(node, dict) else None
        if op not in {"input", "output", "weight", *known}:
            raise Refused(f"The network's graph holds {str(node)[:60]}, which is not a known step; it is not loaded.")
        if op in known and node.get("target") not in known[op]:
            raise Refused(
                f"The network calls {str(node.get('target'))[:60]!r}, which is not on the list; it is not loaded."
            )


def _layer(told: dict[str, Any]) -> torch.nn.Module:
    return LAYERS[told["kind"]](**{name: _value(value, {}) for name, value in told["arguments"].items()})


def _value(told: Any, known: dict[str, Any]) -> Any:
    if not isinstance(told, dict):
        return told
    kind, value = next(iter(told.items()))
    if kind == "node":
        return known[value]
    if kind == "slice":
        return slice(*[_value(v, known) for v in value])
    if kind == "ellipsis":
        return Ellipsis
    found = [_value(v, known) for v in value]
    return tuple(found) if kind == "tuple" else found


def _place(root: torch.nn.Module, name: str, part: torch.nn.Module) -> None:
    *path, last = name.split(".")
    for step in path:
        if step not in root._modules:
            root.add_module(step, torch.nn.Module())
        root = root.get_submodule(step)
    root.add_module(last, part)


def _own_weights(network: Network, weights: dict[str, torch.Tensor]) -> None:
    """Weights that the graph reads by themselves, outside any layer."""
    for target in {node["target"] for node in network.spec["nodes"] if node["op"] == "weight"}:
        *path, last = target.split(".")
        holder: torch.nn.Module = network
        for step in path:
            if step not in holder._modules:
                holder.add_module(step, torch.nn.Module())
            holder = holder.get_submodule(step)
        if last not in holder._parameters:
            holder.register_parameter(last, torch.nn.Parameter(weights[target], requires_grad=False))


def _attribute(root: torch.nn.Module, name: str) -> Any:
    *path, last = name.split(".")
    return root.get_submodule(".".join(path))._parameters[last]
