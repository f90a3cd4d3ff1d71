"""Files that lie, break off or hold what no vector is: each is refused in its own line."""

import numpy as np
import pytest

import jw2v
from jw2v.errors import DataError

ONE = np.array([1, 2], "<f4").tobytes()
NAN = np.array([1, np.nan], "<f4").tobytes()
COLUMNS = "write a word and its numbers, one blank between"
HEADER = "the first line is not '<vocab> <dim>' ({path}:1); put the number of words and of numbers "
HELD = "more than the {size} bytes of the file can hold ({path}:1); write the file again"
PARSE = "Failed to parse string: '{}' as a scalar of type float"
FIT = "take both files from one export"

TEXT = {
    "no words": (b"0 2\n", HEADER + "per word there"),
    "no numbers": (b"2 0\na\nb\n", HEADER + "per word there"),
    "too many words told": (
        b"99999999999 300\na 1 2\n",
        "the header says 99999999999 words of 300 numbers, " + HELD,
    ),
    "too many numbers told": (
        b"1 99999999999\na 1 2\n",
        "the header says 1 words of 99999999999 numbers, " + HELD,
    ),
    "a row too many": (
        b"1 2\na 1 2\nb 3 4\n",
        "more rows than the 1 of the header ({path}:3); correct line 1",
    ),
    "a row too few": (
        b"2 2\na 1.25 2.75\n",
        "1 rows where the header says 2 ({path}:1); write the file again",
    ),
    "a number too few": (
        b"2 2\na 1 2\nb 3\n1234",
        "1 numbers after 'b' where the header says 2 ({path}:3); " + COLUMNS,
    ),
    "a second row that the file cannot hold": (
        b"2 11\na" + b" 1" * 11 + b"\nb" + b" 1" * 8,
        "the header says 2 words of 11 numbers, " + HELD,
    ),
    "a row too many of three hundred": (
        b"300 1\n" + b"".join(b"%d 1\n" % row for row in range(301)),
        "more rows than the 300 of the header ({path}:302); correct line 1",
    ),
    "a number too many": (
        b"2 2\na 1 2\nb 3 4 5\n",
        "3 numbers after 'b' where the header says 2 ({path}:3); " + COLUMNS,
    ),
    "two blanks": (
        b"2 2\na 1 2\nb  3 4\n",
        "the word 'b ' holds a blank ({path}:3); join its parts with '_'",
    ),
    "a blank in a word": (
        b"2 2\na 1 2\nnew york 3 4\n",
        "the word 'new york' holds a blank ({path}:3); join its parts with '_'",
    ),
    "a tab in a word": (
        b"2 2\na 1 2\nnew\tyork 3 4\n",
        "the word 'new\\tyork' holds a blank ({path}:3); join its parts with '_'",
    ),
    "no word": (b"2 2\na 1 2\n 3 4\n", "a row without a word ({path}:3); write one word a row"),
    "an empty line": (
        b"2 2\na 1 2\n\nb 3 4\n",
        "an empty line before a row ({path}:3); take it out",
    ),
    "an empty line after the header": (
        b"2 2\n \r\na 1 2\nb 3 4\n",
        "an empty line before a row ({path}:2); take it out",
    ),
    "a word twice": (
        b"2 2\na 1 2\na 3 4\n",
        "'a' is there twice ({path}:3); keep one row per word",
    ),
    "no number": (b"2 2\na 1 2\nb 3 x4\n", PARSE.format("x4") + " ({path}:3); write plain numbers"),
    "a number as in Python": (
        b"2 2\na 1 2\nb 3 1_0\n",
        PARSE.format("1_0") + " ({path}:3); write plain numbers",
    ),
    "NaN": (
        b"2 2\na 1 2\nb 3 nan\n",
        "the row of 'b' holds NaN or Inf ({path}:3); leave the word out",
    ),
    "Inf": (
        b"2 2\na -inf 2\nb 3 4\n",
        "the row of 'a' holds NaN or Inf ({path}:2); leave the word out",
    ),
    "too large for float32": (
        b"2 2\na 1e39 2\nb 3 4\n",
        "the row of 'a' holds NaN or Inf ({path}:2); leave the word out",
    ),
    "no UTF-8": (
        b"2 2\na 1 2\ncaf\xe9 3 4\n",
        "byte 4 of the line is not UTF-8 ({path}:3); save the file as UTF-8",
    ),
}
GLOVE = {
    "a number too few": (
        b"a 1 2\nb 3\nc 4 5 6\n",
        "1 numbers after 'b' where line 1 has 2 ({path}:2); " + COLUMNS,
    ),
    "an empty line": (
        b"a 1 2\n\nb 3 4\n\n",
        "an empty line before a row ({path}:2); take it out",
    ),
    "words with blanks": (
        b"a 1 2\nb 3 4\nat name@domain.com 5 6\n",
        "the word 'at name@domain.com' holds a blank ({path}:3); join its parts with '_'",
    ),
    "a word twice": (b"a 1 2\na 3 4\n", "'a' is there twice ({path}:2); keep one row per word"),
    "NaN": (b"a 1 2\nb nan 4\n", "the row of 'b' holds NaN or Inf ({path}:2); leave the word out"),
    "no UTF-8": (
        b"a 1 2\n\xff 3 4\n",
        "byte 1 of the line is not UTF-8 ({path}:2); save the file as UTF-8",
    ),
    "a row for many": (
        b"a" + b" 1" * 99 + b"\n" + b"b\n" * 99,
        "by its first line it has 100 words of 99 numbers, " + HELD,
    ),
    "a second row that the file cannot hold": (
        b"a" + b" 1" * 10 + b"\nb" + b" 1" * 9 + b"\n",
        "by its first line it has 2 words of 10 numbers, " + HELD,
    ),
}
BINARY = {
    "too many words told": (
        b"999 2\na " + ONE,
        "the header says 999 words of 2 numbers, " + HELD,
    ),
    "three words told where there is one": (
        b"3 2\na " + ONE,
        "the header says 3 words of 2 numbers, " + HELD,
    ),
    "too many numbers told": (
        b"1 999999999\na " + ONE,
        "the header says 1 words of 999999999 numbers, " + HELD,
    ),
    "a row cut off": (
        b"2 2\nking " + ONE + b"queen " + ONE[:7],
        "row 2 of 2 is cut off ({path}, byte 17); get the file again",
    ),
    "the third row cut off": (
        b"3 2\na " + ONE + b"b " + ONE + b"c " + ONE[:7],
        "row 3 of 3 is cut off ({path}, byte 24); get the file again",
    ),
    "no blank": (
        b"2 2\nking " + ONE + b"queen" + b"x" * 9,
        "row 2 of 2 is cut off ({path}, byte 17); get the file again",
    ),
    "bytes left over": (
        b"1 2\na " + ONE + b"\nb",
        "2 bytes after the 1 rows of the header ({path}, byte 14); get the file again",
    ),
    "a row left over": (
        b"1 2\na " + ONE + b"bcdefg " + ONE,
        "15 bytes after the 1 rows of the header ({path}, byte 14); get the file again",
    ),
    "a word twice": (
        b"2 2\na " + ONE + b"a " + ONE,
        "'a' is there twice ({path}, byte 14); keep one row per word",
    ),
    "no word": (
        b"2 2\na " + ONE + b"\n " + ONE,
        "a row without a word ({path}, byte 14); write one word a row",
    ),
    "a tab in a word": (
        b"2 2\na " + ONE + b"b\tc " + ONE,
        "the word 'b\\tc' holds a blank ({path}, byte 14); join its parts with '_'",
    ),
    "NaN": (
        b"2 2\na " + ONE + b"b " + NAN,
        "the row of 'b' holds NaN or Inf ({path}, byte 14); leave the word out",
    ),
    "a letter cut off": (
        b"2 2\na " + ONE + b"caf\xc3 " + ONE,
        "a word that is not UTF-8 ({path}, byte 14); write the words as UTF-8, none cut off",
    ),
}
PROJECTOR = {  # vectors.tsv, metadata.tsv
    "a word too few": (
        (b"1\t2\n3\t4\n", b"a\n"),
        "more rows than the 1 words of metadata.tsv ({path}/vectors.tsv:2); " + FIT,
    ),
    "a row too few": (
        (b"1.25\t2.25\n", b"a\nb\n"),
        "1 rows for the 2 words of metadata.tsv ({path}/vectors.tsv); " + FIT,
    ),
    "a number too few": (
        (b"1\t2\n3333\n", b"a\nb\n"),
        "1 numbers where line 1 has 2 ({path}/vectors.tsv:2); put a tab between numbers",
    ),
    "no number": (
        (b"1\t2\n3\t\n", b"a\nb\n"),
        PARSE.format("") + " ({path}/vectors.tsv:2); write plain numbers",
    ),
    "Inf": (
        (b"1\t2\n3\tinf\n", b"a\nb\n"),
        "the row of 'b' holds NaN or Inf ({path}/vectors.tsv:2); leave the word out",
    ),
    "a word twice": (
        (b"1\t2\n3\t4\n", b"a\na\n"),
        "'a' is there twice ({path}/metadata.tsv:2); keep one row per word",
    ),
    "NaN in the third row": (
        (b"1\t2\n3\t4\n5\tnan\n7\t8\n", b"a\nb\nc\nd\n"),
        "the row of 'c' holds NaN or Inf ({path}/vectors.tsv:3); leave the word out",
    ),
    "a second row that the file cannot hold": (
        (b"\t".join([b"1"] * 10) + b"\n1\t1\t1\t1\t1\n", b"a\nb\n"),
        "metadata.tsv and line 1 have 2 words of 10 numbers, more than the 30 bytes of the file "
        "can hold ({path}/vectors.tsv:1); write the file again",
    ),
    "a count beyond 64 bits": (
        (b"1\t2\n", b"word\tcount\na\t" + b"9" * 19 + b"\n"),
        f"'{'9' * 19}' is no count ({{path}}/metadata.tsv:2); write a whole number",
    ),
    "no count": (
        (b"1\t2\n", b"word\tcount\na\t-1\n"),
        "'-1' is no count ({path}/metadata.tsv:2); write a whole number",
    ),
    "no words": ((b"1\t2\n", b""), "no words ({path}/metadata.tsv:1); write one word a line"),
    "rows that the file cannot hold": (
        (b"1\t2\n", b"a\nb\nc\n"),
        "metadata.tsv and line 1 have 3 words of 2 numbers, more than the 4 bytes of the file can "
        "hold ({path}/vectors.tsv:1); write the file again",
    ),
}
CASES = [
    pytest.param(content, told, id=f"{name}: {case}")
    for name, cases in (
        ("text", TEXT), ("glove", GLOVE), ("binary", BINARY), ("projector", PROJECTOR)
    )
    for case, (content, told) in cases.items()
]  # fmt: skip


@pytest.mark.parametrize(("content", "told"), CASES)
def test_a_malformed_file_is_refused_with_its_line(content, told, tmp_path):
    path = tmp_path / "v"
    if isinstance(content, tuple):
        path.mkdir()
        for name, part in zip(("vectors.tsv", "metadata.tsv"), content, strict=True):
            (path / name).write_bytes(part)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        jw2v.load(path)
    assert str(caught.value) == told.format(path=path, size=path.stat().st_size)
