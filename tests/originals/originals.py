"""A model folder as its own library runs it: token ids and unit-length vectors, in float32, one text at a time."""
import gzip
import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import torch
import transformers
from transformers import AutoTokenizer

transformers.utils.logging.disable_progress_bar()

SIDES = ("question", "context")


def read_json(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def open_original(folder):
    if os.path.exists(os.path.join(folder, "open_clip_config.json")):
        return OpenClip(folder)
    if os.path.exists(os.path.join(folder, "modules.json")):
        return SentenceTransformers(folder)
    if read_json(folder, "config.json")["model_type"].startswith("clip"):
        return HuggingFaceClip(folder)
    return SentenceTransformers(folder)


class Original:
    """`max_tokens`, `dim`; prompts by side."""
    prompts = {"question": "", "context": ""}

    def vectors(self, texts, side):
        with torch.no_grad():
            rows = torch.stack([self.vector(text, side) for text in texts]).double()
        return (rows / rows.norm(dim=1, keepdim=True)).numpy()


class SentenceTransformers(Original):
    """A folder of sentence-transformers, or of a plain encoder, which it pools by the mean."""

    def __init__(self, folder):
        from sentence_transformers import SentenceTransformer
        self.model = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": torch.float32}).float().eval()
        self.max_tokens = self.model.max_seq_length
        prompts = self.model.prompts
        self.prompts = {"question": prompts.get("query") or "",
                        "context": next((prompts[name] for name in ("document", "passage", "corpus")
                                         if prompts.get(name)), "")}

    def ids(self, texts, side):
        prompt = self.prompts[side]
        return [self.model.preprocess([prompt + text])["input_ids"][0].tolist() for text in texts]

    def vector(self, text, side):
        encode = self.model.encode_query if side == "question" else self.model.encode_document
        return encode([text], convert_to_tensor=True)[0]


class HuggingFaceClip(Original):
    """CLIP's text tower, alone or as a part of the whole model."""

    def __init__(self, folder):
        from transformers import CLIPModel, CLIPTextModelWithProjection
        whole = read_json(folder, "config.json")["model_type"] == "clip"
        kind = CLIPModel if whole else CLIPTextModelWithProjection
        self.model = kind.from_pretrained(folder, dtype=torch.float32).eval()
        self.features = self.whole_features if whole else self.text_features
        config = self.model.config.text_config if whole else self.model.config
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.max_tokens = config.max_position_embeddings

    def ids(self, texts, side):
        return [self.tokenizer(text, truncation=True, max_length=self.max_tokens)["input_ids"] for text in texts]

    def whole_features(self, ids):
        features = self.model.get_text_features(input_ids=ids, attention_mask=torch.ones_like(ids))
        return features if torch.is_tensor(features) else features.pooler_output

    def text_features(self, ids):
        return self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).text_embeds

    def vector(self, text, side):
        return self.features(torch.tensor(self.ids([text], side)))[0]


class OpenClip(Original):
    """OpenCLIP with its own tokenizer, over the folder's merges instead of those of its package."""

    def __init__(self, folder):
        import open_clip
        self.model = open_clip.create_model("local-dir:" + folder, precision="fp32").eval()
        self.max_tokens = self.model.context_length
        self.tokenizer = simple_tokenizer(os.path.join(folder, "merges.txt"), self.max_tokens)

    def ids(self, texts, side):
        rows = []
        for text in texts:
            row = self.tokenizer([text])[0].tolist()
            own = len(self.tokenizer.encode(text)) + 2
            rows.append(row[:min(own, self.max_tokens)])
        return rows

    def vector(self, text, side):
        return self.model.encode_text(self.tokenizer([text]))[0].float()


def simple_tokenizer(merges, context_length):
    """OpenCLIP's tokenizer over a merges.txt, which it takes compressed."""
    import tempfile
    from open_clip.tokenizer import SimpleTokenizer
    with open(merges, encoding="utf-8") as file, tempfile.NamedTemporaryFile(suffix=".txt.gz") as packed:
        packed.write(gzip.compress(file.read().rstrip("\n").encode("utf-8")))
        packed.flush()
        return SimpleTokenizer(packed.name, context_length=context_length)


def expectation(folder, texts):
    """What a folder gives for these texts: ids and vectors of questions, and of contexts where those differ."""
    original = open_original(folder)
    result = {"max_tokens": original.max_tokens, "prompts": original.prompts}
    for side in SIDES:
        if side == "question" or original.prompts["question"] != original.prompts["context"]:
            result[side] = {"ids": original.ids(texts, side), "vectors": original.vectors(texts, side)}
    return result


def write_expectation(path, expected):
    """As JSON, a row a line; vectors with 7 digits behind the point."""
    parts = [f' "max_tokens": {expected["max_tokens"]}', f' "prompts": {plain(expected["prompts"])}']
    for side in SIDES:
        if side in expected:
            parts.append(f' "{side}": {{\n  "ids": {lines(expected[side]["ids"], plain)},\n'
                         f'  "vectors": {lines(expected[side]["vectors"], numbers)}\n }}')
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(parts) + "\n}\n")


def write_texts(path, texts):
    with open(path, "w", encoding="utf-8") as file:
        file.write(lines(texts, json.dumps) + "\n")


def plain(item):
    return json.dumps(item, separators=(",", ":"))


def numbers(row):
    return "[" + ",".join(f"{x:.7f}".rstrip("0").rstrip(".") for x in row) + "]"


def lines(items, show):
    return "[\n" + ",\n".join(show(item) for item in items) + "]"
