"""The table of faults, row by row: which tests hold what a user gets."""

import ast
import gzip
import hashlib
import os
import pickle
import re
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from texts import topical_text

import jw2v
from jw2v.cli import main
from jw2v.corpus import encode, open_corpus
from jw2v.corpus.sources import CHUNK_BYTES
from jw2v.errors import DataError, InterruptedTrainingError
from jw2v.training import checkpoint
from jw2v.vectors import Vectors, load, save
from jw2v.vectors.store import FILES

TESTS = Path(__file__).parent
SMALL = jw2v.Config(
    dim=4, window=2, epochs=2, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, min_count=1, loss_every=1,
)  # fmt: skip

ROWS = {
    1: [  # a text that is missing, a folder, unreadable
        "test_cli.py::test_bad_texts",
        "corpus/test_sources.py::test_find_refuses_what_cannot_be_read",
        "corpus/test_sources.py::test_an_unreadable_folder_is_refused",
        "corpus/test_sources.py::test_a_file_that_goes_away_is_refused",
    ],
    2: ["corpus/test_encode.py::test_unusable_text_is_refused_and_leaves_nothing"],
    3: ["corpus/test_encode.py::test_unusable_text_is_refused_and_leaves_nothing"],
    4: ["corpus/test_encode.py::test_unusable_text_is_refused_and_leaves_nothing"],
    5: ["test_fault_table.py::test_more_negatives_than_words_train_and_are_told"],
    6: [  # sentences of one word
        "blocks/test_windows.py::test_contexts_are_the_loop",
        "corpus/test_encode.py::test_unusable_text_is_refused_and_leaves_nothing",
        "corpus/test_encode.py::test_sentences_of_one_word_are_counted",
        "test_fault_table.py::test_sentences_of_one_word_stand_in_the_summary",
    ],
    7: [  # another encoding
        "corpus/test_sources.py::test_other_encodings_are_refused",
        "corpus/test_sources.py::test_readings_that_cannot_be_are_refused",
        "corpus/test_encodings.py::test_a_text_is_read_as_its_utf8",
        "corpus/test_encodings.py::test_the_first_bad_byte_is_told_as_of_the_whole_file",
        "corpus/test_encodings.py::test_a_byte_order_mark_that_is_missing_is_told",
        "test_fault_table.py::test_every_command_that_reads_text_is_told_how",
    ],
    8: ["corpus/test_sources.py::test_binary_is_refused"],
    9: [  # blanks, byte order marks, line ends
        "corpus/test_encode.py::test_equals_plain_python",
        "corpus/test_encode.py::test_every_way_in_gives_the_same_corpus",
        "corpus/test_sources.py::test_files_are_as_their_concatenation",
        "test_files.py::test_blanks_beyond_ascii_are_letters",
    ],
    10: [  # one long line
        "test_fault_table.py::test_a_text_of_one_line_is_read_in_flat_memory",
        "corpus/test_sources.py::test_a_long_line_is_cut_at_a_blank",
        "corpus/test_encode.py::test_a_corpus_of_one_line_is_cut_into_sentences",
    ],
    11: [  # one long word
        "test_fault_table.py::test_a_text_of_one_line_is_read_in_flat_memory",
        "corpus/test_sources.py::test_a_word_longer_than_a_chunk_is_refused",
        "corpus/test_sources.py::test_a_word_longer_than_is_allowed_is_refused",
        "test_fault_table.py::test_every_command_that_reads_text_is_told_how",
    ],
    12: [  # compressed and cut or damaged
        "corpus/test_sources.py::test_a_cut_file_is_refused",
        "corpus/test_sources.py::test_a_damaged_file_is_refused",
        "experiments/test_survival.py::test_every_reader_reads_or_refuses",
    ],
    13: [  # much text in a small file
        "test_fault_table.py::test_a_text_of_one_line_is_read_in_flat_memory",
        "corpus/test_sources.py::test_more_text_than_is_allowed_is_refused",
        "test_fault_table.py::test_every_command_that_reads_text_is_told_how",
    ],
    14: ["test_fault_table.py::test_a_run_goes_on_with_its_own_text_alone"],
    15: [  # more memory than there is, more rows than ids
        "training/test_memory.py::test_more_than_there_is_is_refused_before_any_is_taken",
        "training/test_memory.py::test_the_estimate_holds_what_a_run_allocates",
        "training/test_memory.py::test_a_device_tells_its_own_limit",
        "training/test_memory.py::test_near_the_limit_is_warned_of",
        "training/test_memory.py::test_more_rows_than_ids_are_refused",
    ],
    16: [  # options out of their range
        "training/test_config.py::test_whole_numbers",
        "training/test_config.py::test_finite_numbers",
        "training/test_config.py::test_rates_are_above_zero",
        "training/test_config.py::test_all_faults_in_one_message",
        "test_cli.py::test_several_faults_are_one_message",
    ],
    17: [  # names that are not known
        "test_cli.py::test_bad_options",
        "test_cli.py::test_what_the_parser_refuses",
        "training/test_config.py::test_names_are_known",
    ],
    18: ["optim/test_named.py::test_what_is_no_transformation_is_refused"],
    19: [  # a loss or a row that is not finite
        "training/test_loop.py::test_a_loss_that_is_not_finite_stops_the_run",
        "training/test_loop.py::test_blocks_whose_gradient_is_not_finite_are_skipped_on_demand",
        "training/test_crew.py::test_a_fault_in_a_process_is_one_line",
        "optim/test_finite.py::test_one_number_stops_the_whole_block",
    ],
    20: [  # scores of ten thousands
        "losses/test_stability.py::test_negative_sampling_is_exact_at_small_and_extreme_scores",
        "losses/test_stability.py::test_naive_softmax_is_exact_at_small_and_extreme_scores",
        "blocks/test_naive_softmax.py::test_scores_of_ten_thousands_are_safe",
        "blocks/test_precision.py::test_extreme_scores_give_the_exact_loss_and_finite_gradients",
    ],
    21: [  # a row that was not drawn
        "blocks/test_kernels.py::test_words_that_are_not_used_have_gradient_zero",
        "optim/test_rows.py::test_other_rows_stay_as_they_are",
        "optim/test_rows.py::test_a_row_at_rest_keeps_its_memory",
    ],
    22: [  # an index that is there twice
        "blocks/test_tables.py::test_scatter_add_is_the_one_hot_product",
        "losses/test_mistakes.py::test_mistake_3_overwriting_a_repeated_negative_turns_red",
        "losses/test_coincidences.py::test_table_gradient_is_autodiff_for_every_pattern",
    ],
    23: ["corpus/test_store.py::test_arrays_that_contradict_are_refused"],
    24: [  # a kill at any moment
        "training/test_checkpoint.py::test_a_run_that_is_killed_again_and_again_ends_the_same",
        "training/test_checkpoint.py::test_what_a_killed_process_was_writing_is_removed",
        "training/test_checkpoint.py::test_what_was_told_before_a_kill_is_told_once",
        "test_fault_table.py::test_what_an_encoding_that_was_killed_left_is_cleared",
        "experiments/test_survival.py::test_what_a_kill_leaves_is_counted",
        "experiments/test_questions.py::test_the_quick_form_runs",
    ],
    25: [  # a power cut
        "test_faults.py::test_a_power_cut_leaves_the_old_state_or_the_new",
        "test_files.py::test_the_file_is_synced_before_it_is_renamed_and_its_folder_after",
        "training/test_checkpoint.py::test_every_cut_is_seen",
    ],
    26: [  # a full disk
        "test_faults.py::test_each_fault_leaves_the_old_state_or_the_new",
        "test_faults.py::test_a_disk_that_is_full_leaves_what_was",
        "training/test_checkpoint.py::test_what_cannot_be_saved_is_told_and_leaves_what_was",
    ],
    27: [  # a folder that cannot be written
        "test_cli.py::test_a_folder_that_cannot_be_written",
        "corpus/test_encode.py::test_a_folder_that_cannot_be_written_is_refused",
        "vectors/test_formats.py::test_a_place_that_cannot_be_written_is_told",
    ],
    28: [  # two runs, one folder
        "training/test_checkpoint.py::"
        "test_a_second_run_in_a_folder_is_refused_by_the_first_ones_number",
        "training/test_checkpoint.py::test_of_many_that_want_a_folder_at_once_one_has_it",
    ],
    29: [  # a damaged checkpoint
        "training/test_checkpoint.py::test_every_flipped_bit_is_seen",
        "training/test_checkpoint.py::test_every_cut_is_seen",
        "training/test_checkpoint.py::test_the_one_before_is_taken_where_the_last_is_damaged",
        "training/test_loop.py::test_a_damaged_checkpoint_is_refused",
        "experiments/test_survival.py::test_every_reader_reads_or_refuses",
    ],
    30: [  # going on as something else
        "training/test_checkpoint.py::test_one_of_another_run_is_refused_with_what_differs",
        "training/test_loop.py::test_a_stopped_run_goes_on_bit_for_bit",
    ],
    31: [  # of a newer format
        "training/test_checkpoint.py::test_one_of_another_version_is_refused_by_both_numbers",
        "corpus/test_store.py::test_another_version_is_refused",
    ],
    32: [  # signals
        "test_cli.py::test_a_run_stopped_by_a_signal_goes_on",
        "test_cli.py::test_a_second_signal_ends_at_once",
        "test_cli.py::test_a_process_that_is_stopped_goes_on_bit_for_bit",
        "test_cli.py::test_ctrl_c_is_told_in_one_line",
    ],
    33: [  # pickles, names that are paths
        "test_fault_table.py::test_a_pickle_is_never_opened",
        "test_fault_table.py::test_a_name_in_a_file_is_never_a_path",
        "vectors/test_formats.py::test_files_of_others_are_named",
    ],
    34: [  # safetensors
        "test_fault_table.py::test_tensors_with_a_huge_header_are_refused",
        "vectors/test_store.py::test_tables_that_do_not_fit_are_refused",
        "vectors/test_store.py::test_every_cut_and_every_flipped_bit_is_refused",
        "vectors/test_ngrams.py::test_ngrams_that_do_not_fit_are_refused",
        "vectors/test_model2vec.py::test_a_table_that_does_not_fit_is_refused",
        "experiments/test_survival.py::test_every_reader_reads_or_refuses",
    ],
    35: [  # word2vec's formats
        "vectors/test_malformed.py::test_a_malformed_file_is_refused_with_its_line",
        "vectors/test_word2vec_format.py::test_a_header_that_lies_is_refused",
        "vectors/test_word2vec_format.py::test_a_word_with_a_blank_is_not_written",
        "vectors/test_word2vec_binary.py::test_every_cut_is_refused",
        "vectors/test_formats.py::test_a_small_file_that_promises_much_takes_no_memory",
        "experiments/test_survival.py::test_every_reader_reads_or_refuses",
    ],
    36: [  # no accelerator, or no memory left on it
        "test_cli.py::test_a_platform_that_is_not_there",
        "training/test_memory.py::test_memory_that_runs_out_is_told_with_what_is_left",
        "training/test_memory.py::test_the_block_that_is_proposed_can_be_given",
    ],
    37: ["test_fault_table.py::test_a_device_that_another_process_holds_is_told"],
    38: [  # a process that dies, is stopped or hangs
        "training/test_crew.py::test_a_process_that_is_killed_ends_the_run",
        "training/test_exchange.py::test_whoever_waits_for_a_process_that_is_gone_is_told",
        "training/test_processes.py::test_where_one_of_three_is_killed_the_others_end_and_two_go_on",
        "training/test_stopped.py::test_a_process_that_is_stopped_ends_the_run",
        "training/test_stopped.py::test_a_process_that_hangs_ends_the_run",
        "training/test_stopped.py::test_the_command_ends_with_1_and_leaves_its_checkpoint",
        "training/test_stopped.py::test_one_that_goes_on_in_time_ends_nothing",
    ],
    39: [
        "test_fault_table.py::test_a_run_is_the_same_wherever_it_is",
        "training/test_same_tables.py::test_the_same_seed_gives_the_same_bytes",
    ],
    40: [  # a closed pipe, no terminal
        "test_cli.py::test_a_process_that_is_told_no_more",
        "test_display.py::test_ten_lines_where_there_is_no_terminal",
        "test_display.py::test_lines_are_plain_and_whole_however_narrow",
    ],
    41: ["training/test_checkpoint.py::test_what_cannot_be_saved_is_told_and_leaves_what_was"],
    42: [  # what is not installed, or is another version
        "training/test_versions.py::test_versions_outside_the_range_are_one_warning",
        "corpus/test_demo.py::test_missing_packages_are_named",
        "test_demo.py::test_a_demo_without_its_text_is_one_line",
        "vectors/test_map.py::test_without_umap_pca_stands_in_and_is_named",
    ],
}


