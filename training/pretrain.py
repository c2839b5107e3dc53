"""Pretrain a small encoder from raw news, or continue pretraining any masked-language model on your own texts.

    python training/pretrain.py configs/pretrain-small.toml --data news/ --minutes 90
    python training/pretrain.py configs/pretrain-small.toml --data news/ --minutes 90 --resume
    python training/pretrain.py configs/pretrain-arabert.toml --data my-posts.txt

The data are text files (also .xz), one document a line, TAB for a paragraph break, or annotated .jsonl and .src, of which
the text is read. The run's folder holds the
tokenizer, the encoded text, checkpoints and TensorBoard logs; its ``model/`` is a Hugging Face folder, in half precision.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.errors import ArabieError, ConfigError
from training.mlm_data import (MaskedBatches, data_files, encode_to_disk, excluded_lines, masked_batches, normalised,
                               raw_documents, train_tokenizer)
from training.precision import usable_precision
from training.settings import load_settings

log = logging.getLogger("pretrain")


@dataclass(frozen=True)
class EncoderSettings:
    """A new encoder (``type`` is a Hugging Face model type, ``shape`` its config's fields) or a checkpoint to go on from.

    ``attention`` is that of transformers: «eager» trains short sequences faster on a CPU, where the way back through
    torch's fused attention is slow."""

    checkpoint: str = ""
    attention: str = "sdpa"
    type: str = "modernbert"
    vocabulary: int = 16000
    shape: dict = field(default_factory=dict)


@dataclass(frozen=True)
class PretrainSettings:
    """One pretraining experiment. Lengths in pieces; ``warmup`` and ``decay`` are shares of the whole run; ``repeat`` says how
    often a pass over the data reads the documents of a file, by its name without endings (1 if it is not named)."""

    name: str
    encoder: EncoderSettings
    profile: str = "default"
    length: int = 128
    batch_size: int = 32
    mask_ratio: float = 0.2
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.02
    decay: float = 0.4
    precision: str = "bf16"
    compile: bool = False
    repeat: dict = field(default_factory=dict)
    seed: int = 1
    log_every: int = 50
    save_every: int = 500

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "fp32"):
            raise ConfigError(f"precision is 'bf16' or 'fp32', not {self.precision!r}")
        if not 0 < self.mask_ratio < 1 or self.warmup + self.decay > 1:
            raise ConfigError("mask_ratio lies between 0 and 1, and warmup + decay do not exceed 1")


def prepare(settings: PretrainSettings, sources: list[Path], exclude: list[Path], run: Path) -> PreTrainedTokenizerFast:
    """The tokenizer, trained unless it comes with a checkpoint, and the encoded text on disk; done once a run folder."""
    if (run / "train.bin").exists():
        return AutoTokenizer.from_pretrained(run / "tokenizer")
    run.mkdir(parents=True, exist_ok=True)
    left_out = excluded_lines(exclude)
    log.info("reading %d files, leaving out %d annotated articles", len(sources), len(left_out))
    text_file = run / "normalised.txt"
    with open(text_file, "w", encoding="utf-8", errors="surrogatepass") as stream:
        for source, text in tqdm(normalised(raw_documents(sources), settings.profile, left_out), desc="normalise", unit=" documents"):
            stream.write(f"{settings.repeat.get(source, 1)}\t" + text.replace("\n", "\t") + "\n")

    def repeated_texts():
        with open(text_file, encoding="utf-8") as stream:
            for line in stream:
                times, text = line.rstrip("\n").split("\t", 1)
                yield int(times), text.replace("\t", "\n")

    if settings.encoder.checkpoint:
        tokenizer = AutoTokenizer.from_pretrained(settings.encoder.checkpoint)
    else:
        log.info("training a tokenizer of %d pieces", settings.encoder.vocabulary)
        tokenizer = train_tokenizer((text for _, text in repeated_texts()), settings.encoder.vocabulary, 512)
    tokenizer.save_pretrained(run / "tokenizer")
    encode_to_disk(repeated_texts(), tokenizer, run)
    text_file.unlink()
    return tokenizer


