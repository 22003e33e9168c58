"""Writes tests/fixtures/models: tiny models of every architecture and what their own libraries give for texts.TEXTS.

usage: make_fixtures.py [--out tests/fixtures/models] [NAME ...]
"""
import argparse
import copy
import os

import numpy
import torch

import originals
import tiny_models
from texts import TEXTS

# Keys' biases add the same to all scores of a row, which softmax takes out again; poolers are not asked.
WITHOUT_EFFECT = ("pooler.", "key.bias", "k_lin.bias", "attn.k.bias", "k_proj.bias", "visual", "vision",
                  "logit_scale", "text_projection.bias")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", default=os.path.join(os.path.dirname(here), "fixtures", "models"))
    arguments.add_argument("names", nargs="*")
    options = arguments.parse_args()
    os.makedirs(options.out, exist_ok=True)
    originals.write_texts(os.path.join(options.out, "texts.json"), TEXTS)
    for model in tiny_models.MODELS:
        if options.names and model.__name__ not in options.names:
            continue
        folder = os.path.join(options.out, model.__name__)
        tiny_models.make(model, folder)
        expected = originals.expectation(folder, TEXTS)
        originals.write_expectation(os.path.join(folder, "expected.json"), expected)
        bytes_ = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
        print(f"{model.__name__}: {bytes_ / 1000:.0f} kB, least effect of a tensor {least_effect(folder)}", flush=True)


def least_effect(folder):
    """The tensor whose absence moves a vector the least, as text; refuses one that does not show."""
    original = originals.open_original(folder)
    texts = [TEXTS[0], TEXTS[3], TEXTS[7]]
    whole = original.vectors(texts, "question")
    effects = {}
    for name, tensor in original.model.named_parameters():
        if any(part in name for part in WITHOUT_EFFECT):
            continue
        kept = copy.deepcopy(tensor.data)
        tensor.data.zero_()
        if tensor.dim() == 1 and name.endswith("weight"):
            tensor.data.fill_(1.0)
        effects[name] = numpy.abs(original.vectors(texts, "question") - whole).max()
        tensor.data.copy_(kept)
    name = min(effects, key=effects.get)
    if not effects[name] > 4e-3:
        raise SystemExit(f"{folder}: leaving out {name} changes vectors by {effects[name]:.2g} only")
    return f"{effects[name]:.3f} ({name})"


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
