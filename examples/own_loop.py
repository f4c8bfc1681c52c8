"""Resume-as-fork in a training loop of your own: two lines of runfork, marked below.

    python examples/own_loop.py               # trains, writes own_loop.pt every epoch
    python examples/own_loop.py --resume      # goes on from own_loop.pt: a fork of the run that wrote it
    python examples/own_loop.py --resume --lr 0.01 --epochs 3

Then look: ``runfork ls``, ``runfork lineage``, ``runfork plot own-loop train/loss``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits

from runfork import Run


def main() -> None:
    """Train a small classifier on handwritten digits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--checkpoint", type=Path, default=Path("own_loop.pt"))
    options = parser.parse_args()

    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    inputs = torch.tensor(images / 16, dtype=torch.float32)
    targets = torch.tensor(labels)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr)

    checkpoint = torch.load(options.checkpoint) if options.resume else {}
    if checkpoint:
        model.load_state_dict(checkpoint["model"])
    step = checkpoint.get("step", 0)

    run = Run("own-loop", resume_from=checkpoint)  # line one: a new run, or a fork of the run that wrote the checkpoint
    run.log_configs(vars(options))

    for epoch in range(options.epochs):
        for batch in torch.randperm(len(inputs)).split(64):
            loss = torch.nn.functional.cross_entropy(model(inputs[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            run.log_metrics({"train/loss": loss.item(), "epoch": epoch}, step=step)
        saved = {"model": model.state_dict(), "step": step}
        saved["runfork"] = run.checkpoint_mark(step, epoch=epoch)  # line two: the mark rides inside the checkpoint
        torch.save(saved, options.checkpoint)

    accuracy = (model(inputs).argmax(1) == targets).float().mean().item()
    run.log_metrics({"train/accuracy": accuracy}, step=step)
    run.close()
    print(
        f"step {step}: accuracy {accuracy:.1%}, run {run.run_id}"
        + (f", forked from {run.parent}" if run.parent else "")
    )


if __name__ == "__main__":
    main()
