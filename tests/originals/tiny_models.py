"""The tiny models: each function writes one folder as its library saves it, with random weights.

Weights have a larger spread than trained ones, and gains and biases are random too, so that every term shows in the
vectors: checked by leaving each tensor out (make_fixtures.py).
"""
import json
import os
import shutil
import tempfile

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from transformers import (BertConfig, BertModel, BertTokenizer, CLIPConfig, CLIPModel, CLIPTextConfig,
                          CLIPTextModelWithProjection, CLIPTokenizer, DistilBertConfig, DistilBertModel,
                          DistilBertTokenizer, MPNetConfig, MPNetModel, MPNetTokenizer, RobertaConfig, RobertaModel,
                          RobertaTokenizer)

import tiny_tokenizers as tokenizers

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 40}


# Added to the seeds of all models, for others than the committed ones.
other = 0


def randomise(model, seed):
    """Random weights by what a tensor is: gains about 1, biases, embeddings, matrices."""
    generator = torch.Generator().manual_seed(seed + other)
    with torch.no_grad():
        for name, tensor in sorted(model.named_parameters()):
            noise = torch.randn(tensor.shape, generator=generator)
            if tensor.dim() == 1:
                tensor.copy_(1 + 0.3 * noise if name.endswith("weight") else 0.5 * noise)
            else:
                relative = "relative_attention_bias" in name
                tensor.copy_(noise * (1.0 if relative else 0.6 if "embedding" in name else 0.3))
    return model.eval()


def sentence_transformers(folder, model, tokenizer, modules=(), length=None, prompts=None, dtype=torch.float32):
    """The folder that SentenceTransformer.save writes, without its model card."""
    with tempfile.TemporaryDirectory() as plain:
        model.to(dtype).save_pretrained(plain)
        tokenizer.save_pretrained(plain)
        first = Transformer(plain, max_seq_length=length, model_kwargs={"dtype": dtype})
    whole = SentenceTransformer(modules=[first, *(module.to(dtype) for module in modules)], device="cpu",
                                prompts=prompts)
    whole.save(folder, create_model_card=False)


def pooling(*modes):
    return Pooling(SIZE["hidden_size"], pooling_mode=modes)


def bert(tokens, seed, tokenizer=None, **config):
    config = {**SIZE, "max_position_embeddings": 40, **config}
    return randomise(BertModel(BertConfig(vocab_size=len(tokens), **config)), seed)


def bert_vocab_txt(folder):
    """A plain folder with vocab.txt alone, as of BERT's first years."""
    tokens = tokenizers.word_pieces(330)
    bert(tokens, 1).save_pretrained(folder)
    tokenizers.write_vocab_txt(folder, tokens, do_lower_case=True, model_max_length=40, tokenizer_class="BertTokenizer",
                               unk_token="[UNK]", sep_token="[SEP]", pad_token="[PAD]", cls_token="[CLS]",
                               mask_token="[MASK]", tokenize_chinese_chars=True, strip_accents=None)


def bert_mean(folder):
    """As E5 and MiniLM: mean, Normalize, a length below the positions, prompts for both sides."""
    tokens = tokenizers.word_pieces(320)
    tokenizer = BertTokenizer(vocab=tokenizers.numbered(tokens), model_max_length=40)
    sentence_transformers(folder, bert(tokens, 2, layer_norm_eps=1e-5), tokenizer, [pooling("mean"), Normalize()],
                          length=24, prompts={"query": "query: ", "document": "Passage – "}, dtype=torch.float16)


def bert_cls_dense(folder):
    """As LaBSE: cls, then a dense layer with tanh; F16 weights."""
    tokens = tokenizers.word_pieces(320)
    tokenizer = BertTokenizer(vocab=tokenizers.numbered(tokens), model_max_length=32)
    dense = randomise(Dense(SIZE["hidden_size"], 20, activation_function=torch.nn.Tanh()), 4)
    sentence_transformers(folder, bert(tokens, 3, num_hidden_layers=3), tokenizer, [pooling("cls"), dense, Normalize()],
                          length=32, dtype=torch.float16)


def bert_cased_sharded(folder):
    """Cased, gelu_new, BF16 weights in several files with an index."""
    tokens = tokenizers.word_pieces(340, lowercase=False)
    model = bert(tokens, 5, hidden_act="gelu_new", hidden_size=40, intermediate_size=48)
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="40KB")
    BertTokenizer(vocab=tokenizers.numbered(tokens), do_lower_case=False, model_max_length=40).save_pretrained(folder)


