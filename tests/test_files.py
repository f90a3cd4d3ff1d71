"""Files are written whole or not at all."""

import os

import pytest

from jw2v.errors import DataError
from jw2v.files import check_words, replacing


def write(path, text):
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def test_a_file_is_replaced_and_nothing_else_stays(tmp_path):
    path = tmp_path / "a.txt"
    write(path, "old")
    write(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_while_writing_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write(path, "half\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_disk_that_fails_keeps_the_old_file(tmp_path, monkeypatch, step):
    def fail(*args):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.txt"
    write(path, "old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(DataError) as caught:
        write(path, "new")
    message = f"cannot write {path}: No space left on device; give a place with room"
    assert str(caught.value) == message
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_file_is_synced_before_it_is_renamed_and_its_folder_after(tmp_path, monkeypatch):
    steps = []
    fsync, replace, opened = os.fsync, os.replace, os.open
    names = {}

    def open_noting(path, *flags):
        descriptor = opened(path, *flags)
        names[descriptor] = os.path.basename(path)
        return descriptor

    monkeypatch.setattr(os, "open", open_noting)
    monkeypatch.setattr(os, "fsync", lambda d: (steps.append(names.get(d)), fsync(d))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (steps.append("rename"), replace(a, b))[1])
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.touch()
    assert steps == [temporary.name, "rename", tmp_path.name]


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(
        DataError, match=r"cannot write .*none/a.txt: No such file or directory; gi"
    ):
        write(tmp_path / "none" / "a.txt", "")


@pytest.mark.parametrize("word", ["", "a b", "a\tb", "a\n", "\r", "a\v", "\f", "\ud800"])
def test_words_that_break_lines_are_refused(word):
    with pytest.raises(DataError, match=r"^word 2, .*, is empty, holds a blank or is not Unicode"):
        check_words(["fine", word])


def test_words_that_are_there_twice_are_refused():
    with pytest.raises(DataError, match=r"^word 3, 'a', is there twice; keep one row per word$"):
        check_words(["a", "b", "a"])


def test_blanks_beyond_ascii_are_letters():
    check_words(["new\u00a0york", "\u3000", "x\u2028y", "\x1c", "\u0085"])
