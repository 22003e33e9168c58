"""Tokenizers of some hundred tokens, trained on texts.SENTENCES, in the files that people have."""
import collections
import json
import os

from open_clip.tokenizer import bytes_to_unicode
from tokenizers import Regex, normalizers, pre_tokenizers

from texts import SENTENCES

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
MPNET = ["<s>", "<pad>", "</s>", "<unk>"]
CLIP = ["<|startoftext|>", "<|endoftext|>"]
CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def train(words, size):
    """Byte pair encoding over {tuple of symbols: count}: the merges, ties by the symbols, so that they are always the
    same (the tokenizers library's own trainers depend on the order of a hash table)."""
    merges = []
    while len(merges) < size:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = {joined(word, best): count for word, count in words.items()}
    return merges


def joined(word, pair):
    result, i = [], 0
    while i < len(word):
        if word[i:i + 2] == pair:
            result.append(pair[0] + pair[1].removeprefix("##"))
            i += 2
        else:
            result.append(word[i])
            i += 1
    return tuple(result)


def counted(pieces, spell):
    return {spell(piece): count for piece, count in collections.Counter(pieces).items()}


def word_pieces(size, lowercase=True, special=BERT, last=()):
    """Tokens of a WordPiece vocabulary, in the order of their ids; `last` are put behind."""
    normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    splitter = pre_tokenizers.BertPreTokenizer()
    pieces = [piece for line in SENTENCES for piece, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line))]
    words = counted(pieces, lambda piece: (piece[0], *("##" + letter for letter in piece[1:])))
    alphabet = sorted({symbol for word in words for symbol in word})
    merges = train(words, size - len(special) - len(alphabet) - len(last))
    tokens = [*special, *alphabet, *dict.fromkeys(joined(pair, pair)[0] for pair in merges), *last]
    return list(dict.fromkeys(tokens))


def numbered(tokens):
    return {token: i for i, token in enumerate(tokens)}


def byte_level(merges):
    """Vocabulary and merges of RoBERTa's kind."""
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces = [piece for line in SENTENCES for piece, _ in splitter.pre_tokenize_str(line)]
    pairs = train(counted(pieces, tuple), merges)
    tokens = [*ROBERTA[:4], *sorted(splitter.alphabet()), *(left + right for left, right in pairs), *ROBERTA[4:]]
    return numbered(tokens), pairs


def clip(merges):
    """Vocabulary and merges of CLIP's kind: bytes, bytes at the ends of words, merges, the two special tokens."""
    splitter = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP_PATTERN), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    pieces = [piece for line in SENTENCES for piece, _ in splitter.pre_tokenize_str(line.lower())]
    pairs = train(counted(pieces, lambda piece: (*piece[:-1], piece[-1] + "</w>")), merges)
    bytes_ = list(bytes_to_unicode().values())
    tokens = bytes_ + [token + "</w>" for token in bytes_] + [left + right for left, right in pairs] + CLIP
    return numbered(tokens), pairs


def write_json(value, *path, indent=2):
    with open(os.path.join(*path), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=indent)
        file.write("\n")


def write_vocab_txt(folder, tokens, **config):
    """A folder of earlier years: vocab.txt without tokenizer.json."""
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("".join(token + "\n" for token in tokens))
    write_json(config, folder, "tokenizer_config.json")


def write_bpe(folder, vocabulary, merges, **config):
    """vocab.json and merges.txt without tokenizer.json."""
    write_json(vocabulary, folder, "vocab.json", indent=None)
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges))
    write_json(config, folder, "tokenizer_config.json")
