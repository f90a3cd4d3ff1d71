"""Why some mutants are none: what their edit makes of a line does the same as the line."""

REASONS = {  # by file, edit and line
    ("jw2v/vectors/projector.py", "ReplaceComparisonOperator_Eq_LtE", "if number == 1 and tab:"): (
        "lines are counted from 1"
    ),
    (
        "jw2v/vectors/projector.py",
        "NumberReplacer",
        'dim = next(numbered_lines(path), (1, ""))[1].count("\\t") + 1',
    ): "the number of a line that is not there is not asked for",
    (
        "jw2v/vectors/questions.py",
        "ReplaceComparisonOperator_Eq_LtE",
        "if position == 0 and len(fields) == 3 and score is None:",
    ): "positions are counted from 0",
    ("jw2v/vectors/rows.py", "NumberReplacer", "_NUMBERS_AT_ONCE = 1 << 20"): (
        "how much is spelt at once, not what"
    ),
    (
        "jw2v/vectors/rows.py",
        "ReplaceBinaryOperator_FloorDiv_BitAnd",
        "step = max(1, _NUMBERS_AT_ONCE // dim)",
    ): "how much is spelt at once, not what",
    (
        "jw2v/vectors/word2vec_binary.py",
        "ReplaceBinaryOperator_Add_BitOr",
        'check_room(path, vocab=vocab, dim=dim, row=2 + 4 * dim, says="the header says")',
    ): "4 * dim does not have the bit of 2",
    (
        "jw2v/vectors/word2vec_format.py",
        "ReplaceComparisonOperator_NotEq_Lt",
        "if len(vectors) != vocab:",
    ): "more rows than that are refused before",
}
