"""Token ids of the program and of the original libraries, on real texts and on nasty Unicode."""
import gzip
import json
import os
import shutil
import subprocess
import unicodedata

import ftfy
import open_clip.tokenizer
import regex
from tokenizers import ByteLevelBPETokenizer, Regex, pre_tokenizers
from transformers import AutoTokenizer, CLIPTokenizerFast, RobertaTokenizerFast

import originals
import sources
import texts
from tiny_tokenizers import CLIP, ROBERTA, write_bpe, write_json

MOST = 512


def program_ids(build, folder, items, most, open_clip=False):
    command = [os.path.join(build, "tests", "originals", "dump_ids"), folder, str(most)]
    lines = "".join(json.dumps(item) + "\n" for item in items)
    done = subprocess.run(command + (["open_clip"] if open_clip else []), input=lines.encode(), capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"dump_ids {folder}: {done.stderr.decode().strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def library_ids(folder, items, most):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer(items, truncation=True, max_length=most)["input_ids"]


def simple_ids(merges, items, most):
    tokenizer = originals.simple_tokenizer(merges, most)
    rows = []
    for item in items:
        row = [tokenizer.sot_token_id] + tokenizer.encode(item) + [tokenizer.eot_token_id]
        rows.append(row if len(row) <= most else row[:most - 1] + [tokenizer.eot_token_id])
    return rows


def compare(check, what, items, expected, found):
    wrong = [i for i, row in enumerate(expected) if row != found[i]]
    for i in wrong[:5]:
        at = next((k for k, (a, b) in enumerate(zip(expected[i], found[i])) if a != b),
                  min(len(expected[i]), len(found[i])))
        print(f"    {items[i][:200]!r}\n      from id {at}: expected {expected[i][at:at + 8]}, found {found[i][at:at + 8]}")
    check(not wrong and len(expected) == len(found), f"{what}: {len(wrong)} of {len(items)} texts have other ids")


def copy_files(source, folder, *names):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name in names:
        shutil.copy(os.path.join(source, name), folder)
    return folder


def word_piece(check, build, scratch, minilm, items):
    whole = copy_files(minilm, os.path.join(scratch, "wordpiece"), "config.json", "tokenizer.json",
                       "tokenizer_config.json", "special_tokens_map.json")
    plain = copy_files(minilm, os.path.join(scratch, "wordpiece_vocab"), "config.json", "vocab.txt",
                       "tokenizer_config.json")
    for what, folder in (("WordPiece, tokenizer.json", whole), ("WordPiece, vocab.txt", plain)):
        for name, part in items.items():
            compare(check, f"{what}, {name}", part, library_ids(folder, part, MOST),
                    program_ids(build, folder, part, MOST))


def byte_level(check, build, scratch, training, items):
    """A vocabulary of 30,000 tokens trained on the spot."""
    whole, plain = os.path.join(scratch, "bytes"), os.path.join(scratch, "bytes_merges")
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(training, vocab_size=30000, special_tokens=ROBERTA, show_progress=False)
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    for folder in (whole, plain):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        write_json({"model_type": "roberta", "architectures": ["RobertaModel"]}, folder, "config.json")
    RobertaTokenizerFast(vocab=model["vocab"], merges=merges, model_max_length=MOST).save_pretrained(whole)
    write_bpe(plain, model["vocab"], merges, tokenizer_class="RobertaTokenizer", model_max_length=MOST)
    for what, folder in (("byte-level BPE, tokenizer.json", whole), ("byte-level BPE, merges.txt", plain)):
        for name, part in items.items():
            compare(check, f"{what}, {name}", part, library_ids(folder, part, MOST),
                    program_ids(build, folder, part, MOST))


def clip(check, build, scratch, items):
    """CLIP's real vocabulary, which OpenCLIP brings: against transformers, and against OpenCLIP's own tokenizer."""
    whole, plain = os.path.join(scratch, "clip"), os.path.join(scratch, "clip_merges")
    with gzip.open(open_clip.tokenizer.default_bpe()) as file:
        lines = file.read().decode("utf-8").split("\n")[1:49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    tokens = list(open_clip.tokenizer.bytes_to_unicode().values())
    tokens += [token + "</w>" for token in tokens] + [left + right for left, right in merges] + CLIP
    vocabulary = {token: i for i, token in enumerate(tokens)}
    for folder in (whole, plain):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        write_json({"model_type": "clip_text_model"}, folder, "config.json")
    CLIPTokenizerFast(vocab=vocabulary, merges=merges, model_max_length=77).save_pretrained(whole)
    write_bpe(plain, vocabulary, merges, tokenizer_class="CLIPTokenizer", model_max_length=77)
    for what, folder in (("CLIP, tokenizer.json", whole), ("CLIP, merges.txt", plain)):
        for name, part in items.items():
            compare(check, f"{what}, {name}", part, library_ids(folder, part, 77),
                    program_ids(build, folder, part, 77))
    unsure = unsure_characters(items)
    for name, part in items.items():
        known = [text for text in part if unsure.isdisjoint(text) and not guessed(text)]
        compare(check, f"OpenCLIP's own, {name} ({len(part) - len(known)} left out)", known,
                simple_ids(os.path.join(plain, "merges.txt"), known, 77),
                program_ids(build, whole, known, 77, open_clip=True))


def guessed(text):
    """Whether ftfy takes a text for one in a wrong encoding and repairs it by guessing, which the program does not."""
    plain = ftfy.TextFixerConfig(fix_encoding=False)
    return ftfy.fix_text(text) != ftfy.fix_text(text, plain)


def unsure_characters(items):
    """Characters so new that it depends on versions what OpenCLIP does with them: letters and digits that the regex
    module knows and the tokenizers library does not, and marks that Python does not know, whose order it keeps."""
    splitters = [pre_tokenizers.Split(Regex(kind), "removed") for kind in (r"\p{L}", r"\p{N}")]
    patterns = [regex.compile(kind) for kind in (r"\p{L}", r"\p{N}")]
    mark = regex.compile(r"\p{M}")
    characters = {c for part in items.values() for text in part for c in text}
    letters = {c for c in characters for splitter, pattern in zip(splitters, patterns)
               if bool(pattern.match(c)) != (not splitter.pre_tokenize_str(c))}
    return letters | {c for c in characters if mark.match(c) and unicodedata.category(c) == "Cn"}


def run(check, build, scratch, minilm):
    real = sources.several_sources(1500)
    items = {"real texts" if sources.data_folder() else "texts made up": real,
             "every code point": list(texts.every_code_point()),
             "random strings": texts.TEXTS + list(texts.random_strings(20000))}
    word_piece(check, build, scratch, minilm, items)
    byte_level(check, build, scratch, real, items)
    clip(check, build, scratch, items)
