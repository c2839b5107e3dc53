"""Train the joint model on annotated documents.

    python training/train.py configs/default.toml
    python training/train.py configs/default.toml --train my.jsonl --dev my-dev.jsonl
    python training/train.py configs/default.toml --resume
    accelerate launch training/train.py configs/arabert.toml

The run's folder, runs/NAME, holds checkpoints, TensorBoard logs and ``model/``: the model of the best epoch on dev.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import datasets
import torch
import typer
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.trainer_utils import get_last_checkpoint

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.document import Document
from arabie.encoding import Encoder
from arabie.errors import ArabieError, ConfigError, nearest
from arabie.evaluation import evaluate
from arabie.extractor import Extractor
from arabie.formats import read
from arabie.formats.losses import Losses
from arabie.model import ArabieConfig, ArabieModel
from arabie.schema import Schema
from arabie.streaming.inputs import ANNOTATED
from training.augmentation import AugmentationSettings, AugmentedWindows, Augmenter
from training.calibrate import calibrated, write_facts
from training.examples import Collator, examples
from training.models import (ModelSettings, build_model, compile_encoder, encoder_path, kept_sizes, load_tokenizer,
                             refuse_presegmented)
from training.precision import usable_precision
from training.settings import load_settings

log = logging.getLogger("train")
MEASURED = 64  # windows from which the size of states is measured


@dataclass(frozen=True)
class DataSettings:
    """Annotated files, .jsonl or .src. ``without``: sources, by the name of their file (``meta.source_file`` of a compiled
    document) without its ending, whose documents are not trained on."""

    train: tuple = ()
    dev: tuple = ()
    without: tuple = ()


@dataclass(frozen=True)
class RunSettings:
    """How it is trained. ``precision``: fp32, bf16 or fp16, see usable_precision; ``mask_units``: the share of words hidden in each example; ``patience``: epochs without a better
    dev score before stopping (0: train all epochs); ``keep``: the epoch that was «best» on dev, measured before the model's
    thresholds are fitted, or the «last»; ``compile``: have torch compile the encoder, which takes a minute or
    two at first and makes each step shorter on a CPU."""

    epochs: int = 20
    batch_size: int = 16
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    precision: str = "fp32"
    mask_units: float = 0.0
    patience: int = 0
    keep: str = "best"
    compile: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if self.precision not in ("fp32", "bf16", "fp16"):
            raise ConfigError(f"precision is 'fp32', 'bf16' or 'fp16', not {self.precision!r}")
        if self.keep not in ("best", "last"):
            raise ConfigError(f"keep is 'best' or 'last', not {self.keep!r}")
        if self.patience and self.keep == "last":
            raise ConfigError("patience stops some epochs after the best one, which keep = 'last' would not keep; take one of the two away")


@dataclass(frozen=True)
class TrainSettings:
    """One experiment."""

    name: str
    model: ModelSettings
    data: DataSettings = field(default_factory=DataSettings)
    training: RunSettings = field(default_factory=RunSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)


def read_documents(paths: list[Path], schema: Schema) -> list[Document]:
    """The Documents of .jsonl and .src files."""
    found = []
    for path in paths:
        if path.suffix not in ANNOTATED:
            raise ConfigError(f"{path}: training reads .jsonl and .src; convert other formats with 'arabie convert'")
        found += read(path, ANNOTATED[path.suffix], schema=schema)
    return found


def _without(left_out: Sequence[str], documents: list[Document]) -> list[Document]:
    """The documents that come from none of the sources ``left_out``. Raises ConfigError for a source that none comes from."""
    sources = [Path(str(document.meta.get("source_file", ""))).stem for document in documents]
    for name in left_out:
        if name not in sources:
            raise ConfigError(f"[data] without: no document to train on comes from {name!r}; take it off the list, or correct it "
                              f"({nearest(name, sorted({*sources} - {''})) if any(sources) else 'no document names its source'})")
    return [document for document, source in zip(documents, sources) if source not in left_out]


def build_dataset(documents: list[Document], encoder: Encoder, config: ArabieConfig, left_out: Losses, cache: Path) -> datasets.Dataset:
    """The examples of the documents as an Arrow dataset, cached by the content of documents, tokenizer and settings."""
    schema = config.read_schema()
    datasets.disable_progress_bars()
    source = datasets.Dataset.from_list([{"document": document.to_json()} for document in documents])
    names = "length", "ids", "first", "last", "tags", "statuses", "spans", "relations", *(["letters"] if config.letters else [])
    settings = json.dumps([config.schema, config.profile, config.window, config.overlap, config.letters, encoder.tokenizer.backend_tokenizer.to_str()])

    def convert(batch: dict[str, list[str]]) -> dict[str, list]:
        omitted = Losses(keep=1)
        parsed = [Document.from_dict(json.loads(line), schema) for line in batch["document"]]
        rows = list(examples(parsed, encoder, schema, config.windows(), omitted))
        columns = {name: [row[name] for row in rows] for name in names}
        told = json.dumps([[cause, count, omitted.examples[cause]] for cause, count in omitted.counts.items()])
        return columns | {"omitted": [told if n == 0 else "" for n in range(len(rows))]}

    fingerprint = datasets.fingerprint.Hasher.hash([settings, source["document"][:]])
    cache.mkdir(parents=True, exist_ok=True)
    built = source.map(convert, batched=True, batch_size=64, remove_columns=["document"],
                       new_fingerprint=fingerprint, cache_file_name=str(cache / f"{fingerprint}.arrow"), desc="encode")
    for told in filter(None, built["omitted"][:]):
        for cause, count, example in json.loads(told):
            left_out.add(cause, *example, count=count)
    return built.remove_columns("omitted")


def standardise(model: ArabieModel, dataset: datasets.Dataset, collator: Collator) -> None:
    """Measure the states of the untrained model's units on windows from all over the data; see ArabieModel.standardise."""
    chosen = [dataset[number] for number in range(0, len(dataset), -(-len(dataset) // MEASURED))]
    model.standardise(collator(chosen[start:start + 8]) for start in range(0, len(chosen), 8))


def augmented_windows(settings: TrainSettings, documents: list[Document], encoder: Encoder,
                      config: ArabieConfig) -> AugmentedWindows:
    """The examples of the documents, made anew for every epoch."""
    schema = config.read_schema()

    def encode(document: Document, left_out: Losses) -> list[dict[str, Any]]:
        return list(examples([document], encoder, schema, config.windows(), left_out))

    return AugmentedWindows(documents, Augmenter(settings.augmentation, documents), encode, settings.training.seed)


class JointTrainer(Trainer):
    """The Trainer with its own learning rate for the heads, and evaluation of whole documents through the Extractor."""

    def __init__(self, *args: Any, dev: list[Document], tokenizer: Any, head_learning_rate: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dev, self.tokenizer, self.head_learning_rate = dev, tokenizer, head_learning_rate

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Windows of like length together; the lengths of augmented ones change from epoch to epoch."""
        if not isinstance(self.train_dataset, AugmentedWindows):
            return super()._get_train_sampler(train_dataset)
        size = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return LengthGroupedSampler(size, lengths=self.train_dataset.lengths)

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        if self.optimizer is None:
            groups: dict[tuple[bool, bool], list] = {}
            for name, weight in self.model.named_parameters():
                pretrained = name.startswith(("encoder.", "letters.parts."))
                groups.setdefault((pretrained, weight.ndim > 1), []).append(weight)
            self.optimizer = torch.optim.AdamW([
                {"params": weights, "lr": self.args.learning_rate if pretrained else self.head_learning_rate,
                 "weight_decay": self.args.weight_decay if decays else 0.0}
                for (pretrained, decays), weights in groups.items()], betas=(0.9, 0.98), fused=True)
        return self.optimizer

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> dict[str, float]:
        """Dev scores; ``eval_score`` is the mean F1 of the layers and of the relations (relaxed)."""
        model = self.accelerator.unwrap_model(self.model)
        extractor = Extractor.of_model(model, self.tokenizer, str(self.args.device))
        with torch.compiler.set_stance("force_eager"):  # compiling for so few texts would take longer than they do
            summary = dev_scores(extractor, self.dev)
        model.train()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in summary.items() if value is not None}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def dev_scores(extractor: Extractor, documents: list[Document]) -> dict[str, float | None]:
    """The headline figures of an evaluation, and their mean as ``score``."""
    report = evaluate(documents, extractor.label_many(documents), extractor.schema, extractor.relate_many(documents))
    summary = report.summary()
    chosen = [f"{layer.name}_f1" for layer in extractor.schema.layers] + (["relations_relaxed_f1"] if extractor.schema.relations else [])
    return summary | {"score": sum(summary[name] or 0.0 for name in chosen) / len(chosen)}


def training_arguments(settings: TrainSettings, run: Path) -> TrainingArguments:
    """The Trainer's arguments for an experiment."""
    options = settings.training
    return TrainingArguments(
        output_dir=str(run / "checkpoints"), num_train_epochs=options.epochs, per_device_train_batch_size=options.batch_size,
        learning_rate=options.learning_rate, weight_decay=options.weight_decay, warmup_steps=options.warmup, lr_scheduler_type="linear",
        max_grad_norm=1.0, bf16=options.precision == "bf16", fp16=options.precision == "fp16", seed=options.seed, data_seed=options.seed,
        eval_strategy="epoch", save_strategy="epoch", save_total_limit=2, load_best_model_at_end=options.keep == "best", metric_for_best_model="eval_score",
        greater_is_better=True, logging_strategy="epoch", report_to=["tensorboard"], remove_unused_columns=False,
        train_sampling_strategy="group_by_length", dataloader_num_workers=0, use_cpu=not torch.cuda.is_available(), save_only_model=False)


def save_model(model: ArabieModel, tokenizer: Any, device: str, dev: list[Document], told: dict[str, Any], folder: Path,
               fit: Sequence[Document] = ()) -> None:
    """Write a model's folder, its thresholds and scores fitted to dev and to the documents of ``fit``: the weights in half
    precision, the tokenizer, and training.json, which has what is ``told`` of how they were made, and the dev scores."""
    extractor = Extractor.of_model(model, tokenizer, device)
    with torch.compiler.set_stance("force_eager"):
        facts = calibrated(extractor, [*dev, *fit])
        scores = {name: value for name, value in dev_scores(extractor, dev).items() if value is not None}
    model.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_facts(folder, facts)
    told = told | {"dev": {name: round(value, 4) for name, value in scores.items()}}
    (folder / "training.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    log.info("dev: %s", ", ".join(f"{name} {value:.3f}" for name, value in scores.items()))


def _made(folder: Path) -> dict[str, Any] | None:
    """What a folder says of how it was made: by pretraining, or by an earlier training."""
    told = next((folder / name for name in ("training.json", "pretraining.json") if (folder / name).exists()), None)
    return json.loads(told.read_text(encoding="utf-8")) if told else None


def _best_epoch(trainer: Trainer) -> float | None:
    best = trainer.state.best_metric
    return next((entry["epoch"] for entry in trainer.state.log_history if entry.get("eval_score") == best), None)


def run_training(settings: TrainSettings, train_files: list[Path], dev_files: list[Path], run: Path, resume: bool) -> Path:
    """Train, keep the best epoch or the last, and write the model's folder; returns its path."""
    last = get_last_checkpoint(run / "checkpoints") if resume and (run / "checkpoints").is_dir() else None
    if resume and last is None:
        raise ConfigError(f"{run}: no checkpoint to resume from; start without --resume")
    set_seed(settings.training.seed)
    tokenizer = load_tokenizer(settings.model)
    refuse_presegmented(tokenizer, settings.model.encoder)
    model, new = build_model(settings.model, tokenizer)
    settings = _replaced(settings, model=kept_sizes(model.config), training={"precision": usable_precision(settings.training.precision)})
    schema = model.schema
    train_documents = _without(settings.data.without, read_documents(train_files, schema))
    dev_documents = read_documents(dev_files, schema)
    if not train_documents or not dev_documents:
        raise ConfigError("there is nothing to train on or to measure on; name files under [data] or with --train and --dev")
    left_out = Losses()
    encoder = Encoder(tokenizer, model.config.read_profile(), model.config.letters)
    dataset = build_dataset(train_documents, encoder, model.config, left_out, run / "cache")
    log.info("%d documents, %d windows to train on; %d documents to measure on", len(train_documents), len(dataset), len(dev_documents))
    for line in left_out.lines():
        log.info("left out: %s", line)
    collator = Collator(schema, tokenizer.pad_token_id or 0, tokenizer.mask_token_id or 0, settings.training.mask_units)
    if settings.model.standardise and new:
        standardise(model, dataset, Collator(schema, collator.pad))
    if settings.training.compile:
        compile_encoder(model)
    callbacks = [EarlyStoppingCallback(settings.training.patience)] if settings.training.patience else []
    anew = settings.augmentation.is_on
    shown = augmented_windows(settings, train_documents, encoder, model.config) if anew else dataset
    trainer = JointTrainer(model=model, args=training_arguments(settings, run), train_dataset=shown, eval_dataset=dataset.select([0]),
                           data_collator=collator, callbacks=callbacks, dev=dev_documents, tokenizer=tokenizer,
                           head_learning_rate=settings.training.head_learning_rate)
    trainer.train(resume_from_checkpoint=last)
    counts = {"train": [path.name for path in train_files], "dev": [path.name for path in dev_files], "train_documents": len(train_documents),
              "train_words": sum(len(d.text.split()) for d in train_documents), "dev_documents": len(dev_documents), "left_out": left_out.counts}
    if trainer.is_world_process_zero():
        told = {"settings": asdict(settings), "data": counts, "best_epoch": _best_epoch(trainer),
                "encoder": _made(Path(encoder_path(settings.model))) or settings.model.encoder}
        save_model(trainer.model, tokenizer, str(trainer.args.device), dev_documents, told, run / "model")
    return run / "model"


def main(config: Annotated[Path, typer.Argument(help="An experiment file, such as configs/default.toml.")],
         train: Annotated[list[Path], typer.Option(help="More annotated files to train on (.jsonl, .src), beside the config's.")] = [],
         dev: Annotated[list[Path], typer.Option(help="Annotated files to measure on, in place of the config's.")] = [],
         encoder: Annotated[str | None, typer.Option(help="Encoder folder or hub id, in place of the config's.")] = None,
         seed: Annotated[int | None, typer.Option(help="Random seed, in place of the config's.")] = None,
         out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME if not given.")] = None,
         resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of the run's folder.")] = False) -> None:
    """Train the joint model; the best epoch on dev, or the last, is written to the run's model/ folder."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = load_settings(config, TrainSettings)
    if encoder:
        settings = _replaced(settings, model={"encoder": encoder})
    if seed is not None:
        settings = _replaced(settings, training={"seed": seed})
    train_files = [Path(path) for path in settings.data.train] + train
    folder = run_training(settings, train_files, dev or [Path(path) for path in settings.data.dev], out or Path("runs") / settings.name, resume)
    log.info("the model is in %s", folder)


def _replaced(settings: TrainSettings, **parts: dict[str, Any]) -> TrainSettings:
    return replace(settings, **{name: replace(getattr(settings, name), **changes) for name, changes in parts.items()})


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"train: {error}") from None
