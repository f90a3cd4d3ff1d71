"""The lines of evaluation files: what is read, what is let pass, what is refused with its place."""

import pytest

from jw2v.errors import DataError
from jw2v.vectors.questions import read_pairs, read_questions, source_name


@pytest.mark.parametrize("line", ["a\tb\t1.5", "a b 1.5", "a,b,1.5", "a, b, 1.5", " a   b 1.5\r\n"])
def test_tabs_commas_and_blanks_separate(line):
    assert list(read_pairs([line])) == [("a", "b", 1.5)]


def test_tabs_go_before_commas_and_blanks():
    assert list(read_pairs(["new york\tU,S\t1.5"])) == [("new york", "U,S", 1.5)]


def test_comments_empty_lines_and_a_byte_order_mark_are_let_pass(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes("\ufeff# a comment\r\n\r\na,b,1\r\n#c,d,2\r\ne,f,3".encode())
    assert list(read_pairs(path)) == [("a", "b", 1.0), ("e", "f", 3.0)]


def test_a_byte_order_mark_is_one_at_the_start_alone(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("\ufeffa b 1\n\ufeffc d 2\n", encoding="utf-8")
    assert list(read_pairs(path)) == [("a", "b", 1.0), ("\ufeffc", "d", 2.0)]


def test_blanks_beyond_ascii_belong_to_words():
    assert list(read_pairs(["new\u00a0york usa 2"])) == [("new\u00a0york", "usa", 2.0)]


def test_only_the_first_line_may_be_a_header():
    assert list(read_pairs(["# x", "word1\tword2\tscore", "a\tb\t1"])) == [("a", "b", 1.0)]
    with pytest.raises(DataError, match=r"not 'word1 word2 score' \(text:2\); correct or remove"):
        list(read_pairs(["a b 1", "word1 word2 score"]))
    for line in ("word1 word2", "one word too many"):
        with pytest.raises(DataError, match=r"not 'word1 word2 score' \(text:1\)"):
            list(read_pairs([line, "a b 1"]))


@pytest.mark.parametrize("line", ["a b", "a b c 1", "a b nan", "a b inf", "a", "\tb\t1", "a,,1"])
def test_a_malformed_pair_names_file_and_line(tmp_path, line):
    path = tmp_path / "pairs.tsv"
    path.write_text(f"x y 2\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(read_pairs(path))
    assert str(caught.value) == f"not 'word1 word2 score' ({path}:2); correct or remove the line"


def test_sections_and_questions_are_read():
    lines = [": one", "A b c d", "", ":two words", "i j k l", ": none", ": four", "e f g h"]
    names, questions = read_questions(lines)
    assert names == ["one", "two words", "none", "four"]
    assert [section for section, _ in questions] == [0, 1, 3]
    assert [" ".join(words) for _, words in questions] == ["A b c d", "i j k l", "e f g h"]


@pytest.mark.parametrize("line", ["a b c", "a b c d e", "a"])
def test_a_question_is_four_words(line):
    with pytest.raises(DataError, match=r"^not four words \(text:2\); correct or remove the line$"):
        read_questions([": s", line])


def test_a_question_stands_in_a_section():
    message = r"^a question before any ': section' \(text:1\); name its section first$"
    with pytest.raises(DataError, match=message):
        read_questions(["a b c d"])


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none.txt: No such file or directory; give"):
        read_questions(tmp_path / "none.txt")


def test_bytes_that_are_not_utf8_name_file_and_line(tmp_path):
    path = tmp_path / "latin.tsv"
    path.write_bytes(b"a b 1\ncaf\xe9 b 2\n")
    with pytest.raises(DataError, match=r"byte 4 of the line is not UTF-8 \(.*latin.tsv:2\); save"):
        list(read_pairs(path))


def test_names_have_no_folder_and_no_ending(tmp_path):
    path = tmp_path / "simlex999.txt"
    path.write_text("", encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        assert source_name(path) == source_name(str(path)) == source_name(file) == "simlex999"
    assert source_name([]) == "text"