@cache
def defined_in(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_has_tests():
    assert sorted(ROWS) == list(range(1, 43))
    assert all(ROWS.values())


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_are_there(row):
    for test in ROWS[row]:
        path, name = test.split("::")
        assert name in defined_in(path), test


def test_a_test_that_is_not_there_would_be_seen():
    assert "test_no_such_thing" not in defined_in("test_files.py")
    assert "write" in defined_in("test_files.py")


# Rows that no other file holds


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text(topical_text(60))
    return path


@pytest.mark.slow
def test_more_negatives_than_words_train_and_are_told(tmp_path, caplog):
    (tmp_path / "text").write_text("a b c\nb c a\n" * 30)
    vectors = jw2v.train(tmp_path / "text", replace(SMALL, negatives=20), check=False)
    assert len(vectors.words) == 3
    assert np.isfinite(vectors.vectors).all()
    few, none = replace(SMALL, negatives=3), replace(SMALL, negatives=9, loss="naive_softmax")
    for config in (few, none):
        jw2v.train(tmp_path / "text", config, check=False)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "20 negatives of a vocabulary of 3 words: a pair draws some of them more than once; "
        "give fewer (--negatives)"
    ]


@pytest.mark.slow
def test_sentences_of_one_word_stand_in_the_summary(text, tmp_path, capsys, caplog):
    words = text.read_text()
    text.write_text(f"{words}a0\na0 once\n" + "b0\n\n" * 3)
    told = "; sentences of one word, which train nothing: 5"
    options = ("--min-count", "2", "--heldout-every", "0")
    assert main(["encode", str(text), "--out", str(tmp_path / "corpus"), *options]) == 0
    assert capsys.readouterr().out.endswith(f" in {tmp_path / 'corpus'}{told}\n")
    with caplog.at_level("INFO", "jw2v"):
        run = jw2v.train(text, replace(SMALL, min_count=2, heldout_every=0), check=False).run
    assert re.search(rf"in the vocabulary \(.* words/s\){told}$", caplog.text, re.MULTILINE)
    assert run["corpus"]["alone"] == 5


