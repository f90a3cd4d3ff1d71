"""The folder for model2vec: its files, what is refused, and model2vec itself where it is there."""

import json
import os
import stat

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import jw2v
from jw2v.errors import DataError
from jw2v.vectors import Vectors, read_model2vec, write_model2vec

WORDS = ("the", "café", "new\u00a0york", "king.")
TABLE = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
FILES = ["README.md", "config.json", "model.safetensors", "modules.json", "tokenizer.json"]


@pytest.fixture
def folder(tmp_path):
    write_model2vec(Vectors(WORDS, TABLE), tmp_path)
    return tmp_path


def test_the_files_are_those_of_both_libraries(folder):
    assert sorted(os.listdir(folder)) == FILES
    assert len({stat.S_IMODE((folder / name).stat().st_mode) for name in FILES}) == 1
    (table,) = load_file(folder / "model.safetensors").values()
    assert table[:-1].tobytes() == TABLE.tobytes()
    assert not table[-1].any()
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert list(tokenizer["model"]["vocab"]) == [*WORDS, "[UNK]"]
    assert json.loads((folder / "config.json").read_text())["hidden_dim"] == 3
    (module,) = json.loads((folder / "modules.json").read_text())
    assert module["type"] == "sentence_transformers.models.StaticEmbedding"


def test_the_card_tells_of_the_run(tmp_path):
    run = {"words": 1234, "config": {"loss": "negative_sampling", "dim": 3}, "history": [1]}
    write_model2vec(Vectors(WORDS, TABLE, run=run), tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: model2vec\ntags:\n")
    assert "# Word vectors: 4 words, 3 numbers each" in card
    told = json.loads(card.partition("```json\n")[2].partition("```")[0])
    assert told == {"words": 1234, "config": run["config"]}


def test_a_card_without_a_run_says_so(folder):
    assert "It is not recorded how they were made." in (folder / "README.md").read_text()


def test_the_name_of_unknown_words_is_taken(tmp_path):
    with pytest.raises(DataError, match=r"^'\[UNK\]' is model2vec's name for unknown words; name"):
        write_model2vec(Vectors(("[UNK]",), TABLE[:1]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_sentence_transformers_saves_is_read(folder, dtype):
    table = np.ones((5, 2), dtype) / 3
    save_file({"embedding.weight": table}, folder / "model.safetensors")
    back = read_model2vec(folder)
    assert back.words == WORDS
    np.testing.assert_array_equal(back.vectors, table[:-1])


def test_unknown_words_may_come_first(folder):
    change(folder, vocab={"[PAD]": 0, "a": 2, "b": 1}, unk_token="[PAD]")
    save_file({"embeddings": TABLE[:3]}, folder / "model.safetensors")
    back = read_model2vec(folder)
    assert back.words == ("b", "a")
    np.testing.assert_array_equal(back.vectors, TABLE[1:3])


def test_many_words_come_back(tmp_path):
    words = tuple(f"w{i}" for i in range(1000))
    table = np.arange(2000, dtype=np.float32).reshape(1000, 2)
    write_model2vec(Vectors(words, table), tmp_path)
    back = read_model2vec(tmp_path)
    assert back.words == words
    np.testing.assert_array_equal(back.vectors, table)


def change(folder, **values):
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["model"].update(values)
    path.write_text(json.dumps(tokenizer), encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"type": "BPE"}, "the tokenizer's model is not WordLevel ({path}); give whole words"),
        ({"type": "WordPiece"}, "the tokenizer's model is not WordLevel ({path}); give whole"),
        ({"type": "Unigram"}, "the tokenizer's model is not WordLevel ({path}); give whole words"),
        ({"vocab": {"a": 1}}, "the tokens are not numbered from 0 on ({path}); write the file"),
        ({"vocab": {"a": 0, "b": 0}}, "the tokens are not numbered from 0 on ({path})"),
        ({"vocab": {"a": 0, "b": "1"}}, "the tokens are not numbered from 0 on ({path})"),
        ({"vocab": ["a"]}, "the tokens are not numbered from 0 on ({path})"),
        ({"vocab": {"a b": 0}}, "the word 'a b' holds a blank ({path}); join its parts with '_'"),
        ({"vocab": {"": 0}}, "a row without a word ({path}); write one word a row"),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_refused(values, told, folder):
    change(folder, **values)
    assert refusal(folder).startswith(told.format(path=folder / "tokenizer.json"))


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"x": TABLE}, "{path} holds tensors ['x'], not one 'embeddings'; write it so"),
        ({"embeddings": TABLE}, "embeddings in {path} is F32 [4, 3] for 5 tokens; save it as F32"),
        ({"embeddings": TABLE[0]}, "embeddings in {path} is F32 [3] for 5 tokens"),
        ({"embeddings": np.ones((5, 2), np.int8)}, "embeddings in {path} is I8 [5, 2] for 5"),
        (
            {"embeddings": np.array([[1], [np.nan], [1], [1], [0]], np.float32)},
            "the row of 'café' in {path} holds NaN or Inf",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tensors, told, folder):
    save_file(tensors, folder / "model.safetensors")
    assert refusal(folder).startswith(told.format(path=folder / "model.safetensors"))


def test_a_quantized_table_is_refused(folder):
    tensors = {"embeddings": TABLE, "mapping": np.zeros(5, np.int32)}
    save_file(tensors, folder / "model.safetensors")
    assert "holds tensors ['embeddings', 'mapping'], not one 'embeddings'" in refusal(folder)


def test_a_folder_without_words_is_refused(folder):
    change(folder, vocab={"[UNK]": 0})
    save_file({"embeddings": TABLE[:1]}, folder / "model.safetensors")
    assert refusal(folder).startswith(f"no words ({folder / 'tokenizer.json'}); give a folder")


def test_a_damaged_file_is_refused(folder):
    (folder / "model.safetensors").write_bytes(b"\0" * 7)
    assert refusal(folder).startswith(f"cannot read {folder / 'model.safetensors'}: ")


def refusal(folder):
    with pytest.raises(DataError) as caught:
        jw2v.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
def test_model2vec_loads_it_bit_for_bit_and_writes_it_back(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model2vec = pytest.importorskip("model2vec", reason="model2vec is not installed")
    model = model2vec.StaticModel.from_pretrained(folder)
    assert model.tokens == (*WORDS, "[UNK]")
    assert model.embedding[:-1].tobytes() == TABLE.tobytes()
    np.testing.assert_array_equal(
        model.encode(["the\tcafé  unheard", "new\u00a0york", "king. king"]),
        [(TABLE[0] + TABLE[1]) / 2, TABLE[2], TABLE[3]],
    )
    model.save_pretrained(tmp_path / "back")
    back = jw2v.load(tmp_path / "back")
    assert back.words == WORDS
    assert back.vectors.tobytes() == TABLE.tobytes()


@pytest.mark.slow
def test_sentence_transformers_loads_it(folder, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    library = pytest.importorskip("sentence_transformers", reason="it is not installed")
    model = library.SentenceTransformer(str(folder), device="cpu")
    found = model.encode(["the café", "king. unheard"])
    np.testing.assert_allclose(found, [(TABLE[0] + TABLE[1]) / 2, TABLE[3] / 2], rtol=1e-6)
