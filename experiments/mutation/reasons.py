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
    (
        "jw2v/vectors/store.py",
        "ReplaceComparisonOperator_LtE_Lt",
        "ngrams = _ngrams(tables, tables_path) if set(NGRAMS) <= set(tables) else None",
    ): "vectors are there beside them",
    (
        "jw2v/vectors/word2vec_binary.py",
        "NumberReplacer",
        'if data[start : start + 2] not in (b"", b"\\n"):',
    ): "a line end with anything behind it is neither, however much of it is looked at",
    (
        "jw2v/vectors/ngrams.py",
        "ReplaceTrueWithFalse",
        "return dict(zip(TENSORS, arrays, strict=True))",
    ): "there are three of each, here and at the head of the file",
    (
        "jw2v/vectors/model2vec.py",
        "ReplaceTrueWithFalse",
        "paths = dict(zip(names, temporaries, strict=True))",
    ): "`replacing_together` gives one for each",
    (
        "jw2v/vectors/rows.py",
        "ReplaceBinaryOperator_FloorDiv_Mul",
        "step = max(1, _NUMBERS_AT_ONCE // dim)",
    ): "how much is spelt at once, not what",
    (
        "jw2v/vectors/word2vec_binary.py",
        "NumberReplacer",
        "if blank < 0 or blank + 1 + 4 * dim > len(data):",
    ): "no blank is found at 0, where the header is",
    ("jw2v/vectors/rows.py", "ReplaceBinaryOperator_LShift_Mod", "_NUMBERS_AT_ONCE = 1 << 20"): (
        "how much is spelt at once, not what"
    ),
    ("jw2v/vectors/rows.py", "ReplaceComparisonOperator_Eq_GtE", "if len(words) == vocab:"): (
        "words come one by one"
    ),
    (
        "jw2v/vectors/table.py",
        "ReplaceComparisonOperator_Eq_LtE",
        'ngrams = self.ngrams if name == "centre" else None',
    ): "the other name is behind it in the alphabet",
    (
        "jw2v/vectors/rows.py",
        "ReplaceBinaryOperator_FloorDiv_BitOr",
        "step = max(1, _NUMBERS_AT_ONCE // dim)",
    ): "how much is spelt at once, not what",
    (
        "jw2v/vectors/rows.py",
        "ReplaceBinaryOperator_FloorDiv_Add",
        "step = max(1, _NUMBERS_AT_ONCE // dim)",
    ): "how much is spelt at once, not what",
    ("jw2v/vectors/table.py", "ReplaceContinueWithBreak", "continue"): (
        "the table that may be none is the last"
    ),
    (
        "jw2v/vectors/projector.py",
        "ReplaceComparisonOperator_Lt_NotEq",
        "if number < len(words):",
    ): "more rows than that are refused before",
    (
        "jw2v/vectors/projector.py",
        "ReplaceTrueWithFalse",
        "for path, lines in zip(paths, parts.values(), strict=True):",
    ): "`replacing_together` gives one for each",
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
    (
        "jw2v/training/checkpoint_files.py",
        "ReplaceComparisonOperator_NotEq_IsNot",
        "if version != VERSION:",
    ): "CPython has one object for each small whole number, and versions are small",
    (
        "jw2v/training/checkpoint_files.py",
        "ReplaceComparisonOperator_Eq_LtE",
        "counters = [x.ndim == 0 and np.issubdtype(x.dtype, np.integer) for x in arrays]",
    ): "no array has fewer axes than none",
    (
        "jw2v/training/checkpoint_files.py",
        "ReplaceTrueWithFalse",
        "for x, counts in zip(arrays, counters, strict=True)",
    ): "there is one for each, two lines above",
    (
        "jw2v/training/checkpoint_files.py",
        "ReplaceBinaryOperator_Add_LShift",
        "path = write(found.path.parent, arrays, Record(calls, made_with), keep=len(others) + 1)",
    ): "at least as many are kept; the next line removes the others",
    (
        "jw2v/training/checkpoint_files.py",
        "NumberReplacer",
        "path = write(found.path.parent, arrays, Record(calls, made_with), keep=len(others) + 1)",
    ): "one more is kept; the next line removes the others",
    (
        "jw2v/training/checkpoint_files.py",
        "ReplaceTrueWithFalse",
        "path.unlink(missing_ok=True)",
    ): "a file that is not there is an OSError, too, and passed over",
    (
        "jw2v/losses/sigmoid.py",
        "NumberReplacer",
        "loss_and_grads_autodiff = jax.value_and_grad(loss, argnums=(0,))",
    ): "the last argument is the only one",
    ("jw2v/judge/arithmetic/values.py", "NumberReplacer", "FLOAT64_BITS = 53"): (
        "what has 53 bits has 54"
    ),
    (
        "jw2v/judge/witness.py",
        "NumberReplacer",
        "steps = np.eye(point[i].size).reshape(-1, *point[i].shape) * 1j * COMPLEX_STEP",
    ): "a real part of 1e-30 is lost beside the point's own",
    (
        "jw2v/judge/diagnosis/entries.py",
        "ReplaceComparisonOperator_Gt_GtE",
        "whole = bool((size > 1e-6 * sizes(true)).all()) and true.shape[1] > 1",
    ): "of one row the sum is the row, and wrong where it is",
    (
        "jw2v/judge/arithmetic/digits.py",
        "NumberReplacer",
        "largest = max((abs(x) for x in other.flat), default=Decimal(0))",
    ): "where there is no entry, none is compared with it",
    (
        "jw2v/judge/diagnosis/ways.py",
        "ReplaceBinaryOperator_Mul_BitAnd",
        "return forward * x",
    ): "under a gradient its rule is run in its place",
    (
        "jw2v/judge/mutation/surgery.py",
        "ReplaceTrueWithFalse",
        "names: dict[Var, Atom] = dict(zip(called.jaxpr.constvars, constvars, strict=True))",
    ): "there is one for each, three lines above",
    (
        "jw2v/judge/verify.py",
        "ReplaceComparisonOperator_Eq_LtE",
        'find(self.measured(step, self.value_target(step), step.correct_fn)).verdict == "holds"',
    ): "no verdict is before it in the alphabet",
    ("jw2v/judge/arithmetic/bounds.py", "NumberReplacer", "out = equation.outvars[0].aval"): (
        "of an operation with a rule the results have one dtype, and rules of several ask no shape"
    ),
    ("jw2v/judge/mutation/surgery.py", "NumberReplacer", "@lru_cache(maxsize=4096)"): (
        "how much is remembered, not what"
    ),
    (
        "jw2v/judge/diagnosis/ways.py",
        "ReplaceUnaryOperator_Delete_USub",
        "return read(out, (-1, -1))",
    ): "no gate is of equation -1, whatever its operand",
    (
        "jw2v/judge/mutation/rewiring.py",
        "ReplaceComparisonOperator_Lt_IsNot",
        'if name == "dot_general" and len(shape) > 1 and shape[-2] != shape[-1] > 1 < shape[-2]:',
    ): "1 is one object, and no axis that is edited is empty",
    (
        "jw2v/judge/diagnosis/ways.py",
        "NumberReplacer",
        "step = max(1, MOST_NUMBERS // (size * len(points[0])))",
    ): "how much is evaluated at once, not what",
    (
        "jw2v/judge/diagnosis/counterexample.py",
        "ReplaceComparisonOperator_Gt_GtE",
        "longer = [size for size in axes_by_size(trial.args) if size > 1]",
    ): "an axis of 1 has one length to try, its own",
    (
        "jw2v/judge/report/summary.py",
        "ReplaceComparisonOperator_Eq_GtE",
        '"Notation, read as meant": lambda line: line.entry.reading == "meant",',
    ): "no reading is behind it in the alphabet",
    (
        "jw2v/judge/diagnosis/trial.py",
        "ReplaceComparisonOperator_Is_Eq",
        "if len(parameters) == count "
        "and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters):",
    ): "kinds of parameters are an enumeration: what is equal is the same",
    (
        "jw2v/judge/diagnosis/entries.py",
        "ReplaceUnaryOperator_USub_Invert",
        "set(np.flatnonzero(table.reshape(len(table), -1).any(axis=1))) <= set(np.ravel(named))",
    ): "NumPy takes any negative size for the one to be found",
    (
        "jw2v/judge/arithmetic/bounds.py",
        "ReplaceBinaryOperator_BitAnd_FloorDiv",
        "error = np.where(np.isfinite(value) & (size > float(limits.max)), np.inf, error)",
    ): "NumPy's quotient of two booleans is 1 where both hold, else 0, by 0 too",
    ("jw2v/judge/check.py", "ReplaceComparisonOperator_Eq_LtE", 'if self.verdict == "holds":'): (
        "no verdict is before it in the alphabet"
    ),
    (
        "jw2v/judge/arithmetic/bounds.py",
        "NumberReplacer",
        'operand = _name_of(equation.invars[0].aval.dtype) if equation.invars else ""',
    ): "only a conversion asks for it, whose operand is the first and the last",
    (
        "jw2v/judge/compare.py",
        "NumberReplacer",
        "bound = unit * (sizes[0] + np.max([np.zeros_like(sizes[0]), *sizes[1:]], axis=0))",
    ): "zeros, one a point, whichever size they are like",
}