@pytest.mark.slow
def test_every_command_that_reads_text_is_told_how(tmp_path, capsys):
    text, out = tmp_path / "text", str(tmp_path / "out")
    text.write_text("le café\n" * 9, encoding="latin-1")
    whole = ("--heldout-every", "0")
    commands = [
        ["train", str(text), "--out", out, "--dim", "4", "--no-check", *whole],
        ["encode", str(text), "--out", f"{out}-corpus", *whole],
        ["lines", str(text)],
        ["count", str(text), "--out", f"{out}.parquet", *whole],
        ["encode", str(text), "--vocab", f"{out}-shards"],
    ]
    encoding = ("--encoding", "windows-1252")
    refusals = {  # options, and what is told of them
        (): f"not UTF-8: byte 0xe9 at {text}:1 (byte 6); if it is windows-1252, say so "
        "(--encoding windows-1252)",
        (*encoding, "--max-word-bytes", "4"): f"a word of 5 bytes at {text}:1 (byte 3), and 4 are "
        "allowed; separate the words by blanks, or allow more (--max-word-bytes)",
        (*encoding, "--max-bytes", "80"): f"more than 80 bytes of text, unpacked, in {text}; "
        "allow more (--max-bytes)",
    }
    for command in commands:
        if "--vocab" in command:
            assert main(["merge", f"{out}.parquet", "--out", f"{out}-shards"]) == 0
        for options, told in refusals.items():
            assert main([*command, *options]) == 1
            assert capsys.readouterr().err.endswith(f"jw2v: {told}\n")
        assert main([*command, *encoding, "--max-word-bytes", "5", "--max-bytes", "81"]) == 0
    assert load(tmp_path / "out").words == ("le", "café")
    for folder in ("out-corpus", "out-shards"):
        assert open_corpus(tmp_path / folder).vocab.words == ("le", "café")
    assert main(["train", f"{out}-corpus", "--out", out, "--encoding", "latin-1"]) == 2
    assert capsys.readouterr().err.endswith(
        f"jw2v: {out}-corpus is encoded already; --encoding and limits are for text\n"
    )


