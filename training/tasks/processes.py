"""Several processes that train together: within a step, statistics and losses are those of the whole batch.

Each process has its share of a batch's sets. DistributedDataParallel averages the gradients of the processes' losses, which gives
the gradient of the whole batch only where a loss is a mean over sets. What is not (normalisation by the batch, a distribution of
the batch's angles, ratios of means) is summed over the processes here; the sums are differentiable. Outside a step, and with one
process, nothing is summed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

_active = False


@contextmanager
def synchronised(active: bool = True) -> Iterator[None]:
    """Sum over the processes within the block, a training step that all of them take."""
    global _active
    before, _active = _active, active
    try:
        yield
    finally:
        _active = before


def total(x: Tensor) -> Tensor:
    """Return the sum of a tensor over the processes."""
    return all_reduce(x.contiguous()) if _active else x  # type: ignore[no-untyped-call]


def mean(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Return the mean over axes, the first of which counts sets or what belongs to them, of all processes."""
    if not _active:
        return x.mean(tuple(axes))
    count = torch.tensor(float(torch.Size(x.shape[a] for a in axes).numel()), device=x.device)
    return total(x.sum(tuple(axes))) / total(count)


def gathered(x: Tensor) -> Tensor:
    """Return the values (B, ...) of a whole batch, in its order, from this process's share (b, ...), see Batches.make."""
    if not _active:
        return x
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    sets = int(total(torch.tensor(len(x), device=x.device)))
    out = x.new_zeros(sets, *x.shape[1:])
    return total(out.index_copy(0, torch.arange(rank, sets, world, device=x.device), x))


class _BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation with the mean and variance of all processes' values, on any device."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (b, C, ...); in training also update the running statistics."""
        if not (_active and self.training):
            return super().forward(x)
        assert self.momentum is not None and self.running_mean is not None and self.running_var is not None
        axes = [0, *range(2, x.dim())]
        shape = [1, -1, *[1] * (x.dim() - 2)]
        values = x.float()
        count = total(torch.tensor(float(x.numel() // x.shape[1]), device=x.device))
        centre = total(values.sum(axes)) / count
        apart = values - centre.view(shape)
        variance = total(apart.square().sum(axes)) / count
        with torch.no_grad():
            self.running_mean.lerp_(centre.detach(), self.momentum)
            self.running_var.lerp_(variance.detach() * count / (count - 1), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = self.weight / (variance + self.eps).sqrt()
        return (apart * scale.view(shape) + self.bias.view(shape)).to(x.dtype)

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of dimensions."""


def synchronise_normalisation(task: nn.Module) -> None:
    """Let the batch normalisations of a task use all processes' values within `synchronised`; parameters keep their names."""
    for module in task.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.__class__ = _BatchNorm  # type: ignore[assignment]  # the same attributes


def joined(window: list[dict[str, float]], share: float, world: int, device: torch.device) -> list[dict[str, float]]:
    """Return the losses of whole batches, one dictionary a step, from those of this process's shares of them."""
    if world == 1:
        return window
    with synchronised():
        sums = total(torch.tensor([list(losses.values()) for losses in window], device=device) * share)
    return [dict(zip(losses, map(float, row), strict=True)) for losses, row in zip(window, sums, strict=True)]


def any_process(here: bool, world: int, device: torch.device) -> bool:
    """Whether a condition holds in any process, so that all stop together."""
    with synchronised(world > 1):
        return bool(total(torch.tensor(float(here), device=device)))