def bert_joined(folder):
    """Three poolings side by side, relu, no accents stripped, Chinese characters left in words."""
    tokens = tokenizers.word_pieces(320)
    tokenizer = BertTokenizer(vocab=tokenizers.numbered(tokens), model_max_length=36, strip_accents=False,
                              tokenize_chinese_chars=False)
    sentence_transformers(folder, bert(tokens, 6, hidden_act="relu"), tokenizer,
                          [pooling("cls", "max", "mean")], dtype=torch.bfloat16)


def bert_lowercase(folder):
    """A cased tokenizer behind do_lower_case, as models of 2019 have it; the three means side by side."""
    tokens = tokenizers.word_pieces(320, lowercase=False)
    tokenizer = BertTokenizer(vocab=tokenizers.numbered(tokens), do_lower_case=False, model_max_length=40)
    sentence_transformers(folder, bert(tokens, 21), tokenizer,
                          [pooling("mean", "mean_sqrt_len_tokens", "weightedmean")], dtype=torch.float16)
    tokenizers.write_json({"max_seq_length": 30, "do_lower_case": True}, folder, "sentence_bert_config.json")


def bert_keeps_end(folder):
    """Long texts keep their end, and a token is in tokenizer_config.json that tokenizer.json lacks."""
    tokens = tokenizers.word_pieces(319)
    tokenizer = BertTokenizer(vocab=tokenizers.numbered(tokens), model_max_length=40, truncation_side="left")
    sentence_transformers(folder, bert([*tokens, "query"], 22), tokenizer, [pooling("mean")], length=16,
                          dtype=torch.float16)
    path = os.path.join(folder, "tokenizer_config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    special = {token: tokens.index(token) for token in tokenizers.BERT}
    config["added_tokens_decoder"] = {
        str(index): {"content": token, "lstrip": False, "normalized": token == "query", "rstrip": False,
                     "single_word": False, "special": token != "query"}
        for token, index in {**special, "query": len(tokens)}.items()}
    tokenizers.write_json(config, path)


def distilbert_mean(folder):
    tokens = tokenizers.word_pieces(320)
    tokenizer = DistilBertTokenizer(vocab=tokenizers.numbered(tokens), model_max_length=40)
    config = DistilBertConfig(vocab_size=len(tokens), dim=32, n_layers=2, n_heads=4, hidden_dim=40,
                              max_position_embeddings=40)
    sentence_transformers(folder, randomise(DistilBertModel(config), 7), tokenizer, [pooling("mean")], length=32)
    as_of_version_2(folder, "mean", 28)


def as_of_version_2(folder, mode, length):
    """The files of a sentence-transformers folder as versions 2 to 4 wrote them, which most models still have."""
    tokenizers.write_json([
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ], folder, "modules.json")
    tokenizers.write_json({"max_seq_length": length, "do_lower_case": False}, folder, "sentence_bert_config.json")
    tokenizers.write_json({
        "word_embedding_dimension": SIZE["hidden_size"], "pooling_mode_cls_token": mode == "cls",
        "pooling_mode_mean_tokens": mode == "mean", "pooling_mode_max_tokens": mode == "max",
        "pooling_mode_mean_sqrt_len_tokens": False}, folder, "1_Pooling", "config.json")


def roberta(tokens, seed):
    return randomise(RobertaModel(RobertaConfig(vocab_size=len(tokens), max_position_embeddings=42, type_vocab_size=1,
                                                layer_norm_eps=1e-5, **SIZE)), seed)


def roberta_merges(folder):
    """A plain folder with vocab.json and merges.txt alone."""
    vocabulary, merges = tokenizers.byte_level(80)
    roberta(vocabulary, 8).save_pretrained(folder)
    tokenizers.write_bpe(folder, vocabulary, merges, add_prefix_space=False, model_max_length=40,
                         tokenizer_class="RobertaTokenizer")


def roberta_max_last(folder):
    """Two poolings into a dense layer without bias and function; a space before the first word; F16 weights."""
    vocabulary, merges = tokenizers.byte_level(80)
    tokenizer = RobertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=40, add_prefix_space=True)
    dense = randomise(Dense(2 * SIZE["hidden_size"], 24, bias=False, activation_function=torch.nn.Identity()), 10)
    sentence_transformers(folder, roberta(vocabulary, 9), tokenizer, [pooling("max", "lasttoken"), dense], length=36,
                          dtype=torch.float16)


