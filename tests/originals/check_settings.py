"""Folders whose tokenizer.json, tokenizer_config.json and special_tokens_map.json say different things, drawn at random:
the ids must be those of AutoTokenizer, or the folder is refused. What is refused is counted by its reason."""
import collections
import json
import os
import random
import re
import shutil

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

import texts
from check_tokenizers import library_ids, program_ids
from tiny_tokenizers import BERT, CLIP, MPNET, ROBERTA, byte_level, clip, numbered, word_pieces, write_bpe, write_json

MOST = 14
SPOTS = ["[QRY] who built the [E] bridge?", "The [MASK]  [DOC]the Bridge [SEP] [CLS]x<mask> <s>a</s>", "caf\u00e9 Caf\u00e9 BAR bar Bar",
         "a <extra> b<extra>c [PAD]<pad> [UNK]", "Saegewerk \u4e2d\u6587 <|endoftext|> x <|startoftext|>", "[qry] [mask] <MASK>",
         "the river of stone bridge " * 6, " the Bar,bar[QRY][QRY]", "donaudampfschifffahrt the <image> new older"]


def sometimes(draw, share, values):
    return draw.choice(values) if draw.random() < share else None


def flags(draw, content):
    token = {"content": content, "lstrip": draw.random() < 0.3, "normalized": draw.random() < 0.4,
             "rstrip": draw.random() < 0.3, "single_word": draw.random() < 0.3, "special": draw.random() < 0.6}
    return token


def whole_file(draw, kind, tokens, merges):
    """tokenizer.json, often not as the class would make it."""
    if kind == "clip":
        tokenizer = Tokenizer(models.BPE(vocab=tokens, merges=merges, end_of_word_suffix="</w>", unk_token=CLIP[1]))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        first, last, special = CLIP[0], CLIP[1], CLIP
    elif kind == "roberta":
        tokenizer = Tokenizer(models.BPE(vocab=tokens, merges=merges))
        tokenizer.normalizer = sometimes(draw, 0.3, [normalizers.NFC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=draw.random() < 0.5)
        first, last, special = "<s>", "</s>", ROBERTA
    else:
        longest = draw.choice([100, 100, 6])
        tokenizer = Tokenizer(models.WordPiece(vocab=tokens, unk_token="[UNK]", max_input_chars_per_word=longest))
        bert = normalizers.BertNormalizer(lowercase=draw.random() < 0.6, handle_chinese_chars=draw.random() < 0.7,
                                          strip_accents=draw.choice([None, None, True, False]))
        other = normalizers.Sequence([normalizers.Replace("ae", "e"), normalizers.NFKC(), bert])
        tokenizer.normalizer = draw.choice([bert, bert, other, normalizers.Lowercase(), None])
        tokenizer.pre_tokenizer = draw.choice([pre_tokenizers.BertPreTokenizer(), pre_tokenizers.BertPreTokenizer(),
                                               pre_tokenizers.WhitespaceSplit()])
        first, last, special = ("<s>", "</s>", MPNET + ["<mask>"]) if kind == "mpnet" else ("[CLS]", "[SEP]", BERT)
    kept = [token for token in special if draw.random() < 0.9]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in kept])
    for content in ("[QRY]", "Bar", "older"):
        if draw.random() < 0.3:
            tokenizer.add_tokens([AddedToken(**flags(draw, content))])
    frames = [f"{first} $A {last}", f"{first} $A {last}", f"{first} $A", "$A"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=draw.choice(frames), special_tokens=[(token, tokens[token]) for token in (first, last)])
    content = json.loads(tokenizer.to_str())
    if draw.random() < 0.15:
        content["truncation"] = {"direction": draw.choice(["Left", "Right"]), "max_length": 9, "stride": 2,
                                 "strategy": "LongestFirst"}
    return content


