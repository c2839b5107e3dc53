"""Documents made anew for training: other names, dates, spellings, or cut short, with labels that stay true."""

from __future__ import annotations

from training.augmentation.augmenter import AugmentationSettings, Augmenter
from training.augmentation.epochs import AugmentedWindows

__all__ = ["AugmentationSettings", "AugmentedWindows", "Augmenter"]