def build_model(settings: EncoderSettings, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The masked-language model to train: a checkpoint's, or a new one of the given shape."""
    if settings.checkpoint:
        return AutoModelForMaskedLM.from_pretrained(settings.checkpoint, dtype=torch.float32, attn_implementation=settings.attention)
    ids = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id,
           "bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    config = AutoConfig.for_model(settings.type, vocab_size=len(tokenizer), **ids, **settings.shape)
    return AutoModelForMaskedLM.from_config(config, attn_implementation=settings.attention)


class MaskedLoss:
    """Cross-entropy over the masked positions; only they pass through the output layer, the dearest one of a small model."""

    def __init__(self, model: PreTrainedModel, compile: bool) -> None:
        self.model = model
        self.encoder = torch.compile(model.base_model) if compile else model.base_model
        self.guess = torch.compile(self._guess, dynamic=True) if compile else self._guess

    def __call__(self, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        guessed = labels != -100
        return self.guess(states[guessed], labels[guessed])

    def _guess(self, states: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        model = self.model
        if hasattr(model, "decoder"):
            logits = model.decoder(model.head(states))
        else:
            logits = model.get_submodule("cls" if hasattr(model, "cls") else "lm_head")(states)
        return torch.nn.functional.cross_entropy(logits.float(), labels)


def optimiser(model: torch.nn.Module, settings: PretrainSettings) -> torch.optim.Optimizer:
    """AdamW; matrices decay, vectors (norms, biases) and embeddings do not."""
    decayed, free = [], []
    for name, weight in model.named_parameters():
        (decayed if weight.ndim > 1 and "embed" not in name else free).append(weight)
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


def schedule(progress: float, settings: PretrainSettings) -> float:
    """Share of the learning rate at a share of the run: up, level, then down to 0 as 1 − √x."""
    if progress < settings.warmup:
        return progress / settings.warmup
    past = (progress - (1 - settings.decay)) / settings.decay if settings.decay else 0.0
    return 1.0 if past <= 0 else max(0.0, 1 - math.sqrt(min(1.0, past)))


@dataclass
class Budget:
    """How far a run is: by steps if ``steps`` is given, otherwise by the minutes spent training over all its parts."""

    minutes: float
    steps: int | None
    spent: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        return self.spent + time.monotonic() - self.started

    def progress(self, step: int) -> float:
        return (step / self.steps if self.steps else 1.0) if self.steps is not None else self.elapsed() / (60 * self.minutes)


@torch.no_grad()
def held_out_loss(masked_loss: MaskedLoss, batches: MaskedBatches, settings: PretrainSettings, device: torch.device) -> float:
    """Mean masked loss over up to 40 held-out batches; its exponential is the perplexity of masked pieces."""
    masked_loss.model.eval()
    count = max(1, min(40, len(batches.ids) // (batches.batch_size * batches.length)))
    losses = []
    for step in range(count):
        ids, labels = batches.batch(step)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
            losses.append(masked_loss(ids.to(device), labels.to(device)).item())
    masked_loss.model.train()
    return sum(losses) / len(losses)


def save(run: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer, step: int, spent: float) -> None:
    """A checkpoint that replaces the last only once it is whole."""
    part = run / "checkpoint.part"
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "spent": spent,
                "rng": torch.get_rng_state()}, part)
    part.rename(run / "checkpoint.pt")


def train(settings: PretrainSettings, run: Path, tokenizer: PreTrainedTokenizerFast, budget: Budget, resume: bool) -> dict[str, Any]:
    """Train until the budget is spent; returns the figures that go beside the weights."""
    torch.manual_seed(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = build_model(settings.encoder, tokenizer).to(device)
    optimizer = optimiser(model, settings)
    shape = dict(batch_size=settings.batch_size, length=settings.length, mask_ratio=settings.mask_ratio, seed=settings.seed)
    batches, held_out = (masked_batches(run / f"{part}.bin", tokenizer, **shape) for part in ("train", "held_out"))
    step = 0
    if resume:
        state = torch.load(run / "checkpoint.pt", map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"].cpu())
        step, budget.spent = state["step"], state["spent"]
        log.info("resuming at step %d, %.1f minutes in", step, budget.spent / 60)
    masked_loss = MaskedLoss(model, settings.compile)
    board = SummaryWriter(run / "tensorboard")
    model.train()
    running, since, base_step = [], time.monotonic(), step
    while (progress := budget.progress(step)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * schedule(progress, settings)
        ids, labels = batches.batch(step)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
            loss = masked_loss(ids.to(device), labels.to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        running.append(loss.detach())
        step += 1
        if step % settings.log_every == 0:
            mean = torch.stack(running).mean().item()
            speed = (step - base_step) * settings.batch_size * settings.length / (time.monotonic() - since)
            log.info("step %d, %.1f %%, loss %.3f, lr %.2e, %.0f pieces/s", step, 100 * progress, mean, optimizer.param_groups[0]["lr"], speed)
            board.add_scalar("loss/train", mean, step)
            running = []
        if step % settings.save_every == 0:
            save(run, model, optimizer, step, budget.elapsed())
            loss_held_out = held_out_loss(masked_loss, held_out, settings, device)
            board.add_scalar("loss/held_out", loss_held_out, step)
            log.info("step %d, held-out perplexity %.1f (loss %.3f)", step, math.exp(loss_held_out), loss_held_out)
    save(run, model, optimizer, step, budget.elapsed())
    final = held_out_loss(masked_loss, held_out, settings, device)
    model.to(torch.float16).save_pretrained(run / "model")
    tokenizer.save_pretrained(run / "model")
    return {"settings": asdict(settings), "steps": step, "minutes": round(budget.elapsed() / 60, 1),
            "pieces_seen": step * settings.batch_size * settings.length, "pieces_in_data": len(batches.ids),
            "held_out_loss": round(final, 4), "held_out_perplexity": round(math.exp(final), 2), "device": device.type} | _before(settings.encoder)


def _before(settings: EncoderSettings) -> dict[str, Any]:
    """What the checkpoint that was gone on from says of how it was made."""
    told = Path(settings.checkpoint) / "pretraining.json"
    return {"went_on_from": json.loads(told.read_text(encoding="utf-8"))} if settings.checkpoint and told.exists() else {}


def main(config: Annotated[Path, typer.Argument(help="An experiment file, such as configs/pretrain-small.toml.")],
         data: Annotated[list[Path], typer.Option(help="Text files or annotated ones, or folders of *.txt and *.txt.xz, such as ../shared/pretrain.")],
         exclude: Annotated[list[Path], typer.Option(help="Annotated JSONL files, or folders of them, whose articles are left out (by meta source and line).")] = [],
         out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME if not given.")] = None,
         minutes: Annotated[float, typer.Option(help="Time to train, over all resumed parts.")] = 90.0,
         steps: Annotated[int | None, typer.Option(help="Steps to train, instead of minutes.")] = None,
         resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False) -> None:
    """Pretrain an encoder as a masked-language model."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = load_settings(config, PretrainSettings)
    settings = replace(settings, precision=usable_precision(settings.precision))
    run = out or Path("runs") / settings.name
    if resume and not (run / "checkpoint.pt").exists():
        raise ConfigError(f"{run}: no checkpoint to resume from; start without --resume")
    exclude = data_files(exclude, ("*.jsonl",)) if exclude else []
    tokenizer = prepare(settings, data_files(data, ("*.txt", "*.txt.xz")), exclude, run)
    report = train(settings, run, tokenizer, Budget(minutes, steps), resume)
    (run / "model" / "pretraining.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    log.info("done: %d steps, held-out perplexity %.1f, in %s", report["steps"], report["held_out_perplexity"], run / "model")


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"pretrain: {error}") from None
