"""Real texts, from ../shared/data or the folder that QCTX_DATA names; without it, texts made up."""
import json
import os
import random

from texts import SENTENCES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def data_folder():
    folder = os.environ.get("QCTX_DATA", os.path.join(ROOT, "..", "shared", "data"))
    return folder if os.path.isdir(folder) else None


def strings_under(value, keys, found):
    """Appends all strings that stand under one of the keys, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and isinstance(inner, str):
                found.append(inner)
            else:
                strings_under(inner, keys, found)
    elif isinstance(value, list):
        for inner in value:
            strings_under(inner, keys, found)


def texts_of(path, keys):
    """The distinct texts of a file of JSON or JSONL, without NUL, which the program's texts cannot hold."""
    found = []
    with open(path, encoding="utf-8") as file:
        if path.endswith(".jsonl"):
            for line in file:
                strings_under(json.loads(line), keys, found)
        else:
            strings_under(json.load(file), keys, found)
    return [text for text in dict.fromkeys(found) if text and "\0" not in text]


def several_sources(per_file, seed=1):
    """Texts of every file there is, at most so many questions and contexts of each."""
    folder = data_folder()
    if folder is None:
        return made_up(2 * per_file * 10, seed)
    draw, texts = random.Random(seed), []
    for name in sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names):
        if name.endswith((".json", ".jsonl")):
            for keys in (("question",), ("context", "utterance", "background")):
                there = texts_of(name, keys)
                texts += draw.sample(there, min(per_file, len(there)))
    return list(dict.fromkeys(texts))


def squad(questions, contexts, seed=1):
    """Questions and contexts of SQuAD."""
    folder = data_folder()
    path = folder and os.path.join(folder, "squad", "dev-v1.1.json")
    if not path or not os.path.exists(path):
        texts = made_up(questions + contexts, seed)
        return texts[:questions], texts[questions:]
    draw = random.Random(seed)
    return (draw.sample(texts_of(path, ("question",)), questions),
            draw.sample(texts_of(path, ("context",)), contexts))


def made_up(count, seed):
    """Distinct texts of 3 to 150 words, most of them known words."""
    draw, words, texts = random.Random(seed), " ".join(SENTENCES).split(), {}
    while len(texts) < count:
        length = draw.choice((8, 12, 20, 150))
        texts[" ".join(draw.choice(words) if draw.random() < 0.9 else "".join(draw.sample("abcdefghijklmnop", 6))
                       for _ in range(draw.randint(3, length)))] = None
    return list(texts)