def mpnet_mean(folder):
    tokens = tokenizers.word_pieces(320, special=tokenizers.MPNET, last=("[UNK]", "<mask>"))
    tokenizer = MPNetTokenizer(vocab=tokenizers.numbered(tokens), model_max_length=150)
    config = MPNetConfig(vocab_size=len(tokens), max_position_embeddings=152, **SIZE)
    sentence_transformers(folder, randomise(MPNetModel(config), 11), tokenizer, [pooling("mean"), Normalize()],
                          length=150)


CLIP_TEXT = {**SIZE, "max_position_embeddings": 32}


CLIP_FILES = {"model_max_length": 32, "tokenizer_class": "CLIPTokenizer", "unk_token": "<|endoftext|>",
              "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}


def clip_ids(vocabulary):
    return {"bos_token_id": vocabulary["<|startoftext|>"], "eos_token_id": vocabulary["<|endoftext|>"],
            "pad_token_id": vocabulary["<|endoftext|>"]}


def clip_text_projection(folder):
    """The text tower alone, with quick_gelu and the projection."""
    vocabulary, merges = tokenizers.clip(50)
    config = CLIPTextConfig(vocab_size=len(vocabulary), hidden_act="quick_gelu", projection_dim=24,
                            **{**CLIP_TEXT, **clip_ids(vocabulary)})
    randomise(CLIPTextModelWithProjection(config), 12).save_pretrained(folder)
    CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=32).save_pretrained(folder)


def clip_whole(folder):
    """The whole model with its image tower, gelu, the end-of-text id 2 of old configurations; F16 weights."""
    vocabulary, merges = tokenizers.clip(50)
    text = {**CLIP_TEXT, "vocab_size": len(vocabulary), "hidden_act": "gelu", "eos_token_id": 2}
    vision = {**SIZE, "hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 16, "image_size": 8,
              "patch_size": 4}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=20)
    randomise(CLIPModel(config), 13).to(torch.float16).save_pretrained(folder)
    tokenizers.write_bpe(folder, vocabulary, merges, **CLIP_FILES)


def open_clip_folder(folder, seed, merges, custom, quick_gelu, dtype):
    import open_clip
    from open_clip.push_to_hf_hub import save_for_hf
    vocabulary, pairs = tokenizers.clip(merges)
    config = {"embed_dim": 24, "quick_gelu": quick_gelu,
              "vision_cfg": {"image_size": 8, "layers": 1, "width": 16, "patch_size": 4, "head_width": 8,
                             "mlp_ratio": 0.5},
              "text_cfg": {"context_length": 32, "vocab_size": len(vocabulary), "width": 32, "heads": 4, "layers": 2,
                           "mlp_ratio": 1.25}}
    kind = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    model = kind(**config)
    model.visual.image_mean, model.visual.image_std = (0.5,) * 3, (0.5,) * 3
    randomise(model, seed)
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=32)
    save_for_hf(model.to(dtype), tokenizer, {**config, **({"custom_text": True} if custom else {})}, folder,
                safe_serialization=True)
    tokenizers.write_bpe(folder, vocabulary, pairs, **CLIP_FILES)
    if custom:
        os.remove(os.path.join(folder, "tokenizer.json"))
    else:
        os.remove(os.path.join(folder, "vocab.json"))


def open_clip_plain(folder):
    """Text and image tower side by side, exact gelu, F16 weights."""
    open_clip_folder(folder, 14, 80, False, False, torch.float16)


def open_clip_custom(folder):
    """The text tower under "text.", quick_gelu, BF16 weights."""
    open_clip_folder(folder, 15, 50, True, True, torch.bfloat16)


MODELS = (bert_vocab_txt, bert_mean, bert_cls_dense, bert_cased_sharded, bert_joined, bert_lowercase, bert_keeps_end,
          distilbert_mean, roberta_merges, roberta_max_last, mpnet_mean, clip_text_projection, clip_whole, open_clip_plain, open_clip_custom)


def make(model, folder, seed=0):
    """Another seed than 0 gives other weights than those of the committed models."""
    global other
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    torch.manual_seed(seed)
    other = seed
    model(folder)