def configuration(draw, kind, content, count):
    classes = {"bert": "BertTokenizer", "distilbert": "DistilBertTokenizer", "mpnet": "MPNetTokenizer",
               "roberta": "RobertaTokenizer", "clip": "CLIPTokenizer"}
    config = {}
    name = draw.choice([classes[kind], classes[kind] + "Fast", None, "PreTrainedTokenizerFast", "TokenizersBackend"])
    if name is not None:
        config["tokenizer_class"] = name
    for key, share, values in (
            ("truncation_side", 0.3, ["left", "right"]), ("split_special_tokens", 0.2, [True, False]),
            ("do_lower_case", 0.4, [True, False]), ("strip_accents", 0.2, [True, False, None]),
            ("tokenize_chinese_chars", 0.2, [True, False]), ("add_prefix_space", 0.3, [True, False]),
            ("padding_side", 0.2, ["left", "right"]), ("add_bos_token", 0.1, [True, False]),
            ("add_eos_token", 0.1, [True, False]), ("legacy", 0.1, [True, False]), ("never_split", 0.1, [["x"]]),
            ("clean_up_tokenization_spaces", 0.2, [True, False]), ("model_input_names", 0.1, [["input_ids"]]),
            ("something_new", 0.1, [1]), ("image_token", 0.15, ["<image>", "the"]),
            ("additional_special_tokens", 0.25, [["[E]"], ["[E]", "the"], []]),
            ("extra_special_tokens", 0.2, [["[DOC]", "[E]"], {"image": "<image>"}, {"image": "<image>", "x": "[E]"}]),
            ("mask_token", 0.2, ["[MASK]", "<mask>", "[QRY]", None]), ("pad_token", 0.2, ["[PAD]", "<pad>", "the", None]),
            ("cls_token", 0.1, ["the", "[CLS]", "<s>"]), ("sep_token", 0.1, ["the", "[SEP]", "</s>"]),
            ("unk_token", 0.1, ["[UNK]", "the"]), ("bos_token", 0.1, ["<s>", "the"]), ("eos_token", 0.1, ["</s>", "the"])):
        if draw.random() < share:
            config[key] = draw.choice(values)
    if draw.random() < 0.4:
        listed = content["added_tokens"] if content is not None else []
        decoder = {}
        for token in listed:
            if draw.random() < 0.8:
                decoder[str(token["id"])] = {key: token[key] for key in token if key != "id"}
            elif draw.random() < 0.5:
                decoder[str(token["id"])] = flags(draw, token["content"])
        last = max([count - 1, *(token["id"] for token in listed)])
        for content_ in ("[DOC]", "<extra>"):
            if draw.random() < 0.5:
                last += 1
                decoder[str(last)] = flags(draw, content_)
        config["added_tokens_decoder"] = decoder
    return config


def special_map(draw):
    found = {}
    for key, share, values in (
            ("mask_token", 0.4, ["[MASK]", {"content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False,
                                            "single_word": False}]),
            ("additional_special_tokens", 0.4, [["[DOC]"], ["[E]"]]), ("pad_token", 0.3, ["[PAD]", "<pad>"]),
            ("extra_special_tokens", 0.2, [["<extra>"], {"name": "[DOC]"}])):
        if draw.random() < share:
            found[key] = draw.choice(values)
    return found


def make_folder(folder, seed):
    draw = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    kind = draw.choice(["bert", "bert", "distilbert", "mpnet", "roberta", "clip"])
    merges = None
    if kind in ("roberta", "clip"):
        tokens, merges = byte_level(80) if kind == "roberta" else clip(80)
    else:
        special = MPNET + ["<mask>"] if kind == "mpnet" else BERT
        tokens = numbered(word_pieces(320, lowercase=draw.random() < 0.5, special=special))
    content = whole_file(draw, kind, tokens, merges) if draw.random() < 0.85 else None
    config = configuration(draw, kind, content, len(tokens))
    if content is not None:
        write_json(content, folder, "tokenizer.json")
    elif merges is not None:
        write_bpe(folder, tokens, merges)
    else:
        with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
            file.write("".join(token + "\n" for token in tokens))
    write_json({"model_type": kind}, folder, "config.json")
    write_json(config, folder, "tokenizer_config.json")
    if draw.random() < 0.3:
        write_json(special_map(draw), folder, "special_tokens_map.json")
    if draw.random() < 0.1:
        write_json({"newer": len(tokens) + 1, "older": len(tokens)}, folder, "added_tokens.json")
    return kind


def run(check, build, scratch, count=400):
    items = SPOTS + texts.TEXTS
    kinds, wrong, crashed = collections.Counter(), [], 0
    refused = collections.Counter()
    for seed in range(count):
        folder = os.path.join(scratch, "settings")
        kinds[make_folder(folder, seed)] += 1
        try:
            expected = library_ids(folder, items, MOST)
        except Exception:  # whatever the library stumbles over, there are no ids to compare with
            crashed += 1
            continue
        try:
            found = program_ids(build, folder, items, MOST)
        except RuntimeError as error:
            reason = next(line for line in str(error).splitlines() if "expected" in line)
            refused[re.sub(r"'[^']*'|\d+", "…", reason.replace(folder, ""))] += 1
            continue
        at = next((i for i, row in enumerate(expected) if row != found[i]), None)
        if at is not None:
            wrong.append(seed)
            print(f"    folder {seed}: {items[at][:60]!r}: expected {expected[at]}, found {found[at]}")
    for reason, times in refused.most_common():
        print(f"    refused {times} times: {reason}")
    compared = count - crashed - sum(refused.values())
    check(not wrong and compared > count // 2,
          f"settings: {len(wrong)} of {compared} folders have other ids ({dict(kinds)}, {crashed} that the library does "
          f"not open, {sum(refused.values())} refused)")
