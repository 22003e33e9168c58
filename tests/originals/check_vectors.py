"""Vectors of the program and of the original libraries: real models on SQuAD, and the tiny models made anew."""
import json
import os
import shutil
import subprocess

import h5py
import numpy

import originals
import sources
import texts
import tiny_models


def write_corpus(folder, questions, contexts):
    """A BEIR folder in which context i answers question i, as far as there are contexts."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "qrels"))
    for name, prefix, items in (("queries.jsonl", "q", questions), ("corpus.jsonl", "c", contexts)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            for i, text in enumerate(items):
                file.write(json.dumps({"_id": f"{prefix}{i}", "text": text}) + "\n")
    with open(os.path.join(folder, "qrels", "dev.tsv"), "w", encoding="utf-8") as file:
        file.writelines(f"q{i}\tc{i}\t1\n" for i in range(min(len(questions), len(contexts))))


def program_vectors(build, scratch, model, corpus, precision):
    """Unit vectors of questions and contexts through `qctx-dist embed`."""
    store = os.path.join(scratch, f"real-{precision}.h5")
    subprocess.run([os.path.join(build, "qctx-dist"), "embed", corpus, "--out", store, "--encoder", model,
                    "--precision", precision, "--force"], check=True)
    with h5py.File(store) as file:
        return [file[side + "/vectors"][:].astype("f8") for side in ("questions", "contexts")]


def cosines(left, right):
    return (left * right).sum(1) / numpy.linalg.norm(left, axis=1) / numpy.linalg.norm(right, axis=1)


def real(check, build, scratch, name, folder, questions, contexts):
    """A model that people use, on so many texts of SQuAD."""
    from sentence_transformers import SentenceTransformer
    model, corpus = SentenceTransformer(folder, device="cpu"), os.path.join(scratch, "squad")
    sides = sources.squad(questions, contexts)
    write_corpus(corpus, *sides)
    single = program_vectors(build, scratch, folder, corpus, "float32")
    narrow = program_vectors(build, scratch, folder, corpus, "bfloat16")
    least = min(cosines(model.encode(side, batch_size=32).astype("f8"), rows).min()
                for side, rows in zip(sides, single))
    check(least >= 0.99999, f"{name}, float32 to sentence-transformers, {sum(map(len, sides))} texts: "
                            f"least cosine {least:.8f}")
    least = min(cosines(*rows).min() for rows in zip(single, narrow))
    check(least >= 0.999, f"{name}, bfloat16 to float32: least cosine {least:.6f}")


def tiny(check, build, scratch):
    """The originals still give what is committed, and other random models than the committed ones agree, too."""
    committed, anew = os.path.join(sources.ROOT, "tests", "fixtures", "models"), os.path.join(scratch, "models")
    shutil.rmtree(anew, ignore_errors=True)
    os.makedirs(anew)
    originals.write_texts(os.path.join(anew, "texts.json"), texts.TEXTS)
    for model in tiny_models.MODELS:
        name = model.__name__
        kept = originals.read_json(committed, name, "expected.json")
        now = originals.expectation(os.path.join(committed, name), texts.TEXTS)
        check(all(same(kept.get(side), now.get(side)) for side in originals.SIDES),
              f"{name}: the original gives what is committed")
        tiny_models.make(model, os.path.join(anew, name), seed=1000)
        originals.write_expectation(os.path.join(anew, name, "expected.json"),
                                    originals.expectation(os.path.join(anew, name), texts.TEXTS))
    done = subprocess.run([os.path.join(build, "tests", "encoder", "test_originals")], cwd=sources.ROOT,
                          env={**os.environ, "QCTX_FIXTURES": anew}, capture_output=True, text=True)
    print("".join(f"    {line}\n" for line in done.stdout.splitlines() if "off by" in line), end="")
    check(done.returncode == 0, "tiny models made anew: ids and vectors as their libraries give them")
    if done.returncode != 0:
        print(done.stdout, done.stderr)


def same(kept, now):
    if kept is None or now is None:
        return kept is now
    return kept["ids"] == now["ids"] and numpy.abs(numpy.array(kept["vectors"]) - now["vectors"]).max() < 2e-6