@pytest.mark.slow
def test_a_run_goes_on_with_its_own_text_alone(text, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InterruptedTrainingError):
        jw2v.train(text, SMALL, out=out, check=False, stop=lambda: True)
    sums = [hashlib.sha256(text.read_bytes()).hexdigest()]
    text.write_text(text.read_text().replace("a1", "a0", 1))  # as many words as before
    sums.append(hashlib.sha256(text.read_bytes()).hexdigest())
    (path,) = checkpoint.saved(out)
    with pytest.raises(DataError) as caught:
        jw2v.train(text, SMALL, out=out, check=False, resume=True)
    assert str(caught.value) == (
        f"{path} was made with other options (corpus {sums[0]} -> {sums[1]}); "
        "give the same, or another folder (--out)"
    )


FLAT = r"""
import re, resource, sys
from jw2v.corpus import Reading, blocks
from jw2v.errors import DataError
size = int(re.search(r"VmSize:\s+(\d+)", open("/proc/self/status").read())[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (size + (128 << 20),) * 2)
try:
    reading = Reading(encoding=sys.argv[2])
    print(sum(len(chunk.data) for chunk in blocks(sys.argv[1], reading=reading)))
except DataError as error:
    print(error)
"""
MUCH = 512 << 20


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("word", "encoding", "shown"),
    [
        (b"word ", "utf-8", f"{MUCH // 5 * 5 + 1}"),
        (b"w\0o\0r\0d\0 \0", "utf-16-le", f"{MUCH // 10 * 5 + 1}"),
        (
            b"x",
            "utf-8",
            f"a word of {CHUNK_BYTES} bytes or more at {{path}}:1 (byte 0); separate the words by "
            "blanks",
        ),
        (b"\0", "utf-8", "binary file: NUL byte at {path}:1 (byte 0); give plain text in UTF-8"),
    ],
)
def test_a_text_of_one_line_is_read_in_flat_memory(tmp_path, word, encoding, shown):
    """512 MiB that are half a megabyte on the disk, in 128 MiB of memory."""
    path = tmp_path / "text.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(MUCH // 5 // 1024):
            file.write(word * (5 * 1024 // len(word)))
        file.write(word * ((MUCH // 5 % 1024) * 5 // len(word)))
    assert path.stat().st_size < MUCH / 500
    done = subprocess.run(
        [sys.executable, "-c", FLAT, str(path), encoding],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(shown.format(path=path))


ENCODING = """
import sys
from jw2v.corpus import encode
encode("-", directory=sys.argv[1], min_count=1, heldout_every=0)
"""


def encoding(folder: Path) -> "subprocess.Popen[bytes]":
    """A process that encodes what it is still to be told, and has begun."""
    before = set(folder.glob(".encoding-*"))
    process = subprocess.Popen([sys.executable, "-c", ENCODING, str(folder)], stdin=subprocess.PIPE)
    while not set(folder.glob(".encoding-*/lock")) - {path / "lock" for path in before}:
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_what_an_encoding_that_was_killed_left_is_cleared(tmp_path):
    (tmp_path / "text").write_text("a b\nb a\n")
    killed, at_work = encoding(tmp_path), encoding(tmp_path)
    killed.kill()
    killed.communicate()
    folders = sorted(tmp_path.glob(".encoding-*"))
    assert len(folders) == 2
    for folder in folders:
        os.utime(folder, (0, 0))
    (tmp_path / ".encoding-new").mkdir()  # not held yet
    encode(tmp_path / "text", directory=tmp_path, min_count=1, heldout_every=0)
    left = set(tmp_path.glob(".encoding-*")) - {tmp_path / ".encoding-new"}
    assert len(left) == 1
    assert left < set(folders)
    at_work.communicate(b"to be or not to be\n", timeout=60)
    assert at_work.returncode == 0
    assert open_corpus(tmp_path).vocab.words == ("to", "be", "or", "not")
    assert [path.name for path in tmp_path.glob(".encoding-*")] == [".encoding-new"]


class Bomb:
    """What runs when a pickle of it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_opened(text, tmp_path):
    gone_off = tmp_path / "gone off"
    pickled = pickle.dumps(Bomb(gone_off))
    held = np.array([Bomb(gone_off)], object)
    folder, vectors = tmp_path / "corpus", tmp_path / "vectors"
    encode(text, directory=folder, min_count=1)
    save(Vectors(("a",), np.ones((1, 2), np.float32)), vectors)
    ids, tables = folder / "train.ids.npy", vectors / FILES[0]
    np.save(ids, held, allow_pickle=True)
    tables.write_bytes(pickled)
    (tmp_path / "one").write_bytes(pickled)
    (vectors / checkpoint.NAME.format(1)).write_bytes(pickled)
    for attempt in (
        lambda: open_corpus(folder),
        lambda: load(vectors),
        lambda: load(tmp_path / "one"),
        lambda: checkpoint.find(vectors, {}),
    ):
        with pytest.raises(DataError):
            attempt()
    assert not gone_off.exists()
    pickle.loads(pickled)
    assert gone_off.exists()


def test_a_name_in_a_file_is_never_a_path(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".written-by").write_text("7\n../taken")
    (tmp_path / ".taken.7.tmp").write_text("not yours")
    save(Vectors(("a",), np.ones((1, 2), np.float32)), folder)
    assert sorted(os.listdir(tmp_path)) == [".taken.7.tmp", "folder"]
    assert sorted(os.listdir(folder)) == sorted(FILES)


def test_tensors_with_a_huge_header_are_refused(tmp_path):
    save(Vectors(("a",), np.ones((1, 2), np.float32)), tmp_path)
    path = tmp_path / FILES[0]
    path.write_bytes((1 << 40).to_bytes(8, "little") + path.read_bytes()[8:])
    told = rf"^cannot read {re.escape(str(path))}: .*header.*; save the vectors again$"
    with pytest.raises(DataError, match=told):
        load(tmp_path)


BUSY = "UNAVAILABLE: CUDA_ERROR_DEVICE_UNAVAILABLE: all devices are busy or unavailable"
HELD = """
import sys
from jax._src import xla_bridge

def start():
    raise RuntimeError(sys.argv[1])

xla_bridge.register_backend_factory("held", start, priority=500, fail_quietly=False)
from jw2v.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code"),
    [("train TEXT --out OUT", 1), ("train TEXT --out OUT --require gpu", 1), ("verify", 3)],
)
def test_a_device_that_another_process_holds_is_told(text, tmp_path, command: str, code):
    """JAX is given a device whose start fails as a device's that is held."""
    names = {"TEXT": str(text), "OUT": str(tmp_path / "out")}
    arguments = [names.get(word, word) for word in command.split()]
    done = subprocess.run(
        [sys.executable, "-c", HELD, f"{BUSY}\nmore", *arguments],
        capture_output=True, text=True, env={**os.environ, "JAX_PLATFORMS": "held"},
    )  # fmt: skip
    assert done.stderr == (
        f"jw2v: Unable to initialize backend 'held': {BUSY} more (set JAX_PLATFORMS='' to "
        "automatically choose an available backend); another process may hold the device: end it, "
        "have it take less memory (XLA_PYTHON_CLIENT_PREALLOCATE=false), or do without "
        "(JAX_PLATFORMS=cpu)\n"
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert not (tmp_path / "out").exists()


WIDE = replace(SMALL, dim=128, block=1024, group=64, tile=64, shared_negatives=64)  # worth threads
ELSEWHERE = """
import os, sys
os.umask(int(sys.argv[3], 8))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[4])])
import jw2v
from test_fault_table import WIDE
vectors = jw2v.train(sys.argv[1], WIDE, out=sys.argv[2], check=False)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_run_is_the_same_wherever_it_is(tmp_path):
    text = tmp_path / "text"
    text.write_text(topical_text(2000))
    one_thread = "--xla_cpu_multi_thread_eigen=false"
    places = [  # environment, umask, processors
        ({"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0", "NPROC": "1"}, "000", 1),
        ({"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"}, "077", 64),
        ({"NPROC": "2", "OMP_NUM_THREADS": "2", "PYTHONUTF8": "1"}, "022", 64),
        ({"NPROC": "7", "XLA_FLAGS": one_thread}, "022", 2),
    ]
    tables = set()
    for number, (settings, umask, processors) in enumerate(places):
        out = tmp_path / str(number)
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE, str(text), str(out), umask, str(processors)],
            check=True, capture_output=True, cwd=TESTS,
            env={name: value for name, value in os.environ.items() if name != "NPROC"} | settings,
        )  # fmt: skip
        found = load(out)
        assert found.outside is not None
        assert found.counts is not None
        tables.add(
            (found.words, *(x.tobytes() for x in (found.vectors, found.outside, found.counts)))
        )
    assert len(tables) == 1
